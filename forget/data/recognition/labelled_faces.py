"""What every training set of face recognition offers, in whatever format it lies."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["LabelledFaces"]


class LabelledFaces(Protocol):
    """Images with a class number each, read one at a time.

    The number is the one that a recognition network's head knows the person by.
    """

    def __len__(self) -> int:
        """Number of images."""
        ...

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class number of each image, (n,)."""
        ...

    @property
    def people(self) -> Mapping[int, str]:
        """Name of each class number that occurs, in ascending order."""
        ...

    def encoded(self, index: int) -> bytes:
        """One image as it is stored, such as a JPEG."""
        ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image, (height, width, 3), RGB."""
        ...

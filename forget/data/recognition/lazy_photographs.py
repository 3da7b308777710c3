"""Aligned crops of any number as one read-only array, each decoded when it is asked for."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from forget.data.recognition.labelled_faces import LabelledFaces
from forget.errors import PhotographError

__all__ = ["MOST_BYTES", "SIDE", "LazyPhotographs"]

SIDE = 112  # pixels, height and width
MOST_BYTES = 4 * 10**9  # of pixels that are decoded at once
KEYS = "a whole number, a slice, an array of indices or a mask, of photographs alone"


class LazyPhotographs:
    """Behaves as an array of n crops, (n, 112, 112, 3), RGB, uint8, that cannot be written.

    An index is read as NumPy reads one of the first axis, and what it names is decoded, each time
    anew; nothing is kept.

    Arguments:
        source: Where the images lie.
        name: What messages call it.
        indices: Which images of the source; by default all of them in their order.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self,
        source: LabelledFaces,
        name: str = "faces",
        indices: NDArray[np.integer] | None = None,
    ) -> None:
        self.source, self.name = source, name
        self._indices = np.arange(len(source)) if indices is None else np.asarray(indices)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number, height, width and channels."""
        return len(self), SIDE, SIDE, 3

    @property
    def nbytes(self) -> int:
        """Bytes that all of them would take once decoded."""
        return len(self) * SIDE * SIDE * 3

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - whatever NumPy takes
        """Decodes one photograph, (112, 112, 3), or some, (m, 112, 112, 3).

        Raises:
            IndexError: There is no such photograph.
            PhotographError: One is damaged or of another size, named in the message; more than
                4 GB of pixels; or an index into pixels.
        """
        chosen = self._chosen(key)
        size = chosen.size * SIDE * SIDE * 3
        if size > MOST_BYTES:
            raise PhotographError(
                f"at most {MOST_BYTES / 10**9:.3g} GB of pixels at once",
                f"{size / 10**9:.3g} GB, {chosen.size:,} crops of {self.name}",
                "Take fewer at a time, or leave them undecoded with part().",
            )
        if not chosen.ndim:
            return self._decoded(int(chosen))
        crops = np.empty((*chosen.shape, SIDE, SIDE, 3), np.uint8)
        for place, index in zip(np.ndindex(chosen.shape), chosen.flat, strict=True):
            crops[place] = self._decoded(int(index))
        return crops

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._decoded(index) for index in self._indices.tolist())

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """Decodes all of them.

        Raises:
            PhotographError: These are more than 4 GB of pixels, or it may not copy.
        """
        if copy is False:
            raise PhotographError("copy=True or None", "False", "Decoding them makes an array.")
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def part(self, key: Any) -> "LazyPhotographs":  # noqa: ANN401 - whatever NumPy takes
        """Some of the photographs, in the order of an index or a mask, not decoded either.

        Raises:
            IndexError: There is no such photograph.
            PhotographError: An index of one photograph, or into pixels.
        """
        chosen = self._chosen(key)
        if chosen.ndim != 1:
            raise PhotographError(KEYS, repr(key), "Give an array of one axis.")
        return LazyPhotographs(self.source, self.name, chosen)

    def _chosen(self, key: Any) -> NDArray[np.integer]:  # noqa: ANN401
        """What an index names, as indices of the source."""
        one = isinstance(key, bool | np.bool_ | np.ndarray) and np.ndim(key) == 0
        flag = one and np.asarray(key).dtype == bool
        if key is None or key is Ellipsis or isinstance(key, tuple) or flag:
            raise PhotographError(KEYS, repr(key), "Take photographs first, then their pixels.")
        return np.asarray(self._indices[key])

    def _decoded(self, index: int) -> NDArray[np.uint8]:
        crop = self.source.image(index)
        if crop.shape != (SIDE, SIDE, 3):
            raise PhotographError(
                f"aligned crops of {SIDE} x {SIDE} pixels",
                f"{crop.shape[1]} x {crop.shape[0]} of image {index:,} in {self.name}",
                "Align the faces first: forget.data.recognition.align.",
            )
        return crop

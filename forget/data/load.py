"""One door to every data set: faces by name or by folder, and images with classes by name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from forget.data.cifar import load_cifar10
from forget.data.dataset import FaceDataset
from forget.data.digits import load_digits, load_mnist
from forget.data.folder import LAYOUT, load_folder
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import load_mufac
from forget.data.mufac_people import load_mufac_people
from forget.data.orl import load_orl
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["IMAGES", "SOURCES", "load_faces", "load_images"]

SOURCES: dict[str, Callable[[], FaceDataset]] = {"orl": load_orl, "mufac": load_mufac_people}


class Loader(Protocol):
    """Reads one data set of images with classes."""

    def __call__(self, source: Path | None, on_step: OnStep) -> ImageDataset:
        """Reads it from a path, or from where it is kept."""
        ...


IMAGES: dict[str, Loader] = {
    "mufac": load_mufac,
    "mnist": lambda source, on_step: load_mnist(source),
    "cifar10": load_cifar10,
    "digits": lambda source, on_step: load_digits(),
}


def load_images(name: str, source: Path | None = None, on_step: OnStep = silent) -> ImageDataset:
    """Loads a data set of images with a class each.

    Arguments:
        name: "mufac", "mnist", "cifar10" or "digits".
        source: Where it lies; by default in app_data.
        on_step: Told of progress where images have to be decoded first.

    Raises:
        ForgetError: No such data set, or it is not there; the remedy says how to get it.

    Example:
        >>> load_images("digits").images.shape
        (1797, 8, 8, 1)
    """
    if name not in IMAGES:
        known = ", ".join(IMAGES)
        raise ForgetError(f"a data set of {known}", repr(name), "Choose one of these names.")
    return IMAGES[name](source, on_step)


def load_faces(source: str | Path) -> FaceDataset:
    """Loads a known data set by name, or a folder (or .zip) of people by path.

    Arguments:
        source: "orl" or "mufac", or a path; a folder called like a data set is "./orl".

    Raises:
        ForgetError: The source is neither a known name nor a path that exists, or the data set
            is not there; the remedy says how to get it.
        PhotographError: The folder does not hold photographs of at least 2 people.

    Example:
        >>> faces = load_faces("orl")
        >>> len(faces.identities), faces.images.shape
        (40, (400, 112, 92))
    """
    if isinstance(source, str) and source.lower() in SOURCES:
        return SOURCES[source.lower()]()
    looks_like_a_path = not isinstance(source, str) or any(c in source for c in "/\\.~")
    if not looks_like_a_path and not os.path.exists(source):
        known = ", ".join(repr(name) for name in SOURCES)
        raise ForgetError(f"a data set ({known}) or the path of a folder", repr(source), LAYOUT)
    return load_folder(source)

"""One door to every data set: by its name, or by the path of a folder of people."""

import os
from collections.abc import Callable
from pathlib import Path

from forget.data.dataset import FaceDataset
from forget.data.folder import LAYOUT, load_folder
from forget.data.orl import load_orl
from forget.errors import ForgetError

__all__ = ["SOURCES", "load_faces"]

SOURCES: dict[str, Callable[[], FaceDataset]] = {"orl": load_orl}


def load_faces(source: str | Path) -> FaceDataset:
    """Loads a known data set by name, or a folder (or .zip) of people by path.

    Arguments:
        source: A name such as "orl", or a path; a folder called like a data set is "./orl".

    Raises:
        ForgetError: The source is neither a known name nor a path that exists.
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

"""The files beside a `.rec`: the index with the offset of each record, and `property`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.text_table import read_table
from forget.errors import ForgetError

__all__ = ["Index", "Property", "read_index", "read_property"]

AGAIN = "Copy or download the .rec and .idx files again; both must belong together."
MAX_PROPERTY = 1_000  # bytes


class Index(NamedTuple):
    """Where the records are, in ascending order of their keys.

    Arguments:
        keys: Distinct, (n,).
        offsets: Of each record in the `.rec`, bytes, (n,).
    """

    keys: NDArray[np.int64]
    offsets: NDArray[np.int64]


class Property(NamedTuple):
    """What a training set says of itself.

    Arguments:
        classes: Number of people.
        height: Of all images, pixels.
        width: Of all images, pixels.
    """

    classes: int
    height: int
    width: int


def read_index(path: Path, size: int) -> Index:
    """Reads an `.idx` file, in which `key<tab>offset` stand in any order.

    Arguments:
        path: The file.
        size: Of the `.rec`, bytes.

    Raises:
        ForgetError: Another file, a key that is there twice, or an offset where no record can be.
    """
    table = read_table(path, {"key": np.int64, "offset": np.int64}, "\t")
    order = np.argsort(table["key"], kind="stable")
    keys, offsets = table["key"][order], table["offset"][order]
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if len(twice):
        got = f"{keys[twice[0]]} twice in {path.name}"
        raise ForgetError("each key once", got, AGAIN)
    outside = np.flatnonzero((offsets < 0) | (offsets > size - 8) | (offsets % 4 != 0))
    if len(outside):
        got = f"{offsets[outside[0]]:,} for key {keys[outside[0]]} in {path.name}"
        raise ForgetError(f"multiples of 4, at most {size - 8:,}", got, AGAIN)
    return Index(keys, offsets)


def read_property(path: Path) -> Property:
    """Reads a `property` file, one line such as `85742,112,112`.

    Raises:
        ForgetError: It says something else.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_PROPERTY).decode("ascii", errors="replace").strip()
        found = Property(*(int(value) for value in text.split(",")))
        if min(found) < 1:
            raise ValueError("a number below 1")
    except (OSError, ValueError, TypeError) as error:
        got = f"{path}: {text[:50]!r}" if isinstance(error, ValueError | TypeError) else str(error)
        remedy = "Correct the file or delete it; it is not needed."
        raise ForgetError("classes,height,width", got, remedy) from error
    return found

"""Verification pairs in a `.bin` file, such as lfw.bin, read without running the pickle in it."""

import os
import pickle
import tempfile
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.data_pickle import MAX_STEPS, Array, read_data_pickle
from forget.data.recognition.verification_set import MAX_BYTES, VerificationSet
from forget.errors import ForgetError

__all__ = ["read_verification_bin", "write_verification_bin"]

EXPECTED = "a pickle of 2 p encoded images and p truth values"
AGAIN = "Copy or download the file again; what else it may hold is not read, for your safety."


def read_verification_bin(path: str | Path) -> VerificationSet:
    """Reads pairs as InsightFace gives them away.

    Both kinds of file are read: strings of Python 2, and arrays of bytes of NumPy. Why not
    `pickle.load`: it runs any code in the file.

    Raises:
        ForgetError: Not such a file, a damaged one, one that asks for any other call, or one of
            more than 2 GiB.

    References:
        | InsightFace, recognition/arcface_torch/eval/verification.py,
          https://github.com/deepinsight/insightface
    """
    path = Path(path)
    if not path.is_file():
        raise ForgetError("a .bin file", f"nothing at {path}", "Check the path.")
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise ForgetError(f"1 to {MAX_BYTES:,} bytes", f"{size:,} in {path.name}", AGAIN)
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            images, same = _parts(read_data_pickle(data))
    except MemoryError:
        raise
    except Exception as error:  # hostile bytes make pickletools raise nearly anything
        got = f"{path.name} ({str(error)[:200] or type(error).__name__})"
        raise ForgetError(EXPECTED, got, AGAIN) from error
    return VerificationSet(images, same, path.name)


def write_verification_bin(pairs: VerificationSet, path: str | Path, arrays: bool = False) -> None:
    """Writes pairs as InsightFace's tools read them; whole, or not at all.

    Arguments:
        pairs: What to write.
        path: The file; one that is there is replaced.
        arrays: Whether images are NumPy arrays, (n, 1), instead of bytes.
    """
    path = Path(path)
    images: list[object] = list(pairs.images)
    if arrays:
        images = [np.frombuffer(one, dtype=np.uint8)[:, None] for one in pairs.images]
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
        made = Path(beside) / "pairs.bin"
        with made.open("wb") as file:
            # Protocol 3 is the first with bytes, and the last that all of Python 3 reads.
            pickle.dump((images, pairs.same.tolist()), file, protocol=3)
        os.replace(made, path)


def _parts(value: object) -> tuple[tuple[bytes, ...], NDArray[np.bool_]]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError("no pair of lists")
    images, same = value
    if isinstance(same, Array):
        if len(same.data) > MAX_STEPS:
            raise ValueError("more pairs than images could be listed")
        same = same.numbers().tolist()
    if not isinstance(images, list | tuple) or not isinstance(same, list | tuple):
        raise ValueError("no pair of lists")
    truths = [_truth(one) for one in same]
    return tuple(_encoded(one) for one in images), np.array(truths, dtype=bool)


def _encoded(value: object) -> bytes:
    if isinstance(value, Array) and value.kind == "u1" and len(value.data) in value.shape:
        return value.data
    if not isinstance(value, bytes):
        raise ValueError("an image that is neither bytes nor an array of them")
    return value


def _truth(value: object) -> bool:
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    raise ValueError("a truth value that is none")

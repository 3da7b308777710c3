"""Pairs of encoded faces and whether they show one person; kept as npz without any pickle."""

import os
import tempfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from forget.data.archives import count_members
from forget.data.recognition.encoded import decode_face
from forget.errors import ForgetError

__all__ = ["MAX_BYTES", "VerificationSet", "read_verification_npz", "write_verification_npz"]

MAX_BYTES = 2 * 2**30  # of a file
MAX_MEMBERS = 10_000  # as far as the signs of members tell, which images may hold by chance
MEMBERS = {"bytes": "u1", "ends": "i8", "which": "i8", "same": "b1"}
AGAIN = "Write it again with write_verification_npz."


@dataclass(frozen=True, eq=False)
class VerificationSet:
    """Holds p pairs of images; pair i is images 2 i and 2 i + 1.

    Arguments:
        images: Encoded, 2 p of them.
        same: Whether the two images of a pair show one person, (p,).
        name: What messages call the set.

    Raises:
        ForgetError: No pair, or another number of images than two for each.
    """

    images: tuple[bytes, ...] = field(repr=False)
    same: NDArray[np.bool_]
    name: str = "the pairs"

    def __post_init__(self) -> None:
        if not len(self.same) or len(self.images) != 2 * len(self.same):
            got = f"{len(self.images):,} images for {len(self.same):,} pairs in {self.name}"
            raise ForgetError("2 images for each of at least 1 pair", got, "Copy the file again.")

    def __len__(self) -> int:
        return len(self.same)

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image, (height, width, 3), RGB.

        Raises:
            PhotographError: It is no image of at most 40 megapixels.
        """
        return decode_face(self.images[index], f"image {index:,} of {self.name}")

    def pair(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Both images of a pair; see `image` for their shape and errors."""
        return self.image(2 * index), self.image(2 * index + 1)


def write_verification_npz(pairs: VerificationSet, path: str | Path) -> None:
    """Writes pairs as npz: `bytes` of the different images, their `ends`, `which`, and `same`.

    The file appears whole or not at all; one that is there is replaced.
    """
    path = Path(path)
    place: dict[bytes, int] = {}
    which = [place.setdefault(image, len(place)) for image in pairs.images]
    arrays = {
        "bytes": np.frombuffer(b"".join(place), dtype="u1"),
        "ends": np.cumsum([len(image) for image in place], dtype="i8"),
        "which": np.array(which, dtype="i8"),
        "same": np.asarray(pairs.same, dtype="b1"),
    }
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
        made = Path(beside) / "pairs.npz"
        np.savez(made, **arrays)
        os.replace(made, path)


def read_verification_npz(path: str | Path) -> VerificationSet:
    """Reads what `write_verification_npz` wrote.

    Nothing is larger in memory than it is in the file.

    Raises:
        ForgetError: Another file, a packed or a damaged one, or one of more than 2 GiB.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        got = f"more than {MAX_BYTES:,} bytes" if path.is_file() else f"nothing at {path}"
        raise ForgetError("an npz file of pairs", got, "Check the path.")
    try:
        arrays = _arrays(path.read_bytes())
        images = _images(arrays)
    except MemoryError:
        raise
    except Exception as error:  # on hostile bytes zipfile and NumPy raise nearly everything
        got = f"{path.name} ({str(error)[:200] or type(error).__name__})"
        raise ForgetError("an npz file of pairs", got, AGAIN) from error
    return VerificationSet(images, arrays["same"], path.name)


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    if count_members(BytesIO(data)) > MAX_MEMBERS:
        raise ValueError(f"more than {MAX_MEMBERS:,} members")
    arrays, left = {}, len(data)
    with ZipFile(BytesIO(data)) as archive:
        for name, kind in MEMBERS.items():
            info = archive.getinfo(f"{name}.npy")
            left -= info.file_size
            if info.compress_type != ZIP_STORED or left < 0:
                raise ValueError(f"{name} is packed")
            arrays[name] = _array(archive.read(info), np.dtype(kind))
    return arrays


def _array(member: bytes, kind: np.dtype) -> NDArray[Any]:
    """One axis of numbers; unlike `np.load` it believes no length before it has the bytes."""
    file = BytesIO(member)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of another version")
    shape, _, found = np.lib.format.read_array_header_1_0(file)
    if found != kind or len(shape) != 1 or shape[0] * kind.itemsize != len(member) - file.tell():
        raise ValueError(f"{shape} numbers of {found}")
    return np.frombuffer(member, kind, offset=file.tell())


def _images(arrays: dict[str, NDArray[Any]]) -> tuple[bytes, ...]:
    data, ends = arrays["bytes"].tobytes(), arrays["ends"]
    starts = np.concatenate([[0], ends[:-1]])
    if (ends < starts).any() or (len(ends) and ends[-1] != len(data)):
        raise ValueError("images beyond their bytes")
    if (arrays["same"].view("u1") > 1).any():
        raise ValueError("a truth value that is none")
    if (arrays["which"] < 0).any():
        raise ValueError("an image of a negative number")
    different = [data[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return tuple(different[k] for k in arrays["which"].tolist())

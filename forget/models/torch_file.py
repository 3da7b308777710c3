"""A file of `torch.save` taken apart: its pickle as data, its tensors as views of its bytes."""

import math
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from forget.data.archives import count_members
from forget.models.pickles import Made, Named, Stored, read_pickle

__all__ = ["MAX_BYTES", "TorchFile"]

MAX_BYTES = 4 * 2**30  # of a file, which is read into memory
MAX_MEMBERS = 100_000
MAX_DIMENSIONS = 8
MAGIC = 0x1950A86A20F9469CFC6C  # begins a file of the format before the zip
DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}


class TorchFile:
    """Reads the object in a file of `torch.save` as data, and its tensors on request.

    Nothing is larger than the file says and holds: every tensor is a view inside its storage, and
    all storages together have at most the bytes of the file (bfloat16 takes twice as many).

    Arguments:
        data: The whole file.

    Raises:
        ValueError: Not such a file, or a damaged one; other exceptions are possible too.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data)  # bytes of storages that may still be read
        self._storages: dict[str, NDArray[Any]] = {}
        self._members: dict[str, ZipInfo] = {}
        self._places: dict[str, int] = {}  # where storages start in the format before the zip
        self.value = self._open_zip() if data[:4] == b"PK\x03\x04" else self._open_old()

    def tensor(self, made: Made) -> NDArray[Any]:
        """The tensor that torch would rebuild from a description, read-only.

        Raises:
            ValueError: It does not lie inside its storage, or is of a kind that is not read.
        """
        if made.of.name not in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            raise ValueError(f"a tensor by {made.of.name[:50]}")
        stored, *where = made.arguments[:4]
        if len(made.arguments) > 6 and getattr(made.arguments[6], "pairs", None):
            raise ValueError("a tensor that is a conjugate or negative view")
        storage = self._storage(*_reference(stored))
        offset, size, stride = (_whole(value) for value in where)
        if len(offset) != 1 or len(size) != len(stride) or len(size) > MAX_DIMENSIONS:
            raise ValueError("a tensor of a strange shape")
        items = math.prod(size)
        last = offset[0] + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if items and (items > len(storage) or last >= len(storage)):
            raise ValueError("a tensor that is larger than its storage")
        steps = [step * storage.itemsize for step in stride]
        start = storage[offset[0] :] if items else storage[:0]
        return np.lib.stride_tricks.as_strided(start, size, steps, writeable=False)

    def _open_zip(self) -> object:
        if count_members(BytesIO(self._data)) > MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS:,} members")
        self._zip = ZipFile(BytesIO(self._data))
        for info in self._zip.infolist():
            _, _, name = info.filename.partition("/")  # a folder, called as the file was
            self._members.setdefault(name, info)
        if "byteorder" in self._members and self._read("byteorder") != b"little":
            raise ValueError("numbers in big-endian order")
        return read_pickle(self._read("data.pkl")).value

    def _open_old(self) -> object:
        pickles, start = [], 0
        for _ in range(5):  # magic number, version, machine, the object, keys of the storages
            pickles.append(read_pickle(memoryview(self._data)[start:]))
            start += pickles[-1].length
            if pickles[0].value != MAGIC:
                raise ValueError("neither the zip nor the older format of torch.save")
        kinds = {}
        for stored in pickles[3].stored:
            if stored.key[0] == "module":  # the source of a class, kept beside its name
                continue
            key, kind, items, _ = _reference(stored)
            kinds[key] = (kind, items)
        for key in pickles[4].value:
            kind, items = kinds[key]
            (said,) = np.frombuffer(self._data, "<i8", 1, start)
            if said != items:
                raise ValueError(f"a storage of {said} items instead of {items}")
            self._places[key] = start + 8
            start += 8 + items * np.dtype(DTYPES[kind]).itemsize
        return pickles[3].value

    def _read(self, name: str) -> bytes:
        info = self._members.get(name)
        if info is None or info.compress_type != ZIP_STORED or info.file_size > self._left:
            raise ValueError(f"no {name[:50]!r} as torch.save writes it")
        self._left -= info.file_size
        return self._zip.read(info)

    def _storage(
        self, key: str, kind: str, items: int, part: tuple[int, int] | None
    ) -> NDArray[Any]:
        if (kept := f"{kind} {key}") not in self._storages:
            if key in self._places:
                values = np.frombuffer(self._data, DTYPES[kind], items, self._places[key])
            else:
                values = np.frombuffer(self._read(f"data/{key}"), DTYPES[kind])
            if len(values) != items:
                raise ValueError(f"a storage of {len(values)} items instead of {items}")
            self._storages[kept] = _meant(values, kind)
        whole = self._storages[kept]
        return whole if part is None else whole[part[0] : part[0] + part[1]]


def _reference(stored: object) -> tuple[str, str, int, tuple[int, int] | None]:
    """Key, kind and number of items of a storage, and the part of it that is meant, if any."""
    if not isinstance(stored, Stored) or not isinstance(stored.key, tuple):
        raise ValueError("a tensor without a storage")
    what, kind, key, _, items, *view = stored.key
    if what != "storage" or not isinstance(kind, Named) or kind.name not in DTYPES:
        raise ValueError("a storage of a kind that is not read")
    if not isinstance(key, str) or len(_whole(items)) != 1:
        raise ValueError("a storage without a name or a number of items")
    if not view or view[0] is None:
        return key, kind.name, items, None
    first, count = _whole(view[0][1:])
    return key, kind.name, items, (first, count)


def _whole(value: object) -> tuple[int, ...]:
    """Checks numbers that are to be sizes: a tuple, a torch.Size as data, or a single one."""
    if isinstance(value, Made) and isinstance(value.arguments, tuple) and value.arguments:
        value = value.arguments[0]
    numbers = value if isinstance(value, tuple) else (value,)
    if not all(type(number) is int and 0 <= number < 2**48 for number in numbers):
        raise ValueError("sizes that are no whole numbers")
    return numbers


def _meant(values: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "BFloat16Storage":  # numpy has none; it is the upper half of a float32
        return (values.astype("<u4") << 16).view("<f4")
    return values != 0 if kind == "BoolStorage" else values

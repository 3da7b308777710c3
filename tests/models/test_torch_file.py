"""Files of `torch.save`: what does not lie inside the file is refused."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
import torch._utils
from hypothesis import given, settings
from hypothesis import strategies as st
from models.torch_files import Calls, Tiny, old_of, read, saved, zip_of
from torch import nn

from forget.errors import CheckpointError
from forget.models.foreign import read_foreign


class Reference:
    """A storage that a file claims to hold."""

    def __init__(self, items: int = 4, key: object = "0", kind: type = torch.FloatStorage) -> None:
        self.id = ("storage", kind, key, "cpu", items)


class Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        return value.id if isinstance(value, Reference) else None


def claims(
    *where: object, storage: object = None, data: bytes = bytes(16), rest: tuple = (False, {})
) -> bytes:
    """A file with one tensor at (offset, size, stride) in a storage of 16 bytes."""
    out = io.BytesIO()
    tensor = Calls(torch._utils._rebuild_tensor_v2, storage or Reference(), *where, *rest)
    Pickler(out, 2).dump({"a": tensor})
    return zip_of(out.getvalue(), **{"0": data})


def test_an_honest_claim_is_read(tmp_path: Path) -> None:
    assert read(claims(1, (3,), (1,)), tmp_path)["a"].shape == (3,)
    assert read(claims(3, (1, 1), (9, 9)), tmp_path)["a"].shape == (1, 1)


@pytest.mark.parametrize(
    "data",
    [
        claims(0, (5,), (1,)),
        claims(2, (3,), (1,)),
        claims(0, (2, 2), (3, 1)),
        claims(0, (10**6, 10**6), (0, 0)),
        claims(0, (2**40,), (1,)),
        claims(0, (2**70,), (1,)),
        claims(0, (4,), (-1,)),
        claims(-1, (1,), (1,)),
        claims(0, (4,), (1, 1)),
        claims(0, (1,) * 9, (1,) * 9),
        claims(0, (True,), (1,)),
        claims(0.0, (1,), (1,)),
        claims((0, 0), (1,), (1,)),
        claims(0, "ab", (1, 1)),
        claims(0, (4,), (1,), rest=(False, {}, {"neg": True})),
        claims(0, (4,), (1,), storage=Reference(5)),
        claims(0, (4,), (1,), storage=Reference(2**40)),
        claims(0, (4,), (1,), storage=Reference(4, "1")),
        claims(0, (4,), (1,), storage=Reference(4, "../data.pkl")),
        claims(0, (4,), (1,), storage=Reference(4, 0)),
        claims(0, (4,), (1,), storage=Reference(4, kind=torch.ComplexFloatStorage)),
        claims(0, (4,), (1,), storage=Reference(4, kind=int)),
        claims(0, (4,), (1,), storage=[1]),
        claims(0, (4,), (1,), data=bytes(15)),
        claims(0, (4,), (1,), data=bytes(20)),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="x.pt"):
        read(data, tmp_path)


def test_a_storage_read_in_many_ways_is_bounded_by_the_file(tmp_path: Path) -> None:
    kinds = {torch.FloatStorage: 4, torch.IntStorage: 4, torch.LongStorage: 8}

    def file(kinds: dict[type, int]) -> bytes:
        out, size = io.BytesIO(), 80_000
        tensors = {
            str(k): Calls(
                torch._utils._rebuild_tensor_v2,
                *(Reference(size // width, "0", kind), 0, (size // width,), (1,), False, {}),
            )
            for k, (kind, width) in enumerate(kinds.items())
        }
        Pickler(out, 2).dump(tensors)
        return zip_of(out.getvalue(), **{"0": bytes(size)})

    assert len(read(file({torch.FloatStorage: 4}), tmp_path)) == 1
    with pytest.raises(CheckpointError, match="data/0"):
        read(file(kinds), tmp_path)


def deflated(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", data)
    return out.getvalue()


def quoting(copies: int) -> bytes:
    """Storages that are all the same bytes of the file, as in a zip bomb without compression."""
    size = 100_000
    out = io.BytesIO()
    tensors = {
        str(key): Calls(
            torch._utils._rebuild_tensor_v2, Reference(size, str(key), torch.ByteStorage),
            0, (size,), (1,), False, {},
        )
        for key in range(copies)
    }  # fmt: skip
    Pickler(out, 2).dump(tensors)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("archive/data.pkl", out.getvalue())
        archive.writestr("archive/data/0", bytes(size))
        for key in range(1, copies):
            again = zipfile.ZipInfo(f"archive/data/{key}")
            first = archive.getinfo("archive/data/0")
            for name in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(again, name, getattr(first, name))
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    return whole.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        deflated(pickle.dumps([0] * 100_000)),
        quoting(30),
        zip_of(b"N."),
        zip_of(pickle.dumps({"a": 1})),
        saved(torch.ones(3)),
        saved({"a": torch.eye(2).to_sparse()}),
        b"",
        b"PK\x03\x04",
        b"<html>Sign in</html>",
        saved(Tiny())[:-100],
        saved(torch.nn.Linear(3, 2).state_dict(), False)[:-4],
        saved(Tiny(), False) [:300],
    ],
)  # fmt: skip
def test_another_file_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="weights.*x.pt.*Save it again"):
        read(data, tmp_path)


def test_numbers_in_the_other_order_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/byteorder", b"big")
    with pytest.raises(CheckpointError, match="big-endian"):
        read_foreign(tmp_path / "x.pt")


SMALL = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
FILES = [saved(SMALL), saved(SMALL, False), saved(SMALL.state_dict()), claims(1, (3,), (1,))]
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=4)


def hurt(data: bytes, damage: list[tuple[float, bytes]]) -> bytes:
    changed = bytearray(data)
    for at, new in damage:
        start = int(at * len(data))
        changed[start : start + len(new)] = new
    return bytes(changed)


@given(st.sampled_from(FILES), DAMAGE)
@settings(max_examples=100)
def test_a_damaged_file_gives_weights_or_a_checkpoint_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, damage: list[tuple[float, bytes]]
) -> None:
    try:
        read(hurt(data, damage), tmp_path_factory.getbasetemp())
    except CheckpointError as error:
        assert damage and not isinstance(error.__cause__, MemoryError)


PICKLES = [zipfile.ZipFile(io.BytesIO(FILES[k])).read("archive/data.pkl") for k in (0, 2, 3)]


@given(st.sampled_from(PICKLES), DAMAGE)
@settings(max_examples=120)
def test_a_damaged_pickle_gives_weights_or_a_checkpoint_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, damage: list[tuple[float, bytes]]
) -> None:
    storages = {str(key): bytes(16) for key in range(9)}
    try:
        read(zip_of(hurt(data, damage), **storages), tmp_path_factory.getbasetemp())
    except CheckpointError as error:
        assert not isinstance(error.__cause__, MemoryError)


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_random_bytes_give_a_checkpoint_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    for form in (bytes, zip_of, old_of):
        with pytest.raises(CheckpointError):
            read(form(data), tmp_path_factory.getbasetemp())

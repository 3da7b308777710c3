"""Verification files are data: both dialects are read, and whatever else one asks for is not."""

import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from data.recognition.samples import pixels, png
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition import data_pickle
from forget.data.recognition.data_pickle import Array, read_data_pickle
from forget.data.recognition.verification_bin import (
    read_verification_bin,
    write_verification_bin,
)
from forget.data.recognition.verification_set import (
    VerificationSet,
    read_verification_npz,
    write_verification_npz,
)
from forget.errors import ForgetError, PhotographError

IMAGES = tuple(map(png, range(6)))
SAME = [True, False, True]


def python_2(images: tuple[bytes, ...], same: list[bool], protocol: int = 2) -> bytes:
    """What Python 2 wrote; Python 3 cannot write its strings."""
    if protocol == 0:
        letters = ["".join(f"\\x{byte:02x}" for byte in image) for image in images]
        items = "".join(f"S'{text}'\np{k + 2}\na" for k, text in enumerate(letters))
        truths = "".join(f"I0{int(one)}\na" for one in same)
        return f"((lp1\n{items}(lp99\n{truths}tp100\n.".encode()
    strings = b"".join(
        b"U" + bytes([len(one)]) + one
        if len(one) < 256
        else b"T" + struct.pack("<i", len(one)) + one
        for one in images
    )
    truths = b"".join(b"\x88" if one else b"\x89" for one in same)
    return b"\x80\x02]q\x01(" + strings + b"e]q\x02(" + truths + b"e\x86q\x03."


def arrays(shape: tuple[int, ...], protocol: int) -> bytes:
    images = [np.frombuffer(one, np.uint8).reshape(shape) for one in IMAGES]
    return pickle.dumps((images, SAME), protocol)


WAYS: dict[str, bytes] = {
    "Python 2": python_2(IMAGES, SAME),
    "Python 2, letters": python_2(IMAGES, SAME, 0),
    **{f"bytes, protocol {p}": pickle.dumps((list(IMAGES), SAME), p) for p in range(6)},
    **{f"arrays (n, 1), protocol {p}": arrays((-1, 1), p) for p in range(1, 6)},
    **{f"arrays (n,), protocol {p}": arrays((-1,), p) for p in range(1, 6)},
    "numbers": pickle.dumps((IMAGES, [1, 0, 1])),
    "NumPy truth values": pickle.dumps([list(IMAGES), [np.bool_(one) for one in SAME]]),
    "NumPy numbers": pickle.dumps((list(IMAGES), [np.int64(one) for one in SAME]), 2),
    "an array of truth values": pickle.dumps((list(IMAGES), np.array(SAME)), 4),
    "by an older NumPy": arrays((-1, 1), 3).replace(b"numpy._core", b"numpy.core"),
    "byte arrays": pickle.dumps(([bytearray(one) for one in IMAGES], SAME), 5),
}


def load(data: bytes, folder: Path) -> VerificationSet:
    (folder / "a.bin").write_bytes(data)
    return read_verification_bin(folder / "a.bin")


@pytest.mark.parametrize("data", WAYS.values(), ids=WAYS)
def test_all_dialects_say_the_same(data: bytes, tmp_path: Path) -> None:
    found = load(data, tmp_path)
    assert found.images == IMAGES and found.same.tolist() == SAME and len(found) == 3
    one, other = found.pair(1)
    np.testing.assert_array_equal(one, pixels(2))
    np.testing.assert_array_equal(other, pixels(3))


pairs = st.lists(st.tuples(st.binary(), st.binary(), st.booleans()), min_size=1, max_size=5)


@given(pairs, st.booleans())
@settings(max_examples=40)
def test_what_is_written_is_read_by_us_and_by_pickle(
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[tuple[bytes, bytes, bool]],
    as_arrays: bool,
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    images = tuple(image for one, other, _ in wanted for image in (one, other))
    kept = VerificationSet(images, np.array([same for *_, same in wanted]))
    write_verification_bin(kept, folder / "a.bin", as_arrays)
    write_verification_npz(kept, folder / "a.npz")
    for found in (
        read_verification_bin(folder / "a.bin"),
        read_verification_npz(folder / "a.npz"),
    ):
        assert found.images == images and found.same.tolist() == kept.same.tolist()
    there, same = pickle.loads((folder / "a.bin").read_bytes())
    assert [bytes(memoryview(one).tobytes()) for one in there] == list(images)
    assert same == kept.same.tolist()
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "a.npz"]


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, call: Callable, *arguments: object) -> None:
        self.made = call, arguments

    def __reduce__(self) -> tuple:
        return self.made


def hostile(path: Path) -> dict[str, bytes]:
    touch = Harm(os.mkdir, str(path))
    image = np.zeros(3, np.uint8)
    return {
        "a call": pickle.dumps(touch),
        "a call in the images": pickle.dumps(([touch, b""], [True])),
        "a call in the truths": pickle.dumps(([b"", b""], [touch])),
        "eval": pickle.dumps(([Harm(eval, f"__import__('os').mkdir({str(path)!r})")], [])),
        "an array of objects": pickle.dumps(([np.array([touch]), b""], [True])),
        "a class": b"cos\nmkdir\n.",
        "an instance": b"(S'" + str(path).encode() + b"'\nios\nmkdir\n.",
        "an object": b"(cos\nmkdir\nS'" + str(path).encode() + b"'\no.",
        "a new object": b"\x80\x02cos\nmkdir\nS'" + str(path).encode() + b"'\n\x85\x81.",
        "a persistent name": b"Pos\n.",
        "an extension": b"\x82\x01.",
        "floats": pickle.dumps(([np.zeros(3), b""], [True])),
        "structures": pickle.dumps(([np.zeros(3, "u1,u1"), b""], [True])),
        "big-endian numbers": pickle.dumps(([b"", b""], np.array([1], ">i4"))),
        "three axes": pickle.dumps(([image.reshape(1, 3, 1), b""], [True])),
        "a picture": pickle.dumps(([np.zeros((2, 3), np.uint8), b""], [True])),
        "text": pickle.dumps((["a", "b"], [True])),
        "a truth of two": pickle.dumps(([b"a", b"b"], [2])),
        "a truth of text": pickle.dumps(([b"a", b"b"], ["True"])),
        "too few images": pickle.dumps(([b"a"], [True])),
        "too many images": pickle.dumps(([b"a"] * 3, [True])),
        "no pair": pickle.dumps(([], [])),
        "a dictionary": pickle.dumps({"bins": []}),
        "three parts": pickle.dumps(([], [], [])),
        "a list in itself": b"\x80\x02]q\x00(h\x00h\x00eh\x00\x86.",
        "a list of itself only": b"\x80\x02]q\x00h\x00ah\x00a.",
        "an array of itself": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt"
        b"S'b'\ntRp1\n(I1\n(I1\ntg1\nI00\ng1\ntb.",
        "no end": pickle.dumps(([], []))[:-1],
        "two values": b"NN.",
        "nothing but an end": b".",
        "4 GB announced": b"\x80\x03B\xff\xff\xff\xff.",
        "8 EB announced": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
        "a frame of 8 EB": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
        "minus 1 announced": b"T\xff\xff\xff\xff.",
        "a long number": b"I" + b"9" * 5000 + b"\n.",
        "an array of 2 ** 62": b"(](cnumpy.core.numeric\n_frombuffer\n(U\1acnumpy\ndtype\n(S'u1'\n"
        b"tR(I4611686018427387904\ntS'C'\ntRU\1ael(I01\nlt.",
        "not a pickle": b"PK\x03\x04",
        "zeros": bytes(100),
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile(Path("x")))
def test_nothing_happens_and_the_file_is_refused(name: str, tmp_path: Path) -> None:
    data = hostile(tmp_path / "harm")[name]
    with pytest.raises(ForgetError, match=r"a\.bin"):
        load(data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_the_harm_is_real(tmp_path: Path) -> None:
    pickle.loads(hostile(tmp_path / "harm")["a call"])
    assert (tmp_path / "harm").is_dir()


def test_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match="4611686018427387904 numbers in 1 bytes"):
        load(hostile(tmp_path)["an array of 2 ** 62"], tmp_path)
    with pytest.raises(ForgetError, match="a call of posix.mkdir|a call of nt.mkdir"):
        load(hostile(tmp_path)["a call in the images"], tmp_path)


def peak(read: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        read()
    except ForgetError:
        pass
    finally:
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return size


def test_memory_stays_within_some_sizes_of_the_file(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x01"
    encoding = b"X\6\0\0\0latin1q\x02"
    again = b"c_codecs\nencode\n" + b"h\x01h\x02\x86R"
    whole = b"\x96" + struct.pack("<Q", 1 << 20) + bytes(1 << 20) + b"q\x01"
    state = b"cnumpy.core.numeric\n_frombuffer\n(h\x01cnumpy\ndtype\nS'u1'\n\x85RJ\0\0\x10\0\x85tR"
    for data in (
        b"\x80\x02" + text + encoding + b"(" + again * 200 + b"l.",
        b"\x80\x05" + whole + b"(" + state * 200 + b"l.",
        b"\x80\x03B\xff\xff\xff\xff" + bytes(1 << 20),
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f" + bytes(1 << 20),
    ):
        assert peak(lambda data=data: load(data, tmp_path)) < 10 * len(data)
    shared = VerificationSet((IMAGES[0] * 1000,) * 2000, np.ones(1000, bool))
    write_verification_npz(shared, tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 10 * len(shared.images[0])
    found = read_verification_npz(tmp_path / "a.npz")
    assert found.images[0] is found.images[1999] and found.images == shared.images


def test_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps([None] * 10, 2)
    assert read_data_pickle(data) == [None] * 10
    monkeypatch.setattr(data_pickle, "MAX_STEPS", 10)
    with pytest.raises(ValueError, match="more than 10 steps"):
        read_data_pickle(data)


def test_arrays_keep_kind_and_shape() -> None:
    wanted = np.arange(4, dtype="<i8")
    for protocol in range(1, 6):
        found = read_data_pickle(pickle.dumps(wanted, protocol))
        assert isinstance(found, Array) and (found.kind, found.shape) == ("i8", (4,))
        np.testing.assert_array_equal(found.numbers(), wanted)


VALID = [
    WAYS["Python 2"],
    *(arrays((-1, 1), p) for p in (2, 3, 4, 5)),
    pickle.dumps((IMAGES, SAME)),
]


@given(st.data())
@settings(max_examples=200)
def test_any_damage_gives_pairs_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 200))
        whole[place] = data.draw(st.integers(0, 255))
    part = whole[: data.draw(st.just(len(whole)) | st.integers(1, len(whole)))]
    try:
        found = load(bytes(part), tmp_path_factory.getbasetemp())
        assert all(isinstance(image, bytes) for image in found.images)
        found.image(0)
    except ForgetError:
        pass


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=150)
def test_any_bytes_give_pairs_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    for start in (b"", b"\x80\x02", b"(]K\x01\x8c\x01a\x94h\x00"):
        with pytest.raises(ForgetError):
            load(start + data, tmp_path_factory.getbasetemp())


def test_missing_and_empty_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for read in (read_verification_bin, read_verification_npz):
        for name in ("nothing", ".", "empty"):
            with pytest.raises(ForgetError):
                read(tmp_path / name)


def npz(**arrays: np.ndarray) -> bytes:
    out = BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


FINE = {
    "bytes": np.frombuffer(b"abcd", np.uint8),
    "ends": np.array([1, 4]),
    "which": np.array([0, 1]),
    "same": np.array([True]),
}


def claiming(shape: str) -> bytes:
    """An npz whose array says a length that it does not have."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in FINE.items():
            member = BytesIO()
            np.save(member, array)
            data = member.getvalue()
            if name == "bytes":
                head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
                data = b"\x93NUMPY\x01\x00v\x00" + head.ljust(117).encode() + b"\nabcd"
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


BROKEN = {
    "no zip": b"PK\x03\x04",
    "a missing array": npz(bytes=FINE["bytes"]),
    "objects": npz(**FINE | {"same": np.array([None])}),
    "another kind": npz(**FINE | {"ends": np.array([1.0, 4.0])}),
    "two axes": npz(**FINE | {"same": np.ones((1, 1), bool)}),
    "ends beyond the bytes": npz(**FINE | {"ends": np.array([1, 5])}),
    "ends before the bytes": npz(**FINE | {"ends": np.array([-1, 4])}),
    "falling ends": npz(**FINE | {"ends": np.array([5, 4])}),
    "no such image": npz(**FINE | {"which": np.array([0, 2])}),
    "a negative image": npz(**FINE | {"which": np.array([0, -1])}),
    "no pair": npz(**FINE | {"which": np.array([], int), "same": np.array([], bool)}),
    "odd images": npz(**FINE | {"which": np.array([0, 1, 1])}),
    "a truth of two": npz(**FINE | {"same": np.array([2], np.uint8).view(bool)}),
    "10 ** 15 bytes": claiming("(1000000000000000,)"),
    "minus bytes": claiming("(-1,)"),
    "no length": claiming("(None,)"),
    "a call": claiming("(__import__('os').mkdir('harm'),)"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_npz_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(npz(**FINE))
    assert read_verification_npz(path).images == (b"a", b"bcd")
    path.write_bytes(claiming("(4,)"))
    assert read_verification_npz(path).images == (b"a", b"bcd")
    path.write_bytes(data)
    with pytest.raises(ForgetError, match=r"a\.npz"):
        read_verification_npz(path)


def test_a_packed_npz_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **FINE)
    with pytest.raises(ForgetError, match="packed"):
        read_verification_npz(tmp_path / "a.npz")


@given(st.data())
@settings(max_examples=80)
def test_any_damage_of_an_npz_gives_pairs_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(npz(**FINE))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "a.npz"
    path.write_bytes(whole)
    try:
        assert len(read_verification_npz(path)) == 1
    except ForgetError:
        pass


def test_what_is_no_image_is_told_when_it_is_read() -> None:
    found = VerificationSet((b"", b"x"), np.array([True]), "lfw.bin")
    for k in (0, 1):
        with pytest.raises(PhotographError, match=f"image {k} of lfw.bin"):
            found.image(k)

"""Laws of unpacking: all of an archive or nothing, inside the folder, within bounds."""

import gzip
import io
import os
import shutil
import stat
import tarfile
import warnings
import zipfile
from collections import namedtuple
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data import archives
from forget.data.archives import escapes, unpack_gzip, unpack_tar, unpack_zip
from forget.errors import ForgetError
from forget.progress import Cancelled, OnStep, silent


def tar_of(members: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            info.name, info.size = name, len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def special(kind: bytes, target: str = "/etc/hostname") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def unpack(data: bytes, root: Path) -> dict[str, bytes]:
    root.mkdir(exist_ok=True)
    (root / "a.tar").write_bytes(data)
    unpack_tar(root / "a.tar", root / "out", under="top/in", suffix=".pgm")
    found = {p.relative_to(root / "out"): p for p in (root / "out").rglob("*") if p.is_file()}
    return {path.as_posix(): file.read_bytes() for path, file in found.items()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_only_wanted_regular_files_are_unpacked(mode: str, tmp_path: Path) -> None:
    members: dict[str, bytes | tarfile.TarInfo] = {
        "top/in/s1/1.pgm": b"one",
        "top/in/2.pgm": b"two",
        "top/in/s1/1.txt": b"no",
        "top/into/1.pgm": b"no",
        "top/1.pgm": b"no",
        "../evil.pgm": b"no",
        "top/in/link.pgm": special(tarfile.SYMTYPE),
        "top/in/hard.pgm": special(tarfile.LNKTYPE, "top/in/2.pgm"),
        "top/in/pipe.pgm": special(tarfile.FIFOTYPE),
        "top/in/device.pgm": special(tarfile.CHRTYPE),
        "top/in/folder.pgm": special(tarfile.DIRTYPE),
    }
    data = tar_of(members, mode)
    assert unpack(data, tmp_path) == {"s1/1.pgm": b"one", "2.pgm": b"two"}
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "out"]
    assert unpack(b"not read again", tmp_path) == {"s1/1.pgm": b"one", "2.pgm": b"two"}


GOOD = tar_of({"top/in/1.pgm": b"one" * 1000})


BAD = {
    "upwards": (tar_of({"top/in/1.pgm": b"x", "top/in/../../../evil.pgm": b"x"}), "escapes"),
    "backslash": (tar_of({"top/in/1.pgm": b"x", "top/in/a\\b.pgm": b"x"}), "escapes"),
    "file and folder": (tar_of({"top/in/1.pgm": b"x", "top/in/1.pgm/2.pgm": b"x"}), "1.pgm"),
    "none": (tar_of({"top/other/1.pgm": b"x"}), "holds none"),
    "cut": (GOOD[:-20], "top/in"),
    "head": (GOOD[:30], "top/in"),
    "empty": (b"", "top/in"),
    "text": (b"hello" * 500, "top/in"),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_tar_leaves_nothing_behind(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match=reason) as caught:
        unpack(data, tmp_path)
    assert "Delete a.tar" in caught.value.remedy and os.listdir(tmp_path) == ["a.tar"]


@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_FILES", 2), ("MAX_BYTES", 9), ("MAX_TOTAL", 29)]
)
def test_bounds_on_what_is_unpacked(
    bound: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tar_of({f"top/in/{k}.pgm": b"x" * 10 for k in range(3)})
    monkeypatch.setattr(archives, bound, value)
    with pytest.raises(ForgetError):
        unpack(data, tmp_path)
    monkeypatch.setattr(archives, bound, value + 1)
    assert len(unpack(data, tmp_path)) == 3


@given(st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4)), max_size=4))
@settings(max_examples=100)
def test_a_damaged_tar_gives_files_or_a_forget_error(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(tar_of({"top/in/1.pgm": b"one", "top/in/s/2.pgm": b"two"}, "w"))
    for at, new in damage:
        data[at : at + len(new)] = new
    root = tmp_path_factory.mktemp("damaged")
    try:
        assert set(unpack(bytes(data), root)) <= {"1.pgm", "s/2.pgm"} or damage
    except ForgetError:
        assert os.listdir(root) == ["a.tar"]


def test_escaping_paths_are_known() -> None:
    for path in ["/a", "../a", "a/../b", "a/..", "..", "C:/a", "c:a", "a\\b", "\\\\host\\a"]:
        assert escapes(path)
    for path in ["a", "a/b..c/d", "...", "ab:c", "./a", "", "12:30/a"]:
        assert not escapes(path)


def zip_of(members: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of duplicates
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, data)
    return out.getvalue()


def unzip(
    data: bytes,
    root: Path,
    holds: Sequence[str] = (),
    most: int = 10**9,
    on_step: OnStep = silent,
) -> dict[str, bytes]:
    root.mkdir(exist_ok=True)
    (root / "a.zip").write_bytes(data)
    unpack_zip(root / "a.zip", root / "out", holds, most, on_step)
    found = {p.relative_to(root / "out"): p for p in (root / "out").rglob("*") if p.is_file()}
    return {path.as_posix(): file.read_bytes() for path, file in found.items()}


TWO = {"a/1.jpg": b"one", "b/2.jpg": bytes(300_000)}
PLAIN = zip_of(TWO)


def test_a_zip_is_unpacked_once_and_progress_ends_at_its_size(tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    data = zip_of(TWO | {"empty/": b"", "__MACOSX/a": b"no", "a/.DS_Store": b"no"})

    def told(done: int, total: int, note: str = "") -> None:
        steps.append((done, total, note))

    assert unzip(data, tmp_path, on_step=told) == TWO
    assert steps[-1] == (300_003, 300_003, "Unpacking a.zip") and steps == sorted(steps)
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "out"]
    assert unzip(b"not read again", tmp_path) == TWO


@pytest.mark.parametrize("top", ["", "top/", "./top/", "top/in/"])
def test_a_folder_around_everything_is_left_out(top: str, tmp_path: Path) -> None:
    data = zip_of({top + name: content for name, content in TWO.items()} | {"__MACOSX/x": b""})
    assert unzip(data, tmp_path, holds=["a", "b/2.jpg"]) == TWO


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert unzip(zip_of({"1": b"new"}), tmp_path) == {"1": b"new"}
    (tmp_path / "out" / "1").write_bytes(b"mine")
    assert unzip(zip_of({"1": b"new"}), tmp_path) == {"1": b"mine"}


def of_kind(kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("a/link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def patched(data: bytes, change: Callable[[bytearray, int, int], object]) -> bytes:
    """Changes the headers of the last member: (bytes, local header, entry of the directory)."""
    hurt = bytearray(data)
    change(hurt, data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02"))
    return bytes(hurt)


def encrypted(data: bytearray, local: int, entry: int) -> None:
    data[local + 6] |= 1
    data[entry + 8] |= 1


def packed_oddly(data: bytearray, local: int, entry: int) -> None:
    data[local + 8] = data[entry + 10] = 12  # bzip2


def another_sum(data: bytearray, local: int, entry: int) -> None:
    data[entry + 16] ^= 1


def said_size(size: int) -> Callable[[bytearray, int, int], None]:
    def change(data: bytearray, local: int, entry: int) -> None:
        data[local + 22 : local + 26] = data[entry + 24 : entry + 28] = size.to_bytes(4, "little")

    return change


def overlapping(data: bytearray, local: int, entry: int) -> None:
    """Makes the last member start where the first does, as in a bomb that quotes its headers."""
    data[entry + 42 : entry + 46] = bytes(4)


NAMES = [
    *("../evil", "a/../../evil", "/evil", "C:/evil", "a\\evil", "..", "\\\\host\\evil"),
    *("a/\nb", "a/\x1b[2J", "x" * 1001, "/".join("ab" * 400), "a" * 300),
]
HOSTILE = {
    **{f"name {name[:12]!r}": (zip_of(TWO | {name: b"x"}), "no path|too long") for name in NAMES},
    "link": (zip_of([("1", b""), (of_kind(stat.S_IFLNK), b"/etc/passwd")]), "a link"),
    "device": (zip_of([("1", b""), (of_kind(stat.S_IFCHR), b"")]), "a device"),
    "pipe": (zip_of([("1", b""), (of_kind(stat.S_IFIFO), b"")]), "a device"),
    "twice": (zip_of([("a/1", b"x"), ("a/1", b"y")]), "there twice"),
    "case": (zip_of({"a/Straße": b"x", "A/STRASSE": b"y"}), "there twice"),
    "accents": (zip_of({"a/é": b"x", "a/e\u0301": b"y"}), "there twice"),
    "dot": (zip_of({"a/1": b"x", "a/./1": b"y"}), "there twice"),
    "file and folder": (zip_of({"a": b"x", "a/1": b"y"}), "exists|directory"),
    "folder and file": (zip_of({"a/1": b"y", "a": b"x"}), "exists|directory"),
    "encrypted": (patched(PLAIN, encrypted), "encrypted"),
    "packed oddly": (patched(PLAIN, packed_oddly), "another way"),
    "another sum": (patched(PLAIN, another_sum), "CRC"),
    "longer than said": (patched(PLAIN, said_size(1000)), "CRC|longer"),
    "shorter than said": (patched(PLAIN, said_size(300_001)), "shorter|EOF"),
    "overlapping": (patched(PLAIN, overlapping), "differ|[Oo]verlap"),
    "ratio": (zip_of(TWO | {"zeros": bytes(5_000_000)}), "explodes"),
    "said large": (patched(PLAIN, said_size(2**32 - 2)), "explodes"),
    "no file": (zip_of({"a/": b"", ".hidden": b""}), "no file"),
    "cut": (PLAIN[:-30], "not a zip file"),
    "head cut": (PLAIN[40:], "Bad|not"),
    "page": (b"<html>Sign in</html>", "not a zip file"),
    "empty": (b"", "not a zip file"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_bad_zip_leaves_nothing_behind(data: bytes, reason: str, tmp_path: Path) -> None:
    root = tmp_path / "deep" / "root"
    root.mkdir(parents=True)
    with pytest.raises(ForgetError, match=reason) as caught:
        unzip(data, root)
    assert "Delete a.zip" in caught.value.remedy
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "root", "a.zip"]


def test_a_zip_of_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match="zip with table.csv.*no table.csv in it"):
        unzip(PLAIN, tmp_path, holds=["table.csv"])
    assert os.listdir(tmp_path) == ["a.zip"]


def test_the_bytes_that_come_are_bounded_whatever_the_headers_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ForgetError, match="explodes: 300,003 bytes unpacked, more than 300,002"):
        unzip(PLAIN, tmp_path, most=300_002)
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda file, n: read(file, n) * 2)
    with pytest.raises(ForgetError, match="longer than it says"):
        unzip(PLAIN, tmp_path)
    assert os.listdir(tmp_path) == ["a.zip"]


def test_a_zip_of_too_many_files_is_refused_before_and_after_its_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zip_of({str(number): b"" for number in range(31)})
    monkeypatch.setattr(archives, "MAX_FILES", 30)
    with pytest.raises(ForgetError, match="31 files, more than 30"):
        unzip(data, tmp_path)
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    monkeypatch.setattr(archives, "ZipFile", None)  # would fail in another way
    with pytest.raises(ForgetError, match="more than 3 files"):
        unzip(data, tmp_path)
    monkeypatch.undo()
    assert len(unzip(data, tmp_path)) == 31


def test_a_disk_without_room_is_told_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 300_002))
    with pytest.raises(ForgetError, match="no room for 300,003 bytes.*Free some space"):
        unzip(PLAIN, tmp_path)
    assert os.listdir(tmp_path) == ["a.zip"]


def test_unpacking_can_be_cancelled(tmp_path: Path) -> None:
    def stop(*_: object, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        unzip(PLAIN, tmp_path, on_step=stop)
    assert os.listdir(tmp_path) == ["a.zip"]


@given(st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=4)), max_size=4))
@settings(max_examples=100)
def test_a_damaged_zip_gives_its_files_or_a_forget_error(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(zip_of({"a/1": b"one", "a/b/2": b"two" * 50}))
    for at, new in damage:
        data[at : at + len(new)] = new
    root = tmp_path_factory.mktemp("damaged")
    try:
        assert set(unzip(bytes(data), root).values()) == {b"one", b"two" * 50} or damage
    except ForgetError:
        assert os.listdir(root) == ["a.zip"]


def test_a_gzipped_file_is_unpacked_whole_or_not_at_all(tmp_path: Path) -> None:
    data, path = gzip.compress(os.urandom(1000)), tmp_path / "file"
    for bad in (b"", b"hello", data[:-4], data[:500], data[:-8] + bytes(8)):
        (tmp_path / "file.gz").write_bytes(bad)
        with pytest.raises(ForgetError, match="Delete file.gz"):
            unpack_gzip(tmp_path / "file.gz", path)
    (tmp_path / "file.gz").write_bytes(data)
    with pytest.raises(ForgetError, match="more than 999 bytes"):
        unpack_gzip(tmp_path / "file.gz", path, most=999)
    assert os.listdir(tmp_path) == ["file.gz"]
    unpack_gzip(tmp_path / "file.gz", path, most=1000)
    assert path.read_bytes() == gzip.decompress(data)
    path.write_bytes(b"mine")
    unpack_gzip(tmp_path / "file.gz", path)
    assert path.read_bytes() == b"mine" and len(os.listdir(tmp_path)) == 2

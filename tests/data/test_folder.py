"""Laws of a folder of people: one result for folder, zip and upload, and no harm from any."""

import copy
import os
import stat
import time
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forget.data import entries, folder
from forget.data.dataset import FaceDataset
from forget.data.folder import load_folder, load_uploads
from forget.data.load import load_faces
from forget.data.photograph import read_photograph
from forget.errors import ForgetError, PhotographError

Files = dict[str, bytes]


def face(number: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (28, 23), np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


FACES = [face(number) for number in range(6)]
TWO = {f"{who}/{k}.png": FACES[3 * i + k] for i, who in enumerate(["anna", "ben"]) for k in (0, 1)}


def on_disk(files: Files, root: Path) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def from_zip(files: Files, root: Path) -> FaceDataset:
    root.mkdir(exist_ok=True)
    (root / "friends.zip").write_bytes(zipped(files))
    return load_folder(root / "friends.zip")


def from_upload(files: Files, root: Path) -> FaceDataset:
    return load_uploads(files.items(), "friends")


def from_folder(files: Files, root: Path) -> FaceDataset:
    return load_folder(str(on_disk(files, root / "friends")))


def from_uploaded_zip(files: Files, root: Path) -> FaceDataset:
    return load_uploads([("Friends.ZIP", zipped(files))], "friends")


WAYS = [from_folder, from_zip, from_upload, from_uploaded_zip]
every_way = pytest.mark.parametrize("load", WAYS)
Load = Callable[[Files, Path], FaceDataset]


@every_way
@pytest.mark.parametrize("outer", ["", "photos/", "photos/of/friends/"])
def test_the_person_is_the_folder_that_holds_the_photograph(
    load: Load, outer: str, tmp_path: Path
) -> None:
    faces = load({outer + path: data for path, data in TWO.items()}, tmp_path)
    assert faces.name == "friends" and faces.core == () and faces.skipped == ()
    assert faces.labels == ("anna", "anna", "ben", "ben")
    assert faces.images.shape == (4, 112, 92)


@every_way
def test_photographs_come_in_natural_order(load: Load, tmp_path: Path) -> None:
    ordered = ["s9/3.PNG", "s9/20.png", "s10/2.png", "s10/10.png"]
    files = dict(zip(ordered, FACES, strict=False))
    faces = load(dict(reversed(files.items())), tmp_path)
    assert faces.labels == ("s9", "s9", "s10", "s10")
    expected = [read_photograph(data, path) for path, data in files.items()]
    np.testing.assert_array_equal(faces.images, expected)


@every_way
def test_what_is_left_out_is_listed(load: Load, tmp_path: Path) -> None:
    files = TWO | {
        "carl/only.png": FACES[2],
        "anna/broken.jpg": b"not a photograph",
        "anna/empty.png": b"",
        "anna/copy.png": TWO["anna/0.png"],
        "ben/notes.txt": b"hello",
        "loose.png": FACES[5],
        "x" * 101 + "/1.png": FACES[5],
        "a\nb/1.png": FACES[5],
        "\u202ebmob/1.png": FACES[5],
    }
    faces = load(files, tmp_path)
    assert faces.labels == ("anna", "anna", "ben", "ben")
    lines = dict(line.split(": ", 1) for line in faces.skipped)
    assert len(lines) == len(faces.skipped) == 9
    assert lines["carl"] == "left out, 1 different readable photograph(s), at least 2 are needed"
    assert lines["anna/broken.jpg"] == "no JPEG, PNG, PGM or WebP"
    assert lines["anna/empty.png"] == "an empty file"
    assert lines["anna/copy.png"] == "the same photograph as anna/0.png"
    assert "jpeg" in lines["ben/notes.txt"]
    assert "folder of a person" in lines["loose.png"]
    assert "100 characters" in lines["x" * 101 + "/1.png"]
    assert "control" in lines["a?b/1.png"] and "control" in lines["?bmob/1.png"]
    assert all(line.isprintable() for line in faces.skipped)


@every_way
def test_what_operating_systems_leave_behind_is_ignored(load: Load, tmp_path: Path) -> None:
    junk = {
        "__MACOSX/anna/._0.png": b"x",
        "anna/._0.png": b"x",
        "anna/.DS_Store": b"x",
        "ben/Thumbs.db": b"x",
        ".hidden/carl/1.png": FACES[2],
    }
    assert load(TWO | junk, tmp_path).skipped == ()


@every_way
def test_copies_within_a_person_go_and_between_people_stay(load: Load, tmp_path: Path) -> None:
    faces = load(TWO | {"ben/9.pgm": face(0, "PPM"), "anna/9.pgm": face(0, "PPM")}, tmp_path)
    assert faces.labels == ("anna", "anna", "ben", "ben", "ben")
    assert faces.skipped == ("anna/9.pgm: the same photograph as anna/0.png",)


@every_way
def test_copies_do_not_make_a_person(load: Load, tmp_path: Path) -> None:
    faces = load(TWO | {"carl/1.png": FACES[2], "carl/2.png": FACES[2]}, tmp_path)
    assert faces.identities == ["anna", "ben"] and len(faces.skipped) == 2


@every_way
def test_names_are_normalised(load: Load, tmp_path: Path) -> None:
    files = {"Zoe\u0308/1.png": FACES[0], " Zo\u00eb /2.png": FACES[1]} | TWO
    assert load(files, tmp_path).identities == ["anna", "ben", "Zo\u00eb"]


@every_way
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"1.png": FACES[0], "2.png": FACES[1]}, "one folder per person"),
        ({"anna/readme.txt": b"x"}, "one folder per person"),
        ({"anna/0.png": FACES[0], "anna/1.png": FACES[1]}, "at least 2 people"),
        ({"anna/0.png": FACES[0], "ben/0.png": FACES[1]}, "anna: left out"),
        ({"anna/0.png": b"", "anna/1.png": b"", "ben/0.png": b""}, "and 2 more"),
    ],
)
def test_too_few_people_are_refused(load: Load, files: Files, reason: str, tmp_path: Path) -> None:
    with pytest.raises(PhotographError, match=reason):
        load(files, tmp_path)


@every_way
@pytest.mark.parametrize(
    ("module", "bound", "value"),
    [(folder, "MAX_PHOTOGRAPHS", 3), (folder, "MAX_PEOPLE", 1), (entries, "MAX_FILES", 3)],
)
def test_bounds_hold(
    load: Load,
    module: object,
    bound: str,
    value: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, bound, value + 1)
    load(TWO, tmp_path)
    monkeypatch.setattr(module, bound, value)
    with pytest.raises(PhotographError, match="at most"):
        load(TWO, tmp_path)


def test_nothing_uploaded_is_told() -> None:
    for files in ([], [("a.zip", zipped({}))]):
        with pytest.raises(PhotographError, match="one folder per person"):
            load_uploads(files, "nothing")


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    os.mkfifo(tmp_path / "pipe")  # would be waited for, for ever
    for path, reason in [
        ("nowhere", "does not exist"),
        ("notes.txt", "neither"),
        ("pipe", "neither"),
        ("a\0b", "does not exist"),
        ("x" * 5000, "does not exist"),
        (".", "none"),
    ]:
        with pytest.raises(PhotographError, match=reason):
            load_folder(tmp_path / path)


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    secret = on_disk({"carl/0.png": FACES[2], "carl/1.png": FACES[5]}, tmp_path / "secret")
    root = on_disk(TWO, tmp_path / "friends")
    (root / "carl").symlink_to(secret / "carl")
    (root / "anna" / "9.png").symlink_to(secret / "carl" / "0.png")
    (root / "anna" / "8.png").symlink_to(root / "ben" / "0.png")
    (root / "ben" / "circle").symlink_to(root)
    (root / "ben" / "gone.png").symlink_to(root / "nowhere.png")
    os.mkfifo(root / "ben" / "pipe.png")
    (tmp_path / "link").symlink_to(root)
    for path in (root, tmp_path / "link"):
        faces = load_folder(path)
        assert faces.labels == ("anna",) * 3 + ("ben",) * 2 and faces.name == "friends"
        assert sorted(faces.skipped) == [
            "anna/9.png: a link that leaves the folder",
            "ben/circle: a link to a folder, or not a file",
            "ben/gone.png: a link to a folder, or not a file",
            "ben/pipe.png: a link to a folder, or not a file",
            "carl: a link to a folder, or not a file",
        ]


def test_unreadable_folders_and_files_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = on_disk(TWO | {"carl/0.png": FACES[2], "ben/9.png": FACES[5]}, tmp_path / "friends")
    scandir, read = os.scandir, entries._read_file

    def refuse_carl(path: str) -> object:
        if os.fspath(path).endswith("carl"):
            raise PermissionError(13, "denied", os.fspath(path))
        return scandir(path)

    def refuse_nine(path: Path) -> bytes:
        if path.name == "9.png":
            raise PermissionError(13, "denied")
        return read(path)

    monkeypatch.setattr(os, "scandir", refuse_carl)
    monkeypatch.setattr(entries, "_read_file", refuse_nine)
    assert load_folder(root).skipped == (
        "carl: a folder that cannot be read",
        "ben/9.png: cannot be read",
    )


def tampered(change: Callable[[list[zipfile.ZipInfo]], None], data: Files = TWO) -> bytes:
    """A zip whose directory was changed after the members were written."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in data.items():
            archive.writestr(path, content)
        change(archive.filelist)
    return out.getvalue()


def overlapping(members: list[zipfile.ZipInfo]) -> None:
    for k in range(60):
        again = copy.copy(members[0])
        again.filename, again.file_size = f"carl/{k}.png", 49_000_000
        again.compress_size = 49_000_000
        members.append(again)


def linked(members: list[zipfile.ZipInfo]) -> None:
    members[0].external_attr = (stat.S_IFLNK | 0o777) << 16


def encrypted(members: list[zipfile.ZipInfo]) -> None:
    members[0].flag_bits |= 1


def declared_large(members: list[zipfile.ZipInfo]) -> None:
    members[0].file_size = members[0].compress_size = 50_000_001


HOSTILE = {
    "absolute": (zipped(TWO | {"/etc/1.png": FACES[0]}), "escapes"),
    "upwards": (zipped(TWO | {"anna/../../1.png": FACES[0]}), "escapes"),
    "only upwards": (zipped(TWO | {"..": FACES[0]}), "escapes"),
    "backslash": (zipped(TWO | {"anna\\1.png": FACES[0]}), "escapes"),
    "drive": (zipped(TWO | {"C:/anna/1.png": FACES[0]}), "escapes"),
    "long": (zipped(TWO | {"a/" * 600 + "1.png": FACES[0]}), "too long"),
    "digits": (zipped(TWO | {"9" * 5000 + "/1.png": FACES[0]}), "too long"),
    "link": (tampered(linked), "link"),
    "encrypted": (tampered(encrypted), "encrypted"),
    "declared large": (tampered(declared_large), "explodes"),
    "overlapping": (tampered(overlapping), "explodes"),
    "ratio": (zipped(TWO | {"carl/1.png": bytes(5_000_000)}), "explodes"),
    "bzip2": (zipped(TWO, zipfile.ZIP_BZIP2), "stored or deflated"),
    "lzma": (zipped(TWO, zipfile.ZIP_LZMA), "stored or deflated"),
    "no zip": (b"hello", "broken"),
    "empty": (b"", "broken"),
    "cut": (zipped(TWO)[:-30], "broken"),
    "head only": (zipped(TWO)[:100], "broken"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_harmful_zip_is_refused_whole(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "friends.zip").write_bytes(data)
    for load in (
        lambda: load_folder(tmp_path / "friends.zip"),
        lambda: load_uploads([("friends.zip", data)], "friends"),
    ):
        with pytest.raises(PhotographError, match=reason) as caught:
            load()
        assert "friends.zip" in caught.value.got
    assert os.listdir(tmp_path) == ["friends.zip"]


@pytest.mark.parametrize("path", ["/anna/1.png", "anna/../1.png", "a\\1.png", "C:/a/1.png"])
def test_an_upload_that_escapes_is_refused(path: str) -> None:
    with pytest.raises(PhotographError, match="escapes"):
        load_uploads([*TWO.items(), (path, FACES[0])], "friends")


def test_a_directory_of_very_many_members_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(entries, "ZipFile", never)
    data = (b"PK\x01\x02" + bytes(42)) * 120_000 + b"PK\x05\x06" + bytes(18)
    with pytest.raises(PhotographError, match="explodes: 120,000 files"):
        load_uploads([("a.zip", data)], "a")


def test_a_member_that_lies_about_its_size_is_listed() -> None:
    def lie(members: list[zipfile.ZipInfo]) -> None:
        members[-1].file_size -= 20

    faces = load_uploads([("a.zip", tampered(lie, TWO | {"ben/9.png": FACES[5]}))], "a")
    assert faces.labels == ("anna", "anna", "ben", "ben")
    assert faces.skipped == ("ben/9.png: cannot be read",)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_path_twice_in_a_zip_is_two_photographs() -> None:
    out = BytesIO(zipped(TWO))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("ben/1.png", FACES[5])
        archive.writestr("ben/1.png", FACES[5])
    faces = load_uploads([("a.zip", out.getvalue())], "a")
    assert faces.labels == ("anna",) * 2 + ("ben",) * 3
    assert faces.skipped == ("ben/1.png: the same photograph as ben/1.png",)


def test_a_member_without_a_name_is_listed() -> None:
    def unname(members: list[zipfile.ZipInfo]) -> None:
        members[-1].filename = ""

    data = tampered(unname, TWO | {"carl/1.png": FACES[5]})
    assert load_uploads([("a.zip", data)], "a").labels == ("anna", "anna", "ben", "ben")


def test_memory_errors_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(entries, "_read_member", fail)
    with pytest.raises(MemoryError):
        load_uploads([("a.zip", zipped(TWO))], "a")
    monkeypatch.setattr(entries, "ZipFile", fail)
    with pytest.raises(MemoryError):
        load_uploads([("a.zip", zipped(TWO))], "a")


ZIP = zipped({path: FACES[i] for i, path in enumerate(TWO)})


@given(
    st.lists(
        st.tuples(st.integers(0, len(ZIP)), st.binary(max_size=4), st.integers(0, 4)), max_size=5
    ),
    st.booleans(),
)
@settings(max_examples=150)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_zip_gives_people_or_a_photograph_error(
    damage: Iterable[tuple[int, bytes, int]], at_the_end: bool
) -> None:
    data = bytearray(ZIP)
    for at, new, old in damage:
        at = len(data) - at % 300 if at_the_end else at  # where the directory is
        data[at : at + old] = new
    try:
        faces = load_uploads([("a.zip", bytes(data))], "a")
    except PhotographError as error:
        assert error.remedy
    else:
        assert len(faces.images) == len(faces.labels) >= 4


@given(st.lists(st.tuples(st.text(max_size=30), st.sampled_from([*FACES, b"", b"x"]))))
@settings(max_examples=100)
def test_any_upload_gives_people_or_a_photograph_error(files: list[tuple[str, bytes]]) -> None:
    try:
        faces = load_uploads([*TWO.items(), *files], "a")
    except PhotographError as error:
        assert "escapes" in str(error)
    else:
        assert faces.labels[:1] and all("\n" not in line for line in faces.skipped)


def test_load_faces_takes_names_and_paths(tmp_path: Path) -> None:
    on_disk(TWO, tmp_path / "friends")
    assert load_faces(tmp_path / "friends").labels == load_faces(str(tmp_path / "friends")).labels
    assert load_faces("ORL").name == "ORL"
    with pytest.raises(ForgetError, match="'orl'.*'nobody'"):
        load_faces("nobody")
    for path in (tmp_path / "nobody", str(tmp_path / "nobody"), "nobody.zip", "./nobody"):
        with pytest.raises(PhotographError, match="does not exist"):
            load_faces(path)


def test_a_thousand_small_photographs_take_seconds() -> None:
    files = [(f"p{k % 50}/{k}.pgm", face(k, "PPM")) for k in range(1000)]
    start = time.perf_counter()
    assert len(load_uploads(files, "many").images) == 1000
    assert time.perf_counter() - start < 20  # 0.3 s on an idle core

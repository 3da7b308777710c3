"""Laws of faces as files: folders and lists give the same images, none outside of the folder."""

import os
from pathlib import Path

import numpy as np
import pytest
from data.recognition.samples import people, pixels, png
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition.lists import read_image_folder, read_image_list
from forget.errors import ForgetError, PhotographError


def test_people_are_folders_in_natural_order(tmp_path: Path) -> None:
    people(tmp_path, {"s10": 1, "s2": 2, "anna": 1, "nobody": 0})
    (tmp_path / "s2" / "notes.txt").write_text("x")
    (tmp_path / "s2" / ".hidden.png").write_bytes(png(9))
    (tmp_path / "s2" / "deeper" / "x.png").mkdir(parents=True)
    (tmp_path / "loose.png").write_bytes(png(9))
    faces = read_image_folder(tmp_path)
    assert faces.people == {0: "anna", 1: "s2", 2: "s10"} and len(faces) == 4
    assert faces.labels.tolist() == [0, 1, 1, 2]
    for k, number in enumerate((3, 1, 2, 0)):
        np.testing.assert_array_equal(faces.image(k), pixels(number))
        assert faces.encoded(k) == png(number)


def test_links_out_of_the_folder_are_left_out(tmp_path: Path) -> None:
    people(tmp_path / "secret", {"carl": 1})
    people(tmp_path / "root", {"anna": 1, "ben": 1})
    os.symlink(tmp_path / "secret" / "carl", tmp_path / "root" / "carl")
    os.symlink(tmp_path / "secret" / "carl" / "0.png", tmp_path / "root" / "anna" / "1.png")
    os.symlink(tmp_path / "root" / "ben" / "0.png", tmp_path / "root" / "anna" / "2.png")
    faces = read_image_folder(tmp_path / "root")
    assert [path.name for path in faces.paths] == ["0.png", "2.png", "0.png"]
    assert faces.people == {0: "anna", 1: "ben"}


def test_folders_without_people_are_told(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    for path, reason in ((tmp_path, "none in"), (tmp_path / "nowhere", "nothing at")):
        with pytest.raises(ForgetError, match=reason):
            read_image_folder(path)


def test_both_kinds_of_lists_say_the_same(tmp_path: Path) -> None:
    faces = people(tmp_path / "faces", {"anna lee": 2, "ben": 1})
    rows = [(path.relative_to(tmp_path / "faces"), label + 7) for path, label in
            zip(faces.paths, faces.labels.tolist(), strict=True)]  # fmt: skip
    (tmp_path / "label.txt").write_text("".join(f"{path}\t{label}\n" for path, label in rows))
    (tmp_path / "mag.lst").write_text("\n".join(f"{path} 0 {label} 0" for path, label in rows))
    whole = "".join(f"{tmp_path}/faces/{path}\t{label}\r\n\n" for path, label in rows)
    (tmp_path / "faces" / "all.txt").write_text(whole)
    for found in (
        read_image_list(tmp_path / "label.txt", tmp_path / "faces"),
        read_image_list(tmp_path / "mag.lst", tmp_path / "faces"),
        read_image_list(tmp_path / "faces" / "all.txt"),
    ):
        assert found.labels.tolist() == [7, 7, 8] and found.people == {7: "7", 8: "8"}
        assert [found.encoded(k) for k in range(3)] == [faces.encoded(k) for k in range(3)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        *((f"{path}\t1", "paths inside") for path in ("../x", "/etc/passwd", "a/../../x", "..")),
        *(
            (line, "image and its class number")
            for line in (
                *("a.png", "a.png\tx", "a.png\t-1", "\t1", "a.png 1", "a.png 0 x 0", "0 1 0"),
                *("a.png\t", "a\0b\t1", "a.png\t16777216", "\xff\t1"),
            )
        ),
    ],
)  # fmt: skip
def test_a_line_of_another_form_is_named(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ok.png\t1\n\n" + line.encode("latin1") + b"\n")
    with pytest.raises(ForgetError, match=f"(?s){reason}.*line 3 of a.txt"):
        read_image_list(tmp_path / "a.txt")


def test_empty_and_missing_lists_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n")
    for name, reason in (("a.txt", "at least 1 image"), ("b.txt", "nothing at"), (".", "nothing")):
        with pytest.raises(ForgetError, match=reason):
            read_image_list(tmp_path / name)


@given(data=st.binary(max_size=40))
@settings(max_examples=150)
def test_any_bytes_give_a_list_inside_the_folder_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    root = tmp_path_factory.getbasetemp()
    for start in (b"", b"a\t1\n", b"b 0 1 0\n"):
        (root / "a.txt").write_bytes(start + data)
        try:
            found = read_image_list(root / "a.txt")
            assert all(path.is_relative_to(root) for path in found.paths)
            assert set(found.labels.tolist()) == set(found.people)
        except ForgetError:
            pass


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    faces = people(tmp_path, {"anna": 1})
    faces.paths[0].unlink()
    with pytest.raises(PhotographError, match="0.png"):
        faces.image(0)

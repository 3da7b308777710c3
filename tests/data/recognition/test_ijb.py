"""Laws of the IJB protocol files and of the tables they are read as."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition.ijb import (
    read_gallery,
    read_landmarks,
    read_media,
    read_protocol,
    read_template_pairs,
)
from forget.data.recognition.text_table import read_table
from forget.errors import ForgetError

POINTS = np.random.default_rng(0).normal(60, 20, (3, 5, 2))
MEDIA = "NA.jpg 1 5\n2.jpg 1 5\n3.jpg 4 5\n"
LANDMARKS = "".join(
    f"{name} {' '.join(map(repr, points.ravel().tolist()))} 0.{k}\n"
    for k, (name, points) in enumerate(zip(["NA.jpg", "2.jpg", "3.jpg"], POINTS, strict=True))
)
PAIRS = "1 4 0\n4 4 1\n"
FILES = {"face_tid_mid": MEDIA, "name_5pts_score": LANDMARKS, "template_pair_label": PAIRS}


def write(folder: Path, **changed: str) -> Path:
    (folder / "meta").mkdir(exist_ok=True)
    for name, text in (FILES | changed).items():
        (folder / "meta" / f"ijbb_{name}.txt").write_text(text)
    return folder


def test_the_three_files_of_verification(tmp_path: Path) -> None:
    found = read_protocol(write(tmp_path), "ijbb")
    assert found.media.names == found.landmarks.names == ("NA.jpg", "2.jpg", "3.jpg")
    assert found.media.templates.tolist() == [1, 1, 4] and found.media.media.tolist() == [5] * 3
    np.testing.assert_allclose(found.landmarks.points, POINTS, rtol=1e-12)
    assert found.landmarks.scores.tolist() == [0.0, 0.1, 0.2]
    assert found.pairs.first.tolist() == [1, 4] and found.pairs.second.tolist() == [4, 4]
    assert found.pairs.same.tolist() == [False, True]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"face_tid_mid": MEDIA.replace("2.jpg", "x.jpg")}, "row 2"),
        ({"face_tid_mid": MEDIA + "9.jpg 1 1\n"}, "row 4"),
        ({"template_pair_label": "1 4 0\n9 4 0\n7 4 0\n"}, "template 7, and 1 more"),
        ({"template_pair_label": "1 4 0\n1 4 2\n"}, "2 in row 2"),
        ({"face_tid_mid": ""}, "3 columns"),
    ],
)
def test_files_that_do_not_fit_are_told(
    changed: dict[str, str], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ForgetError, match=reason):
        read_protocol(write(tmp_path, **changed), "ijbb")
    with pytest.raises(ForgetError, match="ijbc_face_tid_mid.txt"):
        read_protocol(tmp_path, "ijbc")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a 1", "2 columns in line 3"),
        ("a 1 2 3", "4 columns in line 3"),
        ("a 1 x", "'x' in line 3"),
        ("a 1.5 2", "'1.5' in line 3"),
        ("a 1 99999999999999999999", "'9+' in line 3"),
        ("a nan 2", "'nan' in line 3"),
    ],
)
def test_a_wrong_line_is_named(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"a 1 2\n\n{line}\nb 1 2\n")
    with pytest.raises(ForgetError, match=reason):
        read_media(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("a " + "1 " * 10 + "nan\n")
    with pytest.raises(ForgetError, match="'nan' in line 1"):
        read_landmarks(tmp_path / "b.txt")


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(MEDIA.encode()))
    with pytest.raises(ForgetError, match="a.txt.gz"):
        read_media(tmp_path / "a.txt.gz")


numbers = st.integers(-(2**63), 2**63 - 1)
names = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1)


@given(rows=st.lists(st.tuples(names, numbers, st.floats(-1e9, 1e9)), min_size=1, max_size=8))
@settings(max_examples=60)
def test_tables_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    path = tmp_path_factory.getbasetemp() / "table.txt"
    for separator, told in ((" ", r"\s+"), ("\t", "\t")):
        text = "\n".join(separator.join(map(str, row)) for row in rows)
        path.write_text(text)
        found = read_table(path, {"name": str, "whole": np.int64, "real": np.float64}, told)
        assert list(found["name"]) == [name for name, *_ in rows]
        assert found["whole"].tolist() == [whole for _, whole, _ in rows]
        np.testing.assert_allclose(found["real"], [real for *_, real in rows], rtol=1e-12)


@given(data=st.binary(max_size=40))
@settings(max_examples=100)
def test_any_bytes_give_a_table_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.txt"
    for read in (read_media, read_landmarks, read_template_pairs, read_gallery):
        for start in (b"", b"a 1 2\n", b"1 2 1\n", b"template_id,subject_id\n1,1\n"):
            path.write_bytes(start + data)
            try:
                read(path)
            except ForgetError:
                pass


def test_a_gallery_has_each_template_once(tmp_path: Path) -> None:
    text = '\ufeffTEMPLATE_ID, SUBJECT_ID,FILENAME\n7,1,"a,b"\n7,1,c\n\n3,2,d\n'
    (tmp_path / "a.csv").write_text(text)
    found = read_gallery(tmp_path / "a.csv")
    assert found.templates.tolist() == [7, 3] and found.subjects.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column template_id"),
        ("template_id,x\n1,2\n", "no column subject_id"),
        ("template_id,subject_id\n", "no row"),
        ("template_id,subject_id\n1,1\n1,2\n", "template 1 again in line 3"),
        ("template_id,subject_id\n1,1\nx,2\n", "'x' in line 3"),
        ("template_id,subject_id\n1\n", "'' in line 2"),
    ],
)
def test_a_broken_gallery_is_told(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ForgetError, match=reason):
        read_gallery(tmp_path / "a.csv")

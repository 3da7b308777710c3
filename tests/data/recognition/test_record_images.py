"""Laws of training sets in records: one content with and without index, header and vectors."""

import pickle
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from data.recognition.samples import people, pixels, png
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition import record_images, record_writer
from forget.data.recognition.encoded import decode_face
from forget.data.recognition.image_record import ImageRecord, pack
from forget.data.recognition.lists import ImageList
from forget.data.recognition.record_images import RecordImages
from forget.data.recognition.record_writer import write_records
from forget.data.recognition.recordio import MAGIC, frame
from forget.errors import ForgetError, PhotographError

IMAGE = png(0)


def write(folder: Path, records: Iterable[tuple[int, ImageRecord]], index: bool = True) -> Path:
    """A .rec and .idx of any records at all."""
    data, lines = b"", ""
    for key, record in records:
        lines += f"{key}\t{len(data)}\n"
        data += frame(pack(record))
    (folder / "a.rec").write_bytes(data)
    if index:
        (folder / "a.idx").write_text(lines)
    return folder / "a.rec"


def same(one: RecordImages, other: RecordImages) -> bool:
    images = [(faces.encoded(k) for k in range(len(faces))) for faces in (one, other)]
    return list(images[0]) == list(images[1]) and np.array_equal(one.labels, other.labels)


def test_a_folder_of_people_becomes_records_and_stays_what_it_was(tmp_path: Path) -> None:
    faces = people(tmp_path / "people", {"anna": 3, "ben": 1, "carl": 2})
    found = RecordImages(write_records(faces, tmp_path / "rec"))
    assert len(found) == 6 and found.property == (3, 8, 8)
    assert found.labels.tolist() == faces.labels.tolist() == [0, 0, 0, 1, 2, 2]
    assert found.people == {0: "0", 1: "1", 2: "2"}
    for k in range(6):
        assert found.encoded(k) == faces.encoded(k)
        np.testing.assert_array_equal(found.image(k), pixels(k))
    assert sorted(path.name for path in (tmp_path / "rec").iterdir()) == [
        *("property", "train.idx", "train.rec"),
    ]


def test_the_layout_is_insightfaces(tmp_path: Path) -> None:
    faces = people(tmp_path / "people", {"anna": 3, "ben": 1, "carl": 2})
    path = write_records(faces, tmp_path / "rec")
    keys = [int(line.split("\t")[0]) for line in path.with_suffix(".idx").open()]
    assert sorted(keys) == list(range(10))
    found = RecordImages(path)
    offsets = dict(tuple(map(int, line.split("\t"))) for line in path.with_suffix(".idx").open())
    assert found._record(offsets[0]) == ImageRecord((7.0, 10.0), b"", 0, 1)
    ranges = [found._record(offsets[key]).labels for key in (7, 8, 9)]
    assert ranges == [(1, 4), (4, 5), (5, 7)]


def test_all_ways_in_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = people(tmp_path / "people", {"anna": 3, "ben": 2})
    path = write_records(faces, tmp_path / "rec")
    with_header = RecordImages(path)
    monkeypatch.setattr(record_images, "EXACT", 6)  # as if there were too many for float32
    scanned_by_index = RecordImages(path)
    path.with_suffix(".idx").rename(tmp_path / "moved.idx")
    walked = RecordImages(path)
    moved = RecordImages(path, tmp_path / "moved.idx")
    for other in (scanned_by_index, walked, moved, pickle.loads(pickle.dumps(moved))):
        assert len(other) == 5 and same(with_header, other)


def test_too_many_for_float32_are_written_without_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = people(tmp_path / "people", {"anna": 3, "ben": 2})
    monkeypatch.setattr(record_writer, "EXACT", 8)
    path = write_records(faces, tmp_path / "rec")
    assert path.with_suffix(".idx").read_text().count("\n") == 5
    found = RecordImages(path)
    assert len(found) == 5 and found.labels.tolist() == [0, 0, 0, 1, 1]


def test_keys_beyond_float32_are_read_by_their_index(tmp_path: Path) -> None:
    big = 2**24
    # float32 keeps 2**24 + 3 as 2**24 + 4: what record 0 says is not to be believed.
    records = [(0, ImageRecord((big + 3, big + 4), second=1)), (big + 3, ImageRecord((1, 3)))]
    records += [(big + k, ImageRecord((float(k),), png(k))) for k in (1, 2)]
    found = RecordImages(write(tmp_path, records))
    assert found.labels.tolist() == [1, 2] and found.encoded(0) == png(1)


def test_header_less_files_begin_with_an_image(tmp_path: Path) -> None:
    records = [(k, ImageRecord((float(5 - k),), png(k), k)) for k in range(3)]
    found = RecordImages(write(tmp_path, records))
    assert found.labels.tolist() == [5, 4, 3] and found.people == {3: "3", 4: "4", 5: "5"}
    assert found.property is None


def test_images_come_in_order_of_their_keys(tmp_path: Path) -> None:
    records = [(k, ImageRecord((float(k),), png(k), k)) for k in (20, 3, 100, 7)]
    found = RecordImages(write(tmp_path, records))
    assert found.labels.tolist() == [3, 7, 20, 100]


awkward = np.array([MAGIC], "<u4").view("<f4")[0]  # a label whose bytes are the magic number
numbers = st.integers(-(2**24), 2**24).map(float)
heads = st.tuples(numbers, st.lists(st.just(float(awkward)) | numbers, max_size=4))
bodies = st.binary(min_size=1, max_size=20) | st.just(b"abcd" + bytes.fromhex("0a23d7ce"))


@given(st.lists(st.tuples(heads, bodies, st.integers(0, 2**64 - 1)), min_size=1, max_size=5))
@settings(max_examples=50)
def test_labels_read_at_once_are_those_of_the_records(
    tmp_path_factory: pytest.TempPathFactory, wanted: list
) -> None:
    records = [
        (k, ImageRecord((first, *others), body, number))
        for k, ((first, others), body, number) in enumerate(wanted, start=1)
    ]
    found = RecordImages(write(tmp_path_factory.mktemp("rec"), records))
    assert found.labels.tolist() == [int(record.labels[0]) for _, record in records]
    assert [found.record(k) for k in range(len(found))] == [record for _, record in records]


@pytest.mark.parametrize("label", [0.5, float("nan"), float("inf"), 2.0**25, -(2.0**25)])
def test_labels_that_number_nobody_are_told(label: float, tmp_path: Path) -> None:
    found = RecordImages(write(tmp_path, [(0, ImageRecord((label,), IMAGE))]))
    with pytest.raises(ForgetError, match="of image 0 in a.rec"):
        found.labels  # noqa: B018 - the access is the test


HEADER = (0, ImageRecord((3.0, 5.0), second=1))
ONE, TWO = ((k, ImageRecord((0.0,), IMAGE, k)) for k in (1, 2))


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([HEADER, ONE], "keys 1 to 2"),
        ([HEADER, ONE, (4, TWO[1])], "keys 1 to 2"),
        ([(0, ImageRecord((1.0, 1.0)))], "at least 1 image"),
        ([(0, ImageRecord((float("nan"), 1.0)))], "at least 1 image"),
        ([(0, ImageRecord((16777215.0, 16777215.0))), ONE], "keys 1 to 16,777,214"),
        ([ONE, ONE], "1 twice"),
    ],
)
def test_an_index_that_does_not_fit_is_told(
    records: list[tuple[int, ImageRecord]], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ForgetError, match=reason):
        RecordImages(write(tmp_path, records))


@pytest.mark.parametrize(
    "lines",
    ["", "1\t2\n", "1\t-4\n", "1\t99999\n", "1\t99999999999999999999\n", "a\tb\n", "1 0\n", "1\n",
     "1\t0\t0\n", "nan\tnan\n", "\0\n", "1\t0\nx\t0\n"],
)  # fmt: skip
def test_a_broken_index_is_told(lines: str, tmp_path: Path) -> None:
    path = write(tmp_path, [ONE])
    path.with_suffix(".idx").write_text(lines)
    with pytest.raises(ForgetError, match="a.idx"):
        RecordImages(path)


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1,2,x", "0,112,112", "9" * 5000])
def test_a_broken_property_is_told(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, [ONE])
    (tmp_path / "property").write_text(text)
    with pytest.raises(ForgetError, match="classes,height,width"):
        RecordImages(path)


def test_missing_and_empty_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.rec").touch()
    for name in ("nothing.rec", "empty.rec", "."):
        with pytest.raises(ForgetError, match=r"a \.rec file"):
            RecordImages(tmp_path / name)


def test_what_is_no_image_is_told_when_it_is_read(tmp_path: Path) -> None:
    huge = IMAGE[:16] + (100_000).to_bytes(4, "big") * 2 + IMAGE[24:]
    cut = IMAGE[: len(IMAGE) // 2]
    records = [(k, ImageRecord((0.0,), data)) for k, data in enumerate([b"x", huge, cut, IMAGE])]
    found = RecordImages(write(tmp_path, records))
    for k in range(3):
        with pytest.raises(PhotographError, match=f"image {k} of a.rec"):
            found.image(k)
    np.testing.assert_array_equal(found.image(3), decode_face(IMAGE, "it"))
    for k in (-1, 4):
        with pytest.raises(IndexError):
            found.image(k)


@pytest.mark.parametrize("index", [True, False])
@given(data=st.data())
@settings(max_examples=60)
def test_any_damage_gives_a_reading_or_an_error(
    index: bool, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rec")
    path = write(folder, [ONE, TWO, HEADER, (3, ImageRecord((1.0, 3.0)))], index)
    which = [path, path.with_suffix(".idx")] if index else [path]
    for one in which:
        whole = bytearray(one.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            # The heads and the index more often than the pixels.
            place = data.draw(
                st.integers(0, len(whole) - 1) | st.integers(0, min(40, len(whole) - 1))
            )
            whole[place] = data.draw(st.integers(0, 255))
        one.write_bytes(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    try:
        found = RecordImages(path)
        assert len(found.labels) == len(found) > 0
        for k in range(len(found)):
            assert found.image(k).shape[2] == 3
    except ForgetError:
        pass


def test_only_faces_that_can_be_kept_are_written(tmp_path: Path) -> None:
    faces = people(tmp_path / "people", {"anna": 2})
    other = ImageList(faces.paths, np.array([0, 2**24 + 1]), {0: "0", 2**24 + 1: "x"})
    with pytest.raises(ForgetError, match="16777217"):
        write_records(other, tmp_path / "rec")
    with pytest.raises(ForgetError, match="at least 1 face"):
        write_records(ImageList((), np.array([], np.int64), {}), tmp_path / "rec")
    faces.paths[1].write_bytes(png(1, 9))
    with pytest.raises(ForgetError, match="8 x 8 pixels; got 9 x 9"):
        write_records(faces, tmp_path / "rec")
    faces.paths[1].write_bytes(b"x")
    with pytest.raises(PhotographError, match="image 1"):
        write_records(faces, tmp_path / "rec")
    assert not list((tmp_path / "rec").iterdir())

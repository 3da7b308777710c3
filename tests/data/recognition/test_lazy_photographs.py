"""Laws of crops that are decoded when asked for: the array that all of them would make."""

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from data.recognition.samples import Held, pixels, png
from hypothesis import given
from hypothesis import strategies as st

from forget.data.dataset import FaceDataset
from forget.data.recognition import crops, lazy_photographs
from forget.data.recognition.crops import load_crops, open_faces
from forget.data.recognition.labelled_faces import LabelledFaces
from forget.data.recognition.lazy_photographs import LazyPhotographs
from forget.data.recognition.record_writer import write_records
from forget.errors import ForgetError, PhotographError

COUNTS = {"anna": 2, "ben": 1, "carl": 3}
EAGER = np.stack([pixels(number, 112) for number in range(6)])


def as_folder(root: Path) -> LabelledFaces:
    number = 0
    for name, count in COUNTS.items():
        (root / name).mkdir(parents=True)
        for k in range(count):
            (root / name / f"{k}.png").write_bytes(png(number, 112))
            number += 1
    return open_faces(root)


def as_list(root: Path) -> LabelledFaces:
    faces = as_folder(root / "faces")
    lines = (f"{path}\t{label}\n" for path, label in zip(faces.paths, faces.labels, strict=True))
    (root / "list.txt").write_text("".join(lines))
    return open_faces(root / "list.txt")


def as_records(root: Path) -> LabelledFaces:
    write_records(as_folder(root / "faces"), root / "records")
    return open_faces(root / "records")


FORMATS: dict[str, Callable[[Path], LabelledFaces]] = {
    "folder": as_folder,
    "list": as_list,
    "records": as_records,
}
KEYS = {
    "first": 0,
    "last": -1,
    "number": np.int64(2),
    "number in an array": np.array(4),
    "all": slice(None),
    "none": slice(3, 3),
    "backwards": slice(None, None, -2),
    "beyond": slice(4, 99),
    "list": [3, 0, 3],
    "empty list": [],
    "array": np.array([5, -6, 1]),
    "mask": np.array([True, False, True, True, False, False]),
    "table": np.array([[0, 1], [2, 2], [5, 4]]),
}


@pytest.fixture(scope="module", params=FORMATS)
def lazy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    return LazyPhotographs(FORMATS[request.param](tmp_path_factory.mktemp("faces")), "toy")


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_an_index_names_what_it_names_in_an_array(lazy: LazyPhotographs, key: object) -> None:
    found = lazy[key]
    assert found.dtype == np.uint8 and np.array_equal(found, EAGER[key])


def test_it_looks_like_the_array(lazy: LazyPhotographs) -> None:
    assert (lazy.shape, lazy.ndim, lazy.dtype) == (EAGER.shape, EAGER.ndim, EAGER.dtype)
    assert (len(lazy), lazy.nbytes) == (len(EAGER), EAGER.nbytes)
    assert np.array_equal(np.asarray(lazy), EAGER)
    assert np.array_equal(np.asarray(lazy, np.float32), EAGER.astype(np.float32))
    for one, other in zip(lazy, EAGER, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(pickle.loads(pickle.dumps(lazy))[1:3], EAGER[1:3])


@given(
    first=st.lists(st.integers(-6, 5), max_size=8),
    data=st.data(),
)
def test_a_part_of_a_part_is_what_both_name(first: list[int], data: st.DataObject) -> None:
    source = Held(EAGER)
    part = LazyPhotographs(source).part(np.array(first, dtype=np.intp))
    expected = EAGER[np.array(first, dtype=np.intp)]
    start = data.draw(st.integers(-9, 9))
    step = data.draw(st.sampled_from([-2, -1, 1, 3]))
    again, key = part.part(slice(start, None, step)), slice(start, None, step)
    assert not source.asked and again.shape == expected[key].shape
    assert np.array_equal(part[:], expected) and np.array_equal(again[:], expected[key])


def test_only_what_is_asked_for_is_decoded_each_time_anew() -> None:
    source = Held(EAGER)
    lazy = LazyPhotographs(source)
    lazy[[4, 1]], lazy[4], lazy[2:2]
    assert source.asked == [4, 1, 4]


@pytest.mark.parametrize("key", [6, -7, [0, 6], np.array([0.5]), np.ones(5, bool), "a"], ids=str)
def test_what_is_not_there_is_an_index_error_as_of_arrays(key: object) -> None:
    for images in (EAGER, LazyPhotographs(Held(EAGER))):
        with pytest.raises(IndexError):
            images[key]


@pytest.mark.parametrize(
    "key", [(0, 1), (), ..., None, True, np.False_, np.array(True), (slice(None), 3)], ids=str
)
def test_pixels_are_not_indexed(key: object) -> None:
    lazy = LazyPhotographs(Held(EAGER))
    with pytest.raises(PhotographError, match="photographs alone"):
        lazy[key]
    with pytest.raises(PhotographError, match="photographs alone"):
        lazy.part(key)


def test_it_is_read_only_and_a_part_is_no_single_photograph() -> None:
    lazy = LazyPhotographs(Held(EAGER))
    with pytest.raises(TypeError):
        lazy[0] = EAGER[1]  # type: ignore[index]
    for key in (2, np.array([[0, 1]])):
        with pytest.raises(PhotographError, match="one axis"):
            lazy.part(key)
    with pytest.raises(PhotographError, match="copy=True"):
        np.asarray(lazy, copy=False)


def test_more_than_memory_is_refused_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Held(EAGER)
    lazy = LazyPhotographs(source, "toy")
    monkeypatch.setattr(lazy_photographs, "MOST_BYTES", 3 * 112 * 112 * 3)
    for ask in (np.asarray, lambda images: images[:], lambda images: images[[0, 0, 0, 0]]):
        with pytest.raises(PhotographError, match="of toy.*Take fewer at a time"):
            ask(lazy)
    assert not source.asked
    assert len(lazy[:3]) == len(lazy[3:]) == len(np.asarray(lazy.part([0, 2, 4]))) == 3


def test_a_crop_of_another_size_is_named_when_it_is_asked_for() -> None:
    images = SimpleNamespace(image=lambda k: EAGER[k] if k < 5 else EAGER[k, :, 16:])
    lazy = LazyPhotographs(images, "toy", np.arange(6))
    assert np.array_equal(lazy[:5], EAGER[:5])
    for ask in (lambda: lazy[3:], lambda: lazy.part([0, 5])[1], lambda: list(lazy)):
        with pytest.raises(PhotographError, match="112 x 112.*96 x 112 of image 5 in toy"):
            ask()


@pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS)
def test_many_crops_are_opened_and_few_are_decoded(
    layout: Callable[[Path], LabelledFaces], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = layout(tmp_path)
    eager = load_crops(source, "toy")
    monkeypatch.setattr(crops, "MOST", 5)
    lazy = load_crops(source, "toy")
    assert isinstance(eager.images, np.ndarray) and isinstance(lazy.images, LazyPhotographs)
    assert np.array_equal(eager.images, EAGER) and np.array_equal(lazy.images[:], EAGER)
    assert lazy.labels == eager.labels and len(lazy.identities) == 3
    for person in eager.identities:
        assert lazy.hashes_of(person) == eager.hashes_of(person)
    few = lazy.identities[::2]
    some = lazy.only(few)
    assert isinstance(some.images, LazyPhotographs) and some.labels == eager.only(few).labels
    assert np.array_equal(some.images[:], eager.only(few).images)


def test_a_data_set_decodes_nothing_of_its_own() -> None:
    source = Held(EAGER)
    faces = FaceDataset("toy", LazyPhotographs(source), tuple("abcabc"), core=("a",))
    faces.only(["b", "c"]).only(["c"])
    assert not source.asked
    with pytest.raises(ForgetError):
        FaceDataset("toy", LazyPhotographs(source), ("a",))

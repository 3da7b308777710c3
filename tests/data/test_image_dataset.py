"""What an image data set and its partitions accept, and the laws of the partitions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.data.partition import Partition, by_class, by_index, by_person, thinned
from forget.errors import ForgetError, IdentityError, PhotographError


def small(n: int = 24) -> ImageDataset:
    images = np.random.default_rng(0).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    parts = {"train": np.arange(n - 8), "test": np.arange(n - 8, n - 4)}
    return ImageDataset(
        name="small",
        images=images,
        labels=np.arange(n) % 3,
        classes=("cat", "car", "dog"),
        parts={**parts, "unseen": np.arange(n - 4, n)},
        people=tuple(f"p{i // 4}" for i in range(n)),
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.zeros((24, 4, 4), np.uint8)}, "1 or 3"),
        ({"images": np.zeros((24, 4, 4, 1), np.float32)}, "uint8"),
        ({"labels": np.zeros(5, np.int64)}, "24 labels"),
        ({"labels": np.full(24, 3)}, "labels from 0 to 2"),
        ({"people": ("a",)}, "24 people"),
        ({"hashes": ("a",)}, "24 hashes"),
        ({"parts": {"train": np.arange(3)}}, "no test"),
        ({"parts": {"train": np.arange(3), "test": np.array([24])}}, "part 'test'"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, object], words: str) -> None:
    with pytest.raises(PhotographError, match=words):
        replace(small(), **change)


@pytest.mark.parametrize(("name", "index"), [("Dog", 2), ("1", 1), (0, 0), ("do", 2)])
def test_classes_by_name_start_or_index(name: str | int, index: int) -> None:
    assert small().class_index(name) == index


@pytest.mark.parametrize("name", ["ca", "", "bird", "3", "-1"])
def test_unclear_classes_are_told(name: str) -> None:
    with pytest.raises(ForgetError, match="0 = cat, 1 = car, 2 = dog"):
        small().class_index(name)


def test_people_and_hashes() -> None:
    data = small()
    assert data.of("p1").tolist() == [4, 5, 6, 7]
    assert data.of("nobody").tolist() == []
    assert len(set(data.hashes_of([0, 1, 0]))) == 2
    assert replace(data, hashes=tuple("abcdefghijklmnopqrstuvwx")).hashes_of([2]) == ["c"]


@given(st.sets(st.integers(0, 15), min_size=1, max_size=15))
def test_forget_and_retain_divide_the_training_images(chosen: set[int]) -> None:
    split = by_index(small(), np.array(sorted(chosen)), "some")
    assert sorted([*split.forget, *split.retain]) == list(range(16))
    assert split.train.tolist() == list(range(16))
    assert set(split.forget) == chosen
    assert len(split.leaving) == len(chosen)


def test_by_class_and_by_person() -> None:
    data = small()
    split = by_class(data, ["dog", 0])
    assert set(data.labels[split.forget]) == {0, 2}
    assert set(data.labels[split.retain]) == {1}
    assert set(data.labels[split.unseen]) <= {0, 2}
    assert split.what == "all of cat and dog"
    split = by_person(data, ["p1", "p0"])
    assert split.forget.tolist() == list(range(8))
    assert split.unseen.tolist() == list(range(20, 24))


@pytest.mark.parametrize("people", [["p9"], ["p5"], ["p4", "p1"]])
def test_people_without_training_images_are_told(people: list[str]) -> None:
    with pytest.raises(IdentityError, match="training part"):
        by_person(small(), people)


def test_sets_that_overlap_or_are_empty_are_told() -> None:
    data, no = small(), np.zeros(0, np.intp)
    for sets, words in (
        ({"forget": no, "retain": np.arange(4)}, "to forget"),
        ({"forget": np.arange(4), "retain": no}, "to keep"),
        ({"forget": np.arange(4), "retain": np.arange(3, 6)}, "two sets"),
        ({"forget": np.arange(4), "retain": np.arange(4, 6), "test": np.arange(2)}, "in both"),
    ):
        whole = {"test": np.array([20]), "unseen": no, **sets}
        with pytest.raises(ForgetError, match=words):
            Partition(data, **whole, what="x")
    with pytest.raises(ForgetError, match="to keep"):
        by_class(data, [0, 1, 2])


def test_the_bundled_digits() -> None:
    data = load_images("digits")
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.images.max() == 255
    with pytest.raises(ForgetError, match="mufac, mnist, cifar10, digits"):
        load_images("faces")


def test_thinned_keeps_what_is_to_be_forgotten_and_a_share_of_the_rest() -> None:
    split = by_class(small(), ["cat"])
    for share in (0.0, 0.5, 1.0):
        one, other = thinned(split, share, 0), thinned(split, share, 1)
        assert (one.forget == split.forget).all()
        assert len(one.retain) == max(int(share * len(split.retain)), 1)
        assert np.isin(one.retain, split.retain).all()
        assert (one.data.train == one.train).all()
        assert len(one.retain) == len(other.retain)
        assert np.array_equal(one.retain, thinned(split, share, 0).retain)
    drawn = {tuple(thinned(split, 0.5, seed).retain) for seed in range(5)}
    assert len(drawn) > 1

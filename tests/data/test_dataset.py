"""Laws of FaceDataset, of the order of names and of requests for people."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forget.data.dataset import (
    FaceDataset,
    known_identities,
    natural_key,
    photograph_hash,
    places_of,
)
from forget.errors import IdentityError, PhotographError


def pixels(n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (n, 3, 2), np.uint8)


def test_natural_order_counts() -> None:
    names = ["s10", "s2", "s1", "a/10", "a/9", "S3"]
    assert sorted(names, key=natural_key) == ["a/9", "a/10", "s1", "s2", "S3", "s10"]


@given(st.lists(st.text(max_size=12)))
def test_any_names_can_be_ordered_and_the_order_is_total(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    assert ordered == sorted(reversed(names), key=natural_key)
    keys = [natural_key(name) for name in set(names)]
    assert len({str(key) for key in keys}) == len(keys)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_in_names_compare_as_numbers(a: int, b: int) -> None:
    assert (natural_key(f"s{a}") < natural_key(f"s{b}")) == (a < b)


@given(st.lists(st.sampled_from(["s1", "s2", "s10"]), min_size=1))
def test_wanted_people_come_once_in_natural_order(wanted: list[str]) -> None:
    people = known_identities(wanted, ["s10", "s2", "s1"])
    assert people == tuple(sorted(set(wanted), key=natural_key))


def test_an_unknown_person_is_answered_with_the_nearest_ids() -> None:
    with pytest.raises(IdentityError) as caught:
        known_identities(["s34", "s340"], [f"s{k:02d}" for k in range(1, 41)])
    assert "'s340'" in caught.value.got and "s34" in caught.value.remedy


def test_an_empty_request_and_a_bare_string_are_refused() -> None:
    for wanted in ([], "s1"):
        with pytest.raises(IdentityError):
            known_identities(wanted, ["s1"])
    with pytest.raises(IdentityError, match="nobody left"):
        known_identities(["s1"], [])


def test_a_data_set_knows_whose_photographs_are_where() -> None:
    faces = FaceDataset("toy", pixels(5), ("s10", "s2", "s10", "s1", "s2"), core=("s2",))
    assert faces.identities == ["s1", "s2", "s10"]
    assert faces.added == ("s1", "s10")
    assert faces.of("s10").tolist() == [0, 2]
    together = np.concatenate([faces.of(person) for person in faces.identities])
    assert sorted(together) == list(range(5))
    assert faces.hashes_of("s1") == {photograph_hash(faces.images[3])}
    with pytest.raises(IdentityError, match="Nearest ids: s"):
        faces.of("s100")


names_of_few = st.lists(st.text("ab\0é", max_size=2), max_size=30)


@given(names_of_few)
def test_places_are_those_that_a_search_finds(names: list[str]) -> None:
    places = places_of(names)
    assert list(places) == list(dict.fromkeys(names))
    for name, found in places.items():
        assert found.dtype == np.intp
        assert found.tolist() == [i for i, one in enumerate(names) if one == name]


@given(names_of_few.filter(len), st.data())
def test_a_data_set_finds_and_keeps_what_a_search_finds(
    names: list[str], data: st.DataObject
) -> None:
    images = np.arange(len(names), dtype=np.uint8)[:, None, None]
    core = tuple(data.draw(st.lists(st.sampled_from(names), unique=True)))
    faces = FaceDataset("toy", images, tuple(names), core)
    assert list(faces.added) == [one for one in faces.identities if one not in core]
    for name in faces.identities:
        assert faces.of(name).tolist() == [i for i, one in enumerate(names) if one == name]
    some = data.draw(st.lists(st.sampled_from(names), min_size=1))
    kept = [i for i, one in enumerate(names) if one in some]
    smaller = faces.only(some)
    assert smaller.images.ravel().tolist() == kept
    assert smaller.labels == tuple(names[i] for i in kept)
    assert smaller.core == tuple(one for one in core if one in some)


def test_who_is_not_there_is_not_found_whatever_is_asked() -> None:
    faces = FaceDataset("toy", pixels(2), ("a", "b"))
    for nobody in ("c", 1, ["a"], None):
        with pytest.raises(IdentityError):
            faces.of(nobody)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 3, 2)), ("a", "b")),
        (np.zeros((2, 3), np.uint8), ("a", "b")),
        (np.zeros((2, 3, 2, 1), np.uint8), ("a", "b")),
        (np.zeros((2, 3, 2, 4), np.uint8), ("a", "b")),
        (np.zeros((2, 3, 2, 3)), ("a", "b")),
        (np.zeros((2, 3, 2, 3), np.uint8), ("a",)),
        (np.zeros((2, 3, 2), np.uint8), ("a",)),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(
    images: NDArray[np.uint8], labels: tuple[str, ...]
) -> None:
    with pytest.raises(PhotographError):
        FaceDataset("toy", images, labels)


def test_photographs_may_be_in_colour() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 2, 3), np.uint8)
    faces = FaceDataset("toy", images, ("a", "b", "a", "c"), core=("a",))
    some = faces.only(["a", "c"])
    assert np.array_equal(some.images, images[[0, 2, 3]]) and some.core == ("a",)
    shape = np.array([3, 2, 3], "<i8").tobytes()
    expected = hashlib.sha256(shape + images[1].tobytes()).hexdigest()
    assert faces.hashes_of("b") == {expected}
    with pytest.raises(PhotographError, match=r"RGB, of type uint8; got shape \(2, 3\), uint8"):
        FaceDataset("toy", np.zeros((2, 3), np.uint8), ("a", "b"))


def test_people_are_found_by_parts_of_their_id_title_or_other_ids() -> None:
    faces = FaceDataset(
        "toy",
        pixels(4),
        ("s10", "s2", "s1", "Émile"),
        titles={"s10": "Ada Byron"},
        aliases={"s10": ("x7", "X8"), "s2": ("x9",), "gone": ("x1",)},
    )
    assert faces.search("") == faces.search("  ") == faces.identities
    assert faces.search("S1") == ["s1", "s10"]
    assert faces.search(" byron ") == faces.search("x8") == ["s10"]
    assert faces.search("X") == ["s2", "s10"]
    assert faces.search("ÉMI") == ["Émile"]
    assert faces.search("x1") == faces.search("gone") == []
    assert faces.only(["s10"]).search("x") == ["s10"]
    assert replace(faces, core=("s1",)).search("x") == ["s2", "s10"]


def test_core_people_must_be_there() -> None:
    with pytest.raises(IdentityError):
        FaceDataset("toy", pixels(2), ("a", "b"), core=("c",))


def test_the_hash_is_of_shape_and_pixels() -> None:
    image = pixels(1)[0]
    expected = hashlib.sha256(np.array([3, 2], "<i8").tobytes() + image.tobytes()).hexdigest()
    assert photograph_hash(image) == expected
    assert photograph_hash(np.asfortranarray(image)) == expected
    assert photograph_hash(image.reshape(2, 3)) != expected
    other = image.copy()
    other[0, 0] ^= 1
    assert photograph_hash(other) != expected

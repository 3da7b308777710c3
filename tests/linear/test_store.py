"""A store keeps the bits that were added and gives them back."""

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.data.dataset import natural_key
from forget.errors import IdentityError, StatisticsError
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics
from forget.linear.store import Chunk, FeatureStore

SPACE = Space(FINE, 3, "ab" * 32)
AIMED = Space(FINE, 3, "ab" * 32, targets=2)


def chunk(seed: int, count: int = 2) -> Chunk:
    rows = np.random.default_rng(seed).integers(-99, 99, (count, 3)).astype(np.int16)
    return Chunk(rows, tuple(f"{seed}-{i}" for i in range(count)))


def filled() -> FeatureStore:
    store = FeatureStore(SPACE)
    for seed, person in enumerate(["s10", "s2", "s1"]):
        store = store.append(person, chunk(seed))
    return store


def test_people_come_in_natural_order() -> None:
    assert filled().people == ["s1", "s2", "s10"]


def test_appending_and_dropping_leave_the_old_store_alone_and_copy_nothing() -> None:
    store = filled()
    smaller = store.drop(["s2"])
    assert store.people == ["s1", "s2", "s10"]
    assert smaller.people == ["s1", "s10"]
    assert smaller["s1"] is store["s1"]


def test_rows_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        filled()["s1"].rows[0, 0] = 1


def test_statistics_are_the_sum_over_people() -> None:
    store = filled()
    rows = np.concatenate([store[person].rows for person in store.people])
    names = [person for person in store.people for _ in store[person].rows]
    assert store.statistics() == Statistics.of(SPACE, rows, names)
    assert FeatureStore(SPACE).statistics() == Statistics.empty(SPACE)


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 7))
def test_groups_change_neither_the_sum_nor_who_is_in_it(sizes: list[int], group: int) -> None:
    store = FeatureStore.of(SPACE, ((f"s{k}", chunk(k, n)) for k, n in enumerate(sizes)))
    told: list[tuple[int, int]] = []
    whole = store.statistics()
    with patch("forget.linear.store.GROUP", group):
        found = store.sum_of(store.people, lambda done, total, note="": told.append((done, total)))
    assert found == whole and found.count == sum(sizes)
    done = [0, *(place for place, _ in told)]
    assert done[-1] == len(sizes)
    sums = [sum(sizes[start:stop]) for start, stop in pairwise(done)]
    assert all(group - 9 <= rows for rows in sums[:-1])
    assert all(rows < group + 9 for rows in sums)


def test_nobody_is_added_twice_or_found_under_another_name() -> None:
    with pytest.raises(IdentityError, match="not in the store yet"):
        filled().append("s2", chunk(9))
    with pytest.raises(IdentityError, match="Nearest ids: s1"):
        filled()["s11"]


@given(st.lists(st.sampled_from(["s1", "s2", "s10", "é"]), max_size=6))
def test_a_store_of_many_is_that_of_one_after_the_other(people: list[str]) -> None:
    pairs = [(person, chunk(seed)) for seed, person in enumerate(people)]
    if len(set(people)) < len(people):
        with pytest.raises(IdentityError, match="not in the store yet"):
            FeatureStore.of(SPACE, pairs)
        return
    store = FeatureStore(SPACE)
    for person, one in pairs:
        store = store.append(person, one)
    many = FeatureStore.of(SPACE, iter(pairs))
    assert list(many.chunks.items()) == list(store.chunks.items()) == pairs
    assert many.people == sorted(people, key=natural_key)
    with pytest.raises(TypeError):
        many.chunks["s3"] = chunk(0)  # type: ignore[index]


@pytest.mark.parametrize(
    ("space", "wrong"),
    [
        (SPACE, Chunk(np.ones((1, 4), np.int16), ("x",))),
        (SPACE, Chunk(np.ones((1, 3), np.int32), ("x",))),
        (SPACE, Chunk(np.ones((0, 3), np.int16), ())),
        (SPACE, Chunk(np.ones((1, 3), np.int16), ("x",), targets=np.ones((1, 2), np.int16))),
        (AIMED, Chunk(np.ones((1, 3), np.int16), ("x",))),
        (AIMED, Chunk(np.ones((2, 3), np.int16), ("x",), targets=np.ones((1, 2), np.int16))),
    ],
    ids=["dimension", "type", "no row", "targets where none are", "no targets", "too few targets"],
)
def test_chunks_that_do_not_fit_are_refused_among_many(space: Space, wrong: Chunk) -> None:
    with pytest.raises(StatisticsError):
        FeatureStore.of(space, [("new", wrong)])
    with pytest.raises(StatisticsError):
        FeatureStore(space).append("new", wrong)


def test_rows_of_another_dimension_are_refused() -> None:
    with pytest.raises(StatisticsError):
        filled().append("new", Chunk(np.ones((1, 4), np.int16), ("x",)))

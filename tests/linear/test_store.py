"""A store keeps the bits that were added and gives them back."""

import numpy as np
import pytest

from forget.errors import IdentityError, StatisticsError
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics
from forget.linear.store import Chunk, FeatureStore

SPACE = Space(FINE, 3, "ab" * 32)


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


def test_nobody_is_added_twice_or_found_under_another_name() -> None:
    with pytest.raises(IdentityError, match="not in the store yet"):
        filled().append("s2", chunk(9))
    with pytest.raises(IdentityError, match="Nearest ids: s1"):
        filled()["s11"]


def test_rows_of_another_dimension_are_refused() -> None:
    with pytest.raises(StatisticsError):
        filled().append("new", Chunk(np.ones((1, 4), np.int16), ("x",)))

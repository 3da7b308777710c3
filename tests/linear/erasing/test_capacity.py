"""The capacity equals its formula from rows and says what others lose."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.erasing.crowd import FACES, RIDGE, Case, check_told, crowd

from forget.errors import StatisticsError
from forget.linear.erasing.capacity import capacity
from forget.linear.erasing.eraser import orthogonal_eraser, within_whitening
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics


@pytest.mark.parametrize("d", [16, 48])
@pytest.mark.parametrize("rank", [1, 3])
def test_energy_lost_is_what_erasing_somebody_takes_from_others(d: int, rank: int) -> None:
    faces = crowd(d=d, people=60, each=10)
    w = within_whitening(faces.sums, RIDGE)
    lost = []
    for person in sorted(set(faces.names))[::6]:
        eraser = orthogonal_eraser(faces.of(person), faces.sums, rank, RIDGE)
        rest = faces.z[faces.names != person]
        before, after = rest @ w.T, eraser.apply(rest) @ w.T
        lost.append(1 - np.sum(after**2) / np.sum(before**2))
    # An estimate, from class means in the place of rows: a quarter either way is what it is for.
    assert capacity(faces.sums, rank, RIDGE).energy_lost == pytest.approx(np.mean(lost), rel=0.25)


def test_capacity_equals_the_dense_formula_from_rows() -> None:
    faces = crowd(d=40, people=60, each=6)
    w = within_whitening(faces.sums, RIDGE)
    means = np.stack([rows.mean(0) @ w.T for rows in faces.of(*sorted(set(faces.names)))])
    values = np.linalg.eigvalsh(np.cov(means.T))
    effective = values.sum() ** 2 / np.sum(values**2)
    cosines = np.empty((60, 60))
    for i, one in enumerate(means):
        for j, other in enumerate(means):
            cosines[i, j] = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    squares = cosines[~np.eye(60, dtype=bool)] ** 2
    estimate = capacity(faces.sums, 2, RIDGE, share=0.5)
    assert estimate.effective_dimension == pytest.approx(effective, rel=1e-9)
    assert estimate.energy_lost == pytest.approx(squares.mean() + 1 / 40, rel=1e-9)
    assert estimate.people == int(0.5 * effective / 2) > 0
    assert estimate.directions == 2 * estimate.people


def test_capacity_falls_with_rank_and_grows_with_dimension() -> None:
    by_rank = [capacity(crowd(d=64, people=200, each=4).sums, rank) for rank in (1, 2, 3, 6)]
    people = [one.people for one in by_rank]
    assert people == sorted(people, reverse=True)
    assert people[0] > people[-1]
    assert np.all(np.diff([one.energy_lost for one in by_rank]) > 0)
    by_dimension = [capacity(crowd(d=d, people=200, each=4).sums, 1) for d in (8, 16, 32, 64)]
    assert np.all(np.diff([one.people for one in by_dimension]) > 0)
    assert np.all(np.diff([one.effective_dimension for one in by_dimension]) > 0)


@given(st.integers(2, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**16))
@settings(max_examples=40)
def test_capacity_is_finite_and_within_its_bounds(d: int, m: int, n: int, seed: int) -> None:
    faces = crowd(d=d, people=m, each=n, seed=seed)
    for rank in (1, d):
        estimate = capacity(faces.sums, rank)
        assert np.isfinite(astuple(estimate)).all()
        assert 0 <= estimate.effective_dimension <= min(d, m - 1) + 1e-9
        assert 0 <= estimate.energy_lost <= 1
        assert 0 <= estimate.directions == rank * estimate.people <= 0.2 * d


def test_people_who_are_alike_or_absent_leave_no_capacity() -> None:
    space = Space(FINE, 3, "ab" * 32)
    rows = np.array([[300, 7, 1], [100, 3, 9]] * 3, dtype=np.int16)
    alike = Statistics.of(space, rows, ["a", "a", "b", "b", "c", "c"])
    assert capacity(alike, 1).effective_dimension == 0.0
    assert capacity(alike, 1).people == 0
    assert astuple(capacity(Statistics.empty(space))) == (0, 0, 0.0, 0.0)


BAD: dict[str, Case] = {
    "capacity rank 0": (lambda: capacity(FACES.sums, 0), StatisticsError, "1 to 16", "0"),
    "capacity rank": (lambda: capacity(FACES.sums, 17), StatisticsError, "1 to 16", "17"),
    "share": (lambda: capacity(FACES.sums, share=0.0), StatisticsError, "a share", "0.0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_what_was_expected_and_what_to_do(case: str) -> None:
    check_told(*BAD[case])

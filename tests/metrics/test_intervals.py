"""Intervals of shares: their coverage on populations of known mean, closed forms, edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from forget.errors import ForgetError
from forget.metrics.intervals import difference_interval, share_interval
from forget.metrics.verdict import Verdict, parity

SHARE = 1 - 0.05 / 8
shares = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


def people(draw: np.random.Generator, mean: float, count: int) -> np.ndarray:
    """Shares of three photographs, of people who differ."""
    rates = (
        draw.beta(1.5 * mean, 1.5 * (1 - mean), count) if 0 < mean < 1 else np.full(count, mean)
    )
    return draw.binomial(3, rates) / 3


@pytest.mark.parametrize("count", [1, 2, 5, 8, 20])
@pytest.mark.parametrize("mean", [0.02, 0.3, 0.8])
def test_like_people_are_seldom_told_apart(count: int, mean: float) -> None:
    draw, failed = np.random.default_rng(0), 0
    for _ in range(400):
        ours, others = people(draw, mean, count), people(draw, mean, 20)
        interval = difference_interval(ours, others, SHARE)
        verdict = parity(ours.mean() - others.mean(), interval, 0.1)
        failed += verdict is Verdict.FAIL
    assert failed <= 0.02 * 400


@pytest.mark.parametrize("count", [5, 8, 10, 20, 50])
def test_a_difference_is_seldom_missed_and_not_let_pass(count: int) -> None:
    draw, missed, passed = np.random.default_rng(1), 0, 0
    for _ in range(400):
        ours, others = people(draw, 0.3, count), people(draw, 0.0, 20)
        low, high = difference_interval(ours, others, SHARE)
        missed += not low <= 0.3 <= high
        passed += parity(ours.mean(), (low, high), 0.1) is Verdict.PASS
    assert passed == 0 and missed <= 0.02 * 400


@pytest.mark.parametrize(("count", "verdict"), [(3, Verdict.UNKNOWN), (60, Verdict.PASS)])
def test_nobody_who_differs_passes_once_they_are_many(count: int, verdict: Verdict) -> None:
    nobody = np.zeros(count)
    assert parity(0.0, difference_interval(nobody, nobody, SHARE), 0.1) is verdict
    interval = difference_interval(np.ones(count), np.zeros(20), SHARE)
    assert parity(1.0, interval, 0.1) is Verdict.FAIL


def test_one_person_beside_one_says_nothing() -> None:
    assert difference_interval(np.ones(1), np.zeros(1), SHARE) == (-1, 1)


@settings(max_examples=80, deadline=None)
@given(shares, shares)
def test_the_difference_lies_inside_and_turns_with_the_sides(
    ours: np.ndarray, others: np.ndarray
) -> None:
    low, high = difference_interval(ours, others)
    assert -1 <= low <= ours.mean() - others.mean() + 1e-12
    assert ours.mean() - others.mean() - 1e-12 <= high <= 1
    assert difference_interval(others, ours) == pytest.approx((-high, -low))
    wide = difference_interval(ours, others, SHARE)
    assert wide[0] <= low and high <= wide[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_of_zeros_and_ones_it_is_clopper_and_pearsons(answers: list[bool]) -> None:
    exact = binomtest(sum(answers), len(answers)).proportion_ci(0.95, "exact")
    assert share_interval(np.array(answers, float)) == pytest.approx((exact.low, exact.high))


@settings(max_examples=60, deadline=None)
@given(shares)
def test_a_mean_lies_inside_its_interval(values: np.ndarray) -> None:
    low, high = share_interval(values)
    assert 0 <= low <= values.mean() + 1e-12 and values.mean() - 1e-12 <= high <= 1


@pytest.mark.parametrize("bad", [[], [1.5], [-0.1], [np.nan], [[0.5]]])
def test_what_is_no_share_is_refused(bad: list) -> None:
    with pytest.raises(ForgetError, match="shares between 0 and 1"):
        share_interval(np.array(bad, float))
    with pytest.raises(ForgetError, match="shares between 0 and 1"):
        difference_interval(np.zeros(2), np.array(bad, float))

"""Errors of verification against loops and scikit-learn, ties and edges included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import confusion_matrix_at_thresholds, roc_curve

from forget.errors import ForgetError
from forget.metrics.detection import tpr_at
from forget.metrics.resolution import comparisons_needed, few_errors, warnings
from forget.metrics.retrieval import threshold_at
from forget.metrics.verification import (
    EqualError,
    Point,
    equal_error,
    error_curve,
    point_at,
    split_pairs,
)

# Few levels, hence many ties.
some = st.lists(st.integers(-3, 4), min_size=1, max_size=25).map(lambda one: np.array(one, float))
rates = st.sampled_from([0.01, 0.1, 0.2, 0.25, 0.29, 0.5, 2 / 3, 0.9])


@given(some, some)
def test_errors_are_counted_at_every_threshold(genuine: np.ndarray, impostor: np.ndarray) -> None:
    curve = error_curve(genuine, impostor)
    assert (np.diff(curve.thresholds) < 0).all()
    assert set(curve.thresholds[1:]) == {*genuine, *impostor}
    for i, threshold in enumerate(curve.thresholds):
        assert curve.false_matches[i] == sum(one >= threshold for one in impostor)
        assert curve.false_non_matches[i] == sum(one < threshold for one in genuine)
    assert (curve.point(0).fmr, curve.point(0).fnmr) == (0, 1)
    assert (curve.point(-1).fmr, curve.point(-1).fnmr) == (1, 0)


@given(some, some)
def test_the_curve_is_scikit_learns(genuine: np.ndarray, impostor: np.ndarray) -> None:
    curve = error_curve(genuine, impostor)
    label = np.repeat([1, 0], [len(genuine), len(impostor)])
    scores = np.concatenate([genuine, impostor])
    _, false, missed, _, thresholds = confusion_matrix_at_thresholds(label, scores)
    assert np.array_equal(curve.false_matches[1:], false)
    assert np.array_equal(curve.false_non_matches[1:], missed)
    assert np.array_equal(curve.thresholds[1:], thresholds)
    fpr, tpr, _ = roc_curve(label, scores, drop_intermediate=False)
    assert np.array_equal(curve.fmr, fpr) and np.allclose(1 - curve.fnmr, tpr)


@given(some, some, st.floats(-5, 5) | st.sampled_from([np.inf, -np.inf]))
def test_errors_at_any_threshold(
    genuine: np.ndarray, impostor: np.ndarray, threshold: float
) -> None:
    found = error_curve(genuine, impostor).at(threshold)
    wanted = ((impostor >= threshold).mean(), (genuine < threshold).mean())
    assert (found.fmr, found.fnmr) == pytest.approx(wanted)
    assert found.threshold == threshold


@given(some, some, rates)
def test_the_iso_threshold_is_the_lowest_that_keeps_the_rate(
    genuine: np.ndarray, impostor: np.ndarray, rate: float
) -> None:
    curve = error_curve(genuine, impostor)
    found = point_at(curve, rate)
    assert found.fmr <= rate + 1e-9
    assert found.fmr == pytest.approx((impostor >= found.threshold).mean())
    assert found.fnmr == pytest.approx((genuine < found.threshold).mean())
    lower = [one for one in curve.thresholds if one < found.threshold]
    assert all((impostor >= one).mean() > rate for one in lower)
    if rate * len(impostor) >= 1:
        assert found.tar == pytest.approx(tpr_at(genuine, impostor, rate))
        assert found.tar == pytest.approx((genuine > threshold_at(impostor, rate)).mean())


@given(some, some, rates)
def test_the_nearest_rate_is_public_codes(
    genuine: np.ndarray, impostor: np.ndarray, rate: float
) -> None:
    label = np.repeat([1, 0], [len(genuine), len(impostor)])
    false, true, _ = roc_curve(label, np.concatenate([genuine, impostor]), drop_intermediate=False)
    gaps = [(abs(f - rate), -t, f) for f, t in zip(false, true, strict=True)]
    _, tar, far = min(gaps)  # nearest, then the larger true rate
    found = point_at(error_curve(genuine, impostor), rate, "nearest")
    assert found.tar == pytest.approx(-tar)
    assert abs(found.fmr - rate) == pytest.approx(abs(far - rate))


def test_the_two_habits_differ_where_the_rate_falls_between_steps() -> None:
    curve = error_curve(np.array([0.9, 0.5, 0.3]), np.array([0.6, 0.4, 0.2, 0.1]))
    assert point_at(curve, 0.4) == Point(0.5, 0.25, 1 / 3)
    assert point_at(curve, 0.4, "nearest") == Point(0.3, 0.5, 0.0)
    strict = point_at(curve, 1e-6)  # below the resolution nobody may match
    assert (strict.threshold, strict.fmr, strict.tar) == (0.9, 0.0, pytest.approx(1 / 3))


@given(some, some)
def test_equal_errors_are_where_the_lines_cross(genuine: np.ndarray, impostor: np.ndarray) -> None:
    curve = error_curve(genuine, impostor)
    found = equal_error(curve)
    false, missed = curve.fmr, curve.fnmr
    # Along the polygon, by its index.
    place = np.arange(len(false))
    crossing = brentq(
        lambda t: np.interp(t, place, false) - np.interp(t, place, missed), 0, place[-1]
    )
    assert found.rate == pytest.approx(np.interp(crossing, place, false), abs=1e-9)
    assert found.threshold == pytest.approx(np.interp(crossing, place, curve.thresholds), abs=1e-9)
    gap = np.abs(false - missed)
    i = next(i for i in range(len(gap)) if gap[i] <= gap.min() + 1e-12)
    assert found.step_rate == pytest.approx((false[i] + missed[i]) / 2)
    assert found.step_threshold == curve.thresholds[i]


def test_constant_and_perfect_scores_have_defined_errors() -> None:
    constant = error_curve(np.full(4, 0.3), np.full(7, 0.3))
    above = np.nextafter(0.3, 1)
    assert equal_error(constant) == EqualError(0.5, pytest.approx(0.3), 0.5, above)
    assert point_at(constant, 0.1) == Point(above, 0.0, 1.0)
    perfect = equal_error(error_curve(np.array([0.8, 0.9]), np.array([0.1, 0.2])))
    assert (perfect.rate, perfect.step_rate, perfect.threshold) == (0, 0, 0.8)
    infinite = error_curve(np.array([np.inf]), np.array([-np.inf]))
    assert np.isfinite(infinite.thresholds).all() and equal_error(infinite).rate == 0


def test_what_has_no_value_is_refused() -> None:
    right = np.array([0.1, 0.2])
    for bad in (np.array([]), np.array([np.nan]), np.ones((2, 2))):
        with pytest.raises(ForgetError, match="numbers"):
            error_curve(bad, right)
        with pytest.raises(ForgetError, match="numbers"):
            error_curve(right, bad)
    curve = error_curve(right, right)
    for rate in (0, 1, -0.1, float("nan")):
        with pytest.raises(ForgetError, match="between 0 and 1"):
            point_at(curve, rate)
    with pytest.raises(ForgetError, match="iso"):
        point_at(curve, 0.1, "best")
    with pytest.raises(ForgetError, match="threshold"):
        curve.at(float("nan"))
    for same in ([1, 1], [False, False]):
        with pytest.raises(ForgetError, match="both kinds"):
            split_pairs(right, np.array(same))
    for same in ([1, 2], [1], [0.5, 1], ["yes", "no"], [[0, 1]]):
        with pytest.raises(ForgetError, match="a label for each pair"):
            split_pairs(right, np.array(same))


def test_the_rule_of_thirty_says_how_many_pairs_it_takes() -> None:
    for rate in (1e-6, 1e-4, 1e-3, 0.003, 0.07, 1):
        needed = comparisons_needed(rate)
        assert needed * rate >= 30 - 1e-9 > (needed - 1) * rate - 1e-9 * needed
    assert few_errors("it", 30, 1000) is None
    assert "more than 30,000 pairs" in few_errors("it", 0, 3000)
    assert few_errors("it", 1, 3000).startswith("it rests on 1 error in 3,000 pairs")
    for errors, comparisons in ((0, 0), (2, 1), (-1, 5)):
        with pytest.raises(ForgetError, match="comparison"):
            few_errors("it", errors, comparisons)
    for rate, errors in ((0, 30), (1.1, 30), (float("nan"), 30), (0.1, 0)):
        with pytest.raises(ForgetError, match="rate above 0"):
            comparisons_needed(rate, errors)


def test_thirty_errors_lie_within_thirty_per_cent_nine_times_of_ten() -> None:
    draw, rate = np.random.default_rng(0), 0.01
    seen = draw.binomial(comparisons_needed(rate), rate, size=20_000)
    assert 0.88 < (np.abs(seen / 30 - 1) <= 0.3).mean() < 0.93


def test_warnings_name_the_rates_that_rest_on_too_little() -> None:
    draw = np.random.default_rng(1)
    curve = error_curve(draw.normal(size=400), draw.normal(size=3000))
    assert warnings(curve, [0.01, 0.1]) == ()
    (few,) = warnings(curve, [1e-3])
    assert "not to be trusted with 3,000 impostor pairs: it takes 30,000." in few
    (none,) = warnings(curve, [1e-4])
    assert "cannot be told" in none and "300,000" in none
    apart = error_curve(draw.normal(9, 1, 400), draw.normal(size=3000))
    (missed,) = warnings(apart, [0.01])
    assert missed.startswith("FNMR at FMR 0.01 rests on 0 errors in 400 pairs")

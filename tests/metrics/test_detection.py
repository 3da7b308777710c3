"""Attacks' numbers against scikit-learn, closed forms and brute force, ties and edges included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import beta, mannwhitneyu

from forget.errors import ForgetError
from forget.metrics.detection import (
    auc,
    bootstrap,
    chance_half_width,
    detect,
    epsilon,
    tpr_at,
    worst_case,
)
from forget.metrics.lira import attack_pairs, likelihood_ratio, shadow_scores
from forget.metrics.signals import SIGNALS, five_features, signals
from forget.metrics.verdict import Verdict, discoveries, parity

some = st.lists(st.integers(0, 6), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(some, some)
def test_auc_is_mann_whitneys_with_ties(inside: list[int], outside: list[int]) -> None:
    a, b = np.array(inside, float), np.array(outside, float)
    wins = np.mean([(x > y) + 0.5 * (x == y) for x in a for y in b])
    assert auc(a, b) == pytest.approx(wins)
    assert auc(a, b) == pytest.approx(mannwhitneyu(a, b).statistic / (len(a) * len(b)))
    assert auc(a, b) == pytest.approx(1 - auc(b, a))


@settings(max_examples=60, deadline=None)
@given(some, some, st.sampled_from([0.05, 0.2, 0.5]))
def test_true_positives_at_a_rate_by_brute_force(
    inside: list[int], outside: list[int], rate: float
) -> None:
    a, b = np.array(inside, float), np.array(outside, float)
    found = tpr_at(a, b, rate)
    if len(b) * rate < 1:
        assert np.isnan(found)
        return
    levels = [t for t in [*b, -np.inf] if (b > t).sum() <= np.floor(rate * len(b) + 1e-9)]
    assert found == pytest.approx(max((a > t).mean() for t in levels))
    assert (b > min(levels)).mean() <= rate + 1e-9


def test_constant_scores_tell_nothing_and_numbers_must_be_numbers() -> None:
    same = np.ones(30)
    found = detect(same, same)
    assert (found.auc, found.interval, found.tpr[0.1]) == (0.5, (0.5, 0.5), 0.0)
    for bad in (np.array([]), np.array([1.0, np.nan]), np.ones((2, 2))):
        with pytest.raises(ForgetError, match="numbers"):
            detect(bad, same)
    infinite = detect(np.array([np.inf, 1.0]), np.array([-np.inf, 1.0]))
    assert infinite.auc == pytest.approx(0.875)
    assert found.scored and not infinite.scored


def test_chance_lies_inside_its_width_as_often_as_it_should() -> None:
    random, inside = np.random.default_rng(0), 0
    half = chance_half_width(80, 120)
    for _ in range(400):
        inside += abs(auc(random.normal(size=80), random.normal(size=120)) - 0.5) <= half
    assert 0.92 <= inside / 400 <= 0.98


def test_intervals_draw_whole_people() -> None:
    random = np.random.default_rng(1)
    offset = np.repeat(random.normal(size=12), 20)
    scores, others = offset + 0.01 * random.normal(size=240), random.normal(size=240)
    people = [str(i // 20) for i in range(240)]
    whole, single = (detect(scores, others, one) for one in (people, None))
    width = [one.interval[1] - one.interval[0] for one in (whole, single)]
    assert width[0] > 1.5 * width[1]
    assert whole.interval[0] <= whole.auc <= whole.interval[1]


def test_a_bootstrap_of_a_mean_has_its_textbook_width() -> None:
    values = np.random.default_rng(2).normal(size=400)
    groups = np.arange(400)
    low, high = bootstrap(np.mean, [values], [groups])
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_of_one_person_photographs_are_drawn_again() -> None:
    random = np.random.default_rng(4)
    scores, others = random.normal(1, 1, 30), random.normal(size=300)
    one = detect(scores, others, ["a"] * 30)
    each = detect(scores, others)
    assert np.diff(one.interval) == pytest.approx(np.diff(each.interval), rel=0.25)


@pytest.mark.parametrize("pairs", [3, 6, 40])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_interval_of_pairs_holds_what_it_should(pairs: int, shift: float) -> None:
    random, found = np.random.default_rng(5), []
    for _ in range(60):
        image, world = random.normal(size=20), random.normal(size=(pairs, 20))
        learned, never = image + world + random.normal(size=(2, pairs, 20))
        found.append(attack_pairs(learned + shift, never, ["a"] * 20))
    truth = np.mean([one.auc for one in found])
    assert abs(truth - 0.5) < 0.02 if shift == 0 else truth > 0.55
    inside = [one.interval[0] <= truth <= one.interval[1] for one in found]
    assert np.mean(inside) >= 0.88
    assert pairs == 3 or np.mean([np.diff(one.interval) for one in found]) < 0.5


def test_people_widen_the_interval_of_pairs_and_equal_pairs_have_none() -> None:
    random = np.random.default_rng(6)
    learned = random.normal(size=(5, 40)) + np.repeat(random.normal(0.5, 3, 8), 5)
    never = random.normal(size=(5, 40))
    eight = [str(i // 5) for i in range(40)]
    width = [np.diff(attack_pairs(learned, never, who).interval) for who in (eight, ["a"] * 40)]
    assert width[0] > width[1]
    same = attack_pairs(never, never)
    assert (same.auc, same.interval) == (0.5, (0.5, 0.5))
    for bad in (never[:2], never[0], never[:, :3]):
        with pytest.raises(ForgetError, match="pairs of worlds"):
            attack_pairs(bad, never)


def test_epsilon_is_the_closed_form() -> None:
    assert epsilon(0.5, 0.5) == 0
    assert epsilon(0.1, 0.1) == pytest.approx(np.log(9))
    assert epsilon(0.0, 0.3) == np.inf
    assert epsilon(1.0, 0.0) == 0 or epsilon(1.0, 0.0) == np.inf
    assert epsilon(0.1, 0.2) == pytest.approx(max(np.log(0.9 / 0.2), np.log(0.8 / 0.1)))


def test_the_worst_case_is_bounded_and_no_more_than_is_there() -> None:
    random = np.random.default_rng(3)
    nothing = worst_case(random.normal(size=500), random.normal(size=500))
    apart = worst_case(random.normal(5, 1, 500), random.normal(0, 1, 500))
    assert nothing < 0.4 < 3 < apart
    # 250 of 250 on the right side bound both rates at 1 - 0.025^(1/250).
    bound = beta.ppf(0.975, 1, 250)
    assert worst_case(np.full(500, 9.0), np.zeros(500)) == pytest.approx(epsilon(bound, bound))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_signals_are_their_formulas(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    log_p = log_softmax(random.normal(size=(5, classes)) * 5, axis=1)
    labels = random.integers(classes, size=5)
    found = signals(log_p, labels)
    assert tuple(found) == SIGNALS
    for i, y in enumerate(labels):
        p = np.exp(log_p[i])
        rest = [p[j] for j in range(classes) if j != y]
        assert found["loss"][i] == pytest.approx(log_p[i, y])
        assert found["confidence"][i] == pytest.approx(p.max())
        assert found["entropy"][i] == pytest.approx(sum(q * np.log(q) for q in p), abs=1e-9)
        wanted = (1 - p[y]) * np.log(p[y]) + sum(q * np.log1p(-q) for q in rest)
        assert found["modified entropy"][i] == pytest.approx(wanted, abs=1e-6)
        assert found["margin"][i] == pytest.approx(np.log(p[y]) - np.log(sum(rest)), abs=1e-6)
    assert five_features(log_p, labels).shape == (5, 5)


def test_certain_answers_have_finite_signals_and_others_are_refused() -> None:
    certain = np.where(np.eye(2) > 0, 0.0, -np.inf)
    assert np.isfinite(five_features(certain, np.array([0, 0]))).all()
    for bad, labels in (
        (np.zeros((2, 2)), [0, 1]),
        (np.full((2, 2), np.nan), [0, 1]),
        (np.zeros((2, 1)), [0, 0]),
        (np.log(np.full((2, 2), 0.5)), [0, 2]),
    ):
        with pytest.raises(ForgetError):
            signals(bad, np.array(labels))


def test_the_likelihood_ratio_finds_members_and_equal_shadows_find_nobody() -> None:
    random = np.random.default_rng(4)
    member = random.random((64, 40)) < 0.5
    difficulty = random.normal(size=40) * 5  # that a threshold on the score alone is misled by
    scores = difficulty + member * 1.5 + random.normal(size=(64, 40))
    statistic, truth = shadow_scores(scores, member)
    alone = auc(scores.ravel()[member.ravel()], scores.ravel()[~member.ravel()])
    found = auc(statistic[truth], statistic[~truth])
    assert found > 0.8 > 0.65 > alone
    same = random.normal(size=(20, 7))
    assert np.array_equal(likelihood_ratio(same[0], same, same), np.zeros(7))
    with pytest.raises(ForgetError, match="Train more"):
        likelihood_ratio(same[0], same[:1], same)
    with pytest.raises(ForgetError, match="in and out"):
        shadow_scores(scores, np.ones_like(member))


@pytest.mark.parametrize(
    ("difference", "interval", "verdict"),
    [
        (0.0, (-0.04, 0.04), Verdict.PASS),
        (0.04, (0.02, 0.05), Verdict.PASS),
        (0.2, (0.1, 0.3), Verdict.FAIL),
        (0.2, (-0.1, 0.5), Verdict.UNKNOWN),
        (0.01, (-0.1, 0.1), Verdict.UNKNOWN),
        (0.04, (0.01, 0.07), Verdict.UNKNOWN),
        (float("nan"), (0.0, 0.0), Verdict.UNKNOWN),
    ],
)
def test_a_verdict_says_only_what_is_shown(
    difference: float, interval: tuple[float, float], verdict: Verdict
) -> None:
    assert parity(difference, interval, 0.05) is verdict


def test_many_tests_are_corrected() -> None:
    p = np.random.default_rng(5).random(200)
    assert discoveries(p).sum() <= 2
    p[:10] = 1e-6
    found = discoveries(np.append(p, np.nan))
    assert found[:10].all() and found.sum() <= 13 and not found[-1]
    assert not discoveries(np.array([np.nan])).any()

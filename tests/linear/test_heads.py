"""Every head is a pure function of statistics and equals a dense twin."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from forget.errors import StatisticsError
from forget.linear.grid import FINE, Grid
from forget.linear.head_rules import HEADS, make_rule, rule_settings
from forget.linear.heads import ClassMean, HeadRule, Ridge, Wccn, head_gap
from forget.linear.linearizer.operator_ridge import OperatorRidge
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.statistics import Space, Statistics

D = 12
SPACE = Space(FINE, D, "ab" * 32, targets=8, target_grid=Grid(15, 2.0))
RULES = [Wccn(1e-3), Ridge(1e-2), ClassMean(), Sandwich(1e-2, 1e-3), OperatorRidge(1e-2, 1e-3)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)


def people(count: int = 7, each: int = 5, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(seed)
    means = random.normal(size=(count, D))
    z = np.repeat(means, each, 0) + 0.3 * random.normal(size=(count * each, D))
    rows = FINE.snap(z / np.linalg.norm(z, axis=1, keepdims=True))
    return rows, [f"p{i}" for i in range(count) for _ in range(each)]


def aims(rows: np.ndarray) -> np.ndarray:
    """Targets of rows, which only some heads read."""
    return rows[:, 2:10] // 2


def sums(rows: np.ndarray, names: list[str]) -> Statistics:
    return Statistics.of(SPACE, rows, names, aims(rows))


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def naive_wccn(z: np.ndarray, names: np.ndarray, probe: np.ndarray) -> np.ndarray:
    classes = sorted(set(names))
    centred = [z[names == c] - z[names == c].mean(0) for c in classes]
    scatter = sum(c.T @ c for c in centred) / (len(z) - len(classes))
    scatter = scatter + 1e-3 * np.eye(len(scatter))
    whiten = np.linalg.inv(np.linalg.cholesky(scatter))
    means = np.stack([z[names == c].mean(0) for c in classes])
    return unit(probe @ whiten.T) @ unit(means @ whiten.T).T


def naive_ridge(z: np.ndarray, names: np.ndarray, probe: np.ndarray) -> np.ndarray:
    targets = (names[:, None] == np.array(sorted(set(names)))).astype(float)
    return probe @ np.linalg.solve(z.T @ z + 1e-2 * np.eye(D), z.T @ targets)


def naive_mean(z: np.ndarray, names: np.ndarray, probe: np.ndarray) -> np.ndarray:
    return unit(probe) @ unit(np.stack([z[names == c].mean(0) for c in sorted(set(names))])).T


def naive_sandwich(z: np.ndarray, names: np.ndarray, probe: np.ndarray) -> np.ndarray:
    targets = SPACE.target_grid.real(aims(FINE.snap(z)))
    operator = np.linalg.solve(z.T @ z + 1e-2 * np.eye(D), z.T @ targets)
    return naive_wccn(z @ operator, names, probe @ operator)


def naive_operator_ridge(z: np.ndarray, names: np.ndarray, probe: np.ndarray) -> np.ndarray:
    aimed = SPACE.target_grid.real(aims(FINE.snap(z)))
    operator = np.linalg.solve(z.T @ z + 1e-2 * np.eye(D), z.T @ aimed)
    u, mean = z @ operator, (z @ operator).mean(0)
    targets = (names[:, None] == np.array(sorted(set(names)))).astype(float)
    share = targets.mean(0)
    gram = (u - mean).T @ (u - mean) + 1e-3 * np.eye(u.shape[1])
    return share + (probe @ operator - mean) @ np.linalg.solve(
        gram, (u - mean).T @ (targets - share)
    )


NAIVE = [naive_wccn, naive_ridge, naive_mean, naive_sandwich, naive_operator_ridge]


@pytest.mark.parametrize(
    ("rule", "naive"),
    list(zip(RULES, NAIVE, strict=True)),
    ids=lambda value: type(value).__name__,
)
def test_scores_equal_the_dense_twin(rule: HeadRule, naive: Callable[..., np.ndarray]) -> None:
    rows, names = people()
    probe = np.random.default_rng(1).normal(size=(6, D))
    head = rule(sums(rows, names))
    twin = naive(FINE.real(rows), np.array(names), probe)
    # Condition numbers here are below 1e4, so 1e-10 leaves four digits of room.
    np.testing.assert_allclose(head.scores(probe), twin, atol=1e-10)


def test_every_head_in_the_list_is_tested() -> None:
    assert {type(rule) for rule in RULES} == set(HEADS.values())


@every_rule
def test_same_sums_give_the_same_bits(rule: HeadRule) -> None:
    rows, names = people()
    everybody = sums(rows, names)
    gone = np.array([name == "p3" for name in names])
    left = [name for name in names if name != "p3"]
    subtracted = rule(everybody - sums(rows[gone], ["p3"] * int(gone.sum())))
    order = np.random.default_rng(2).permutation(len(left))
    fresh = rule(sums(rows[~gone][order], [left[i] for i in order]))
    assert head_gap(subtracted, fresh) == 0.0
    assert head_gap(rule(everybody), fresh) == float("inf")


@every_rule
def test_columns_are_classes_in_sorted_order(rule: HeadRule) -> None:
    rows, names = people(count=12)
    head = rule(sums(rows, names))
    assert head.classes == tuple(sorted(set(names)))
    own = head.scores(FINE.real(rows)).argmax(1)
    assert np.mean([head.classes[j] == name for j, name in zip(own, names, strict=True)]) > 0.9


@every_rule
@pytest.mark.parametrize(("count", "each"), [(1, 1), (1, 4), (5, 1)])
def test_few_people_and_single_photographs_work(rule: HeadRule, count: int, each: int) -> None:
    rows, names = people(count, each)
    scores = rule(sums(rows, names)).scores(FINE.real(rows))
    assert scores.shape == (count * each, count)
    assert np.isfinite(scores).all()


@every_rule
def test_nobody_enrolled_and_no_photograph_give_empty_scores(rule: HeadRule) -> None:
    head = rule(Statistics.empty(SPACE))
    assert head.scores(np.ones((3, D))).shape == (3, 0)
    rows, names = people()
    assert rule(sums(rows, names)).scores(np.ones((0, D))).shape == (0, 7)


@every_rule
def test_settings_describe_a_rule(rule: HeadRule) -> None:
    assert make_rule(rule_settings(rule)) == rule


@pytest.mark.parametrize("settings", [{}, {"head": "oracle"}, {"head": "wccn", "slope": 1}])
def test_unknown_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(StatisticsError, match="one of the heads"):
        make_rule(settings)


@pytest.mark.parametrize("rule", [Wccn, Ridge])
@pytest.mark.parametrize("ridge", [0.0, -1.0, float("nan"), "1", None])
def test_a_ridge_must_be_positive(rule: type, ridge: float) -> None:
    with pytest.raises(StatisticsError, match="above 0"):
        rule(ridge)


@pytest.mark.parametrize("rule", [Wccn, Ridge])
def test_a_ridge_that_is_lost_in_rounding_is_told(rule: type) -> None:
    draw = np.random.default_rng(0)
    rows = FINE.snap(np.repeat(draw.uniform(-1, 1, (3000, 3)), 4, axis=1))
    with pytest.raises(StatisticsError, match="larger one"):
        rule(1e-18)(Statistics.of(Space(FINE, D, "ab" * 32), rows, ["p"] * len(rows)))


def test_heads_without_numbers_do_not_agree() -> None:
    head = Wccn(1e-3)(sums(*people()))
    assert head_gap(head, head) == 0.0
    nothing = replace(head, targets=np.full_like(head.targets, np.nan))
    assert head_gap(nothing, nothing) == head_gap(nothing, head) == float("inf")

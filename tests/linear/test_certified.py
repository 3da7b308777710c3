"""Logistic heads that forget with a certificate, against dense twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from forget.errors import StatisticsError
from forget.linear.certified import GAMMA, Ledger, LogisticHeads, fit_heads

LEDGER = Ledger(1.0, 1e-4, 1.0)
RIDGE = 1e-3


def problem(n: int = 300, d: int = 6, c: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length at most 1 in some classes, and their signs."""
    random = np.random.default_rng(seed)
    labels = random.integers(c, size=n)
    rows = random.normal(size=(n, d)) + 2 * np.eye(c, d)[labels]
    rows /= np.linalg.norm(rows, axis=1).max()
    return rows, np.where(labels[:, None] == np.arange(c), 1.0, -1.0)


def objective(w: np.ndarray, b: np.ndarray, rows: np.ndarray, signs: np.ndarray) -> float:
    loss = np.log1p(np.exp(-signs * (rows @ w))).sum()
    return loss + RIDGE * len(rows) / 2 * w @ w + b @ w


def test_a_fit_is_the_minimum_of_each_head() -> None:
    rows, signs = problem()
    heads = fit_heads(rows, signs, RIDGE, LEDGER, seed=3)
    for j in range(3):
        args = (heads.noise[:, j], rows, signs[:, j])
        found = minimize(objective, np.zeros(6), args, method="BFGS", options={"gtol": 1e-8})
        assert heads.weights[:, j] == pytest.approx(found.x, abs=1e-5)
        numeric = approx_fprime(heads.weights[:, j] + 0.1, objective, 1e-7, *args)
        moved = LogisticHeads(heads.weights + 0.1, heads.noise, RIDGE, LEDGER)
        assert moved.gradient(rows, signs)[:, j] == pytest.approx(numeric, abs=1e-3)
    assert heads.ledger.spent < 1e-6


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), leaving=st.integers(1, 200))
def test_what_is_left_is_never_more_than_the_ledger_says(seed: int, leaving: int) -> None:
    rows, signs = problem(seed=seed)
    heads = fit_heads(rows, signs, RIDGE, LEDGER, seed)
    for _ in range(2):  # deletions add up
        heads = heads.remove(rows[:leaving], signs[:leaving], rows[leaving:])
        rows, signs = rows[leaving:], signs[leaving:]
        left = np.linalg.norm(heads.gradient(rows, signs))
        assert left <= heads.ledger.spent * (1 + 1e-9) + 1e-12
        leaving = min(leaving, len(rows) - 5)
    assert heads.ledger.deletions == 2


def test_a_removal_comes_far_nearer_to_the_refit_than_doing_nothing() -> None:
    rows, signs = problem(n=2000)
    before = fit_heads(rows, signs, RIDGE, LEDGER)
    after = before.remove(rows[:20], signs[:20], rows[20:])
    never = fit_heads(rows[20:], signs[20:], RIDGE, LEDGER)
    assert np.array_equal(never.noise, after.noise)
    apart = [np.linalg.norm(heads.weights - never.weights) for heads in (before, after)]
    assert apart[1] < apart[0] / 50


def test_the_budget_is_guos_and_ends() -> None:
    assert LEDGER.budget == pytest.approx(1 / np.sqrt(2 * np.log(1.5 / 1e-4)))
    spent = LEDGER.after(0.1).after(0.12)
    assert (spent.deletions, spent.spent) == (2, pytest.approx(0.22))
    assert spent.holds and not spent.after(0.1).holds
    # The steepest change of the logistic loss's second derivative, found on a grid.
    x = np.linspace(-10, 10, 200_001)
    p = 1 / (1 + np.exp(-x))
    assert np.abs(p * (1 - p) * (1 - 2 * p)).max() == pytest.approx(GAMMA, rel=1e-6)


def test_what_cannot_be_certified_is_refused() -> None:
    rows, signs = problem()
    with pytest.raises(StatisticsError, match="norm at most 1"):
        fit_heads(3 * rows, signs, RIDGE, LEDGER)
    with pytest.raises(StatisticsError, match="ridge above 0"):
        fit_heads(rows, signs, 0.0, LEDGER)
    with pytest.raises(StatisticsError, match="epsilon"):
        Ledger(0.0, 1e-4, 1.0)
    heads = fit_heads(rows, signs, RIDGE, LEDGER)
    with pytest.raises(StatisticsError, match="rows that stay"):
        heads.remove(rows, signs, rows[:0])

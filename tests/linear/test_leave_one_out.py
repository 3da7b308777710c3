"""Leave-one-out identification against a twin that fits again from nothing."""

import numpy as np

from forget.linear.grid import FINE
from forget.linear.heads import Wccn
from forget.linear.leave_one_out import leave_one_out
from forget.linear.statistics import Space, Statistics

SPACE = Space(FINE, 6, "ab" * 32)


def people() -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(3)
    z = np.repeat(random.normal(size=(5, 6)), 4, axis=0) + 0.7 * random.normal(size=(20, 6))
    rows = FINE.snap(z / np.linalg.norm(z, axis=1, keepdims=True))
    return rows, [f"p{i // 4}" for i in range(20)]


def test_each_photograph_is_judged_by_a_fit_without_it() -> None:
    rows, labels = people()
    hits = 0
    for i in range(20):
        rest = [j for j in range(20) if j != i]
        head = Wccn(1e-3)(Statistics.of(SPACE, rows[rest], [labels[j] for j in rest]))
        hits += head.classes[head.scores(FINE.real(rows[[i]])).argmax()] == labels[i]
    share = leave_one_out(Wccn(1e-3), SPACE, rows, labels)
    assert share == hits / 20
    assert 0 < share < 1


def test_a_sample_is_spread_over_everybody() -> None:
    rows, labels = people()
    steps: list[int] = []
    leave_one_out(Wccn(1e-3), SPACE, rows, labels, 7, lambda d, t, note="": steps.append(t))
    assert steps == [7] * 7


def test_only_photographs_count_as_wrong() -> None:
    rows, _ = people()
    assert leave_one_out(Wccn(1e-3), SPACE, rows[[0, 4]], ["a", "b"]) == 0.0

"""How well people are told apart, each photograph judged by a head that never saw it."""

from collections.abc import Sequence

import numpy as np

from forget.linear.grid import Rows
from forget.linear.heads import HeadRule
from forget.linear.statistics import Space, Statistics
from forget.progress import OnStep, silent

__all__ = ["leave_one_out"]


def leave_one_out(
    rule: HeadRule,
    space: Space,
    rows: Rows,
    labels: Sequence[str],
    most: int = 1000,
    on_step: OnStep = silent,
    targets: Rows | None = None,
) -> float:
    """Share of photographs, in [0, 1], whose best score is the right person's.

    For each photograph its own row is subtracted from the sums and the head is solved again.

    Arguments:
        rule: Statistics to head.
        space: Grid and feature map of the rows.
        rows: Features on the grid, (n, d).
        labels: Identity of each row, n of them.
        most: Judge at most this many photographs, spread evenly.
        on_step: Told after each photograph.
        targets: Real targets of the rows, (n, k), where the space has some.

    Returns:
        The share; a person's only photograph counts as wrong, since nobody is left to find.
    """
    everybody = Statistics.of(space, rows, labels, targets)
    judged = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))
    hits = 0
    for done, i in enumerate(judged, start=1):
        one, aim = rows[i : i + 1], None if targets is None else targets[i : i + 1]
        head = rule(everybody - Statistics.of(space, one, [labels[i]], aim))
        best = head.scores(space.grid.real(one))[0].argmax()
        hits += head.classes[best] == labels[i]
        on_step(done, len(judged))
    return hits / len(judged)

"""What the next deletions would do to those who stay, by making them on people drawn at random."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forget.data.split import Split
from forget.insiders import insiders
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.progress import OnStep, silent

__all__ = ["COUNTS", "forecast"]

COUNTS = (1, 2, 5, 10, 20, 50, 100)


def forecast(
    model: LinearModel,
    split: Split,
    rows: Rows,
    counts: Sequence[int] = COUNTS,
    draws: int = 5,
    seed: int = 0,
    on_step: OnStep = silent,
) -> pd.DataFrame:
    """Subtracts ever more people, drawn at random, and looks at everybody else.

    Each draw is an order in which people leave. The threshold stays as it is, so that a change
    is the deletions' own.

    Arguments:
        model: The model now, with its store.
        split: Held-out photographs.
        rows: Features on the grid of all photographs, (n, d).
        counts: How many leave; those that would leave fewer than two people are passed over.
        draws: How many orders.
        seed: Of the draws.
        on_step: Told of each deletion.

    Returns:
        A row per draw and count: "draw", "people" (who left), "before" and "after" (share in
        [0, 1] of the held-out photographs of those who stay that are named rightly, by the model
        now and by the one without), "score" (mean change of their score for themselves).

    Raises:
        StatisticsError: The model was saved without its store.
    """
    store, _ = model.parts()
    fixed = replace(model, fixed_threshold=model.threshold)
    possible = [count for count in counts if count <= len(model.people) - 2]
    found, done = [], 0
    for number in range(draws):
        order = np.random.default_rng([seed, number]).permutation(model.people).tolist()
        for count in possible:
            gone, stay = order[:count], order[count:]
            after = fixed.holding(model.statistics - store.sum_of(gone), gone)
            indices = split.test_of(stay)
            (was, is_now), (score, now) = zip(
                *(_seen(one, split, rows, indices) for one in (fixed, after)), strict=True
            )
            row = {"draw": number, "people": count, "before": was, "after": is_now}
            found.append(row | {"score": now - score})
            done += 1
            on_step(done, draws * len(possible), "deletions")
    return pd.DataFrame(found, columns=["draw", "people", "before", "after", "score"])


def _seen(
    model: LinearModel, split: Split, rows: Rows, indices: np.ndarray
) -> tuple[float, float]:
    """Share named rightly, and mean score for themselves."""
    seen = insiders(model, rows[indices], [split.faces.labels[i] for i in indices])
    return float(np.mean(seen.recognised)), float(np.mean(seen.own))

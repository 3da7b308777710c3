"""What a model says of somebody who left and comes back, enrolled anew."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forget.data.split import Split
from forget.linear.erasing.features import rows_in
from forget.linear.grid import Rows
from forget.linear.heads import CosineHead
from forget.linear.model import LinearModel
from forget.linear.statistics import Statistics
from forget.linear.threshold import stranger_scores, threshold_of
from forget.metrics.recognition import recognise
from forget.metrics.retrieval import search

__all__ = ["found_again", "recognised_again"]


def recognised_again(
    model: LinearModel, before: LinearModel, split: Split, people: Sequence[str], rows: Rows
) -> float:
    """Share of held-out photographs, in [0, 1], named rightly once their people are enrolled.

    Who was forgotten is like anybody whom the model never met, so enrolling makes the model
    recognise them. Of who is suppressed the features lack what the readout would name them by;
    see `found_again` for what they do not lack.

    Arguments:
        model: What forgot or suppresses them; it stays as it is.
        before: The model that knew them; the photographs that it was fitted on are enrolled.
        split: Their held-out photographs.
        people: Who comes back.
        rows: Features on the grid of all photographs, (n, d), of the map of `before`.

    Returns:
        The share; nan where they have no held-out photographs, or nobody else is there to say
        how strangers score.
    """
    store, _ = before.parts()
    space, indices = model.feature_map.space, split.test_of(people)
    sums = model.statistics
    for person in people:
        chunk = store[person]
        again = rows_in(model.feature_map, before.feature_map, chunk.rows)
        sums = sums + type(sums).of(space, again, [person] * len(again), chunk.targets)
    threshold = _threshold(model, sums)
    if not np.isfinite(threshold):
        return float("nan")
    head = model.rule(sums)
    shown = rows_in(model.feature_map, before.feature_map, rows[indices])
    scores = head.scores(model.feature_map.grid.real(shown))
    labels = [split.faces.labels[i] for i in indices]
    return recognise(scores, head.classes, labels, threshold).recognised


def found_again(
    model: LinearModel, before: LinearModel, split: Split, people: Sequence[str], rows: Rows
) -> float:
    """Share of held-out photographs, in [0, 1], most like one of the same person's, by the
    model's features alone: no readout, and no threshold that could hide anybody.

    The gallery holds all photographs that everybody who stays and these people were learned from.

    Arguments:
        model: What forgot or suppresses them.
        before: The model that knew them all, with its store.
        split: Their held-out photographs.
        people: Who comes back.
        rows: Features on the grid of all photographs, (n, d), of the map of `before`.

    Returns:
        The share; nan where they have no held-out photographs.
    """
    store, _ = before.parts()
    shown = [*model.people, *people]
    names = [person for person in shown for _ in store[person].rows]
    indices = split.test_of(people)
    probes, gallery = (
        _compared(model, rows_in(model.feature_map, before.feature_map, some))
        for some in (rows[indices], np.concatenate([store[person].rows for person in shown]))
    )
    return search(probes, [split.faces.labels[i] for i in indices], gallery, names).rank1


def _threshold(model: LinearModel, sums: Statistics) -> float:
    """That of the model; where nobody could set it, that of sums with somebody to set it by."""
    if np.isfinite(model.threshold) or model.store is None:
        return model.threshold
    return threshold_of(stranger_scores(model.rule, sums, *model.parts()))


def _compared(model: LinearModel, rows: Rows) -> NDArray[np.float64]:
    """Rows in the space where the readout takes cosines."""
    real, head = model.feature_map.grid.real(rows), model.head
    return head.whitened(real) if isinstance(head, CosineHead) else real

"""The look ahead against deletions made one by one."""

from dataclasses import replace

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import StatisticsError
from forget.forecast import forecast
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn
from forget.progress import Cancelled


def test_it_is_what_the_deletions_do(
    model: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    split = split_by_identity(orl)
    table = forecast(model, split, rows, counts=(1, 5, 38, 39), draws=2)
    assert list(table["people"]) == [1, 5, 38] * 2  # one person alone cannot be told from others
    order = np.random.default_rng([0, 1]).permutation(model.people).tolist()
    after = unlearn(model, orl, order[:5]).model
    indices = split.test_of(order[5:])
    right = {"before": 0, "after": 0}
    for when, one in (("before", model), ("after", after)):
        scores = one.score(rows[indices])
        for place, index in enumerate(indices):
            best = scores[place].argmax()
            known = scores[place, best] >= model.threshold
            right[when] += known and one.classes[best] == orl.labels[index]
    (row,) = table[(table["draw"] == 1) & (table["people"] == 5)].to_dict("records")
    assert row["before"] == pytest.approx(right["before"] / len(indices))
    assert row["after"] == pytest.approx(right["after"] / len(indices))


def test_it_can_be_stopped_and_needs_the_store(
    model: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    split, told = split_by_identity(orl), []

    def stop(done: int, total: int, note: str = "") -> None:
        told.append((done, total))
        raise Cancelled

    with pytest.raises(Cancelled):
        forecast(model, split, rows, counts=(1, 2), draws=3, on_step=stop)
    assert told == [(1, 6)]
    with pytest.raises(StatisticsError):
        forecast(replace(model, store=None), split, rows)

"""A fitted model and its threshold."""

import math

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.errors import StatisticsError
from forget.linear.archive import without_store
from forget.linear.heads import ClassMean, Ridge, Wccn
from forget.linear.model import LinearModel
from forget.linear.statistics import Statistics
from forget.methods.refit import refit


def naive_threshold(model: LinearModel) -> float:
    """Leaves each core person out by summing everybody else's rows from the start."""
    store, calibration = model.parts()
    best = []
    for person in calibration.people:
        others = [one for one in store.people if one != person]
        rows = np.concatenate([store[one].rows for one in others])
        names = [one for one in others for _ in store[one].rows]
        head = model.rule(Statistics.of(store.space, rows, names))
        features = calibration[person].rows / 2**15
        best += [max(scores) for scores in head.scores(features)]
    return float(np.percentile(best, 95))


def test_the_threshold_is_the_95th_percentile_of_left_out_core_people(model: LinearModel) -> None:
    assert model.threshold == naive_threshold(model)
    assert len(model.calibration.people) == 20


def test_the_threshold_of_what_is_left_is_that_of_a_refit(
    model: LinearModel, orl: FaceDataset
) -> None:
    for people in (["s34"], ["s05"], ["s03", "s29"]):
        store, calibration = model.parts()
        gone = [store.statistics_of(person) for person in people]
        left = model.statistics
        for one in gone:
            left = left - one
        after = model.holding(left, people)
        assert after.threshold == refit(model, orl, people).threshold == naive_threshold(after)


def test_with_nobody_to_calibrate_on_nobody_is_named(model: LinearModel, orl: FaceDataset) -> None:
    assert refit(model, orl, orl.core).threshold == math.inf


def test_columns_are_named_and_scores_finite(model: LinearModel, orl: FaceDataset) -> None:
    scores = model.predict(orl.images[:5])
    assert scores.shape == (5, 40)
    assert set(model.classes) == set(orl.identities)
    assert np.isfinite(scores).all()
    assert model.predict(orl.images[:0]).shape == (0, 40)


@pytest.mark.parametrize("rule", [Wccn(1e-3), Ridge(1e-2), ClassMean()], ids=lambda r: str(r))
def test_every_head_fits_and_recognises_enrolled_photographs(
    rule: Wccn | Ridge | ClassMean, model: LinearModel, orl: FaceDataset
) -> None:
    other = LinearModel(model.feature_map, rule, model.statistics, model.store, model.calibration)
    enrolled = np.concatenate([orl.of(person)[:7] for person in orl.identities])
    best = other.predict(orl.images[enrolled]).argmax(axis=1)
    right = [other.classes[j] == orl.labels[i] for i, j in zip(enrolled, best, strict=True)]
    assert np.mean(right) > 0.9


def test_a_model_without_store_recognises_and_does_not_forget(
    model: LinearModel, orl: FaceDataset
) -> None:
    bare = without_store(model)
    assert np.array_equal(bare.predict(orl.images[:3]), model.predict(orl.images[:3]))
    assert bare.threshold == model.threshold
    with pytest.raises(StatisticsError, match="saved without"):
        bare.parts()

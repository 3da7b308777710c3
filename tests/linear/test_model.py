"""A fitted model and its threshold."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from linear.test_fit import Means

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import StatisticsError
from forget.linear.archive import read_model, save_model, without_store
from forget.linear.feature_map import Penultimate
from forget.linear.heads import ClassMean, Ridge, Wccn
from forget.linear.model import RESERVE, LinearModel, all_rows
from forget.linear.statistics import Statistics
from forget.linear.threshold import STRANGERS, turn
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.methods.subtract import subtract


def naive_threshold(model: LinearModel) -> float:
    """Leaves each core person out by summing everybody else's rows from the start."""
    store, calibration = model.parts()
    best = []
    for person in sorted(calibration.people, key=turn)[:STRANGERS]:
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


def test_the_threshold_is_that_of_a_model_that_never_met_them(
    feature_map: Penultimate, orl: FaceDataset
) -> None:
    rows = all_rows(feature_map, orl.images)
    for core in ((), orl.identities[:30]):
        faces = replace(orl, core=core)
        split = split_by_identity(faces)
        model = LinearModel.fit(feature_map, split, Wccn(3.2e-5), rows=rows)
        assert len(model.strangers) == STRANGERS * 3
        calibrate = sorted(core or orl.identities, key=turn)[:STRANGERS]
        for people in (["s34"], calibrate[:1], calibrate[5:17], calibrate, list(core[:25])):
            if not people:
                continue
            after = subtract(model, split.forgetting(people)).model
            never = LinearModel.fit(feature_map, split.forgetting(people), model.rule, rows=rows)
            assert after.statistics.digest() == never.statistics.digest()
            assert after.strangers == never.strangers and after.threshold == never.threshold
            assert np.isfinite(after.threshold)


def test_of_very_many_people_some_are_kept_to_calibrate_on() -> None:
    names = [f"p{k % 300}" for k in range(900)]
    images = np.random.default_rng(0).integers(0, 256, (900, 8, 8), np.uint8)
    split = split_by_identity(FaceDataset("toy", images, tuple(names)))
    model = LinearModel.fit(Means(), split, ClassMean())
    assert len(model.calibration.people) == RESERVE
    gone = sorted(set(names), key=turn)[: RESERVE - STRANGERS]
    after = subtract(model, split.forgetting(gone)).model
    never = LinearModel.fit(Means(), split.forgetting(gone), ClassMean())
    assert after.threshold == never.threshold


def test_no_array_of_the_model_is_a_view_of_more_people(
    model: LinearModel, orl: FaceDataset, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "model.safetensors")
    for one in (model, read_model(tmp_path / "model.safetensors")):
        after = unlearn(one, orl, ["s34"]).model
        assert all(sums.total.base is None for sums in after.statistics.classes.values())
        for part in after.parts():
            for person in part.people:
                base = part[person].rows.base
                assert base is None or base.size == part[person].rows.size


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

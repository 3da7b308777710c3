"""What a deletion changed, told truly."""

import json

import numpy as np
import pytest

from forget.charts.people import cost_bars, face_map, others_dots
from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.effect import Effect, measure_effect
from forget.errors import StatisticsError
from forget.likeness import nearest_people
from forget.linear.erasing.features import rows_in
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn

PEOPLE = ["s34", "s22"]


@pytest.fixture(scope="module")
def effect(model: LinearModel, orl: FaceDataset, rows: np.ndarray) -> Effect:
    result = unlearn(model, orl, PEOPLE)
    split = split_by_identity(orl).forgetting(PEOPLE)
    return measure_effect(model, result.model, split, rows)


def test_every_held_out_photograph_of_the_forgotten_is_told(
    effect: Effect, model: LinearModel, orl: FaceDataset
) -> None:
    assert [s.photograph for s in effect.them] == [*orl.of("s22")[7:], *orl.of("s34")[7:]]
    for sighting in effect.them:
        scores = model.predict(orl.images[[sighting.photograph]])[0]
        best = sorted(zip(model.classes, scores, strict=True), key=lambda pair: -pair[1])[:5]
        assert [who for who, _ in sighting.before] == [who for who, _ in best]
        named = best[0][1] >= model.threshold
        assert sighting.said_before == (best[0][0] if named else None)
        assert not {who for who, _ in sighting.after} & set(PEOPLE)


def test_everybody_else_is_counted(effect: Effect, orl: FaceDataset) -> None:
    assert list(effect.others["person"]) == [p for p in orl.identities if p not in PEOPLE]
    assert set(effect.others["photographs"]) == {3}
    before, after = effect.others_recognised
    assert 0.9 < after <= 1
    assert abs(after - before) < 0.05


def test_the_report_is_json_without_the_digest_from_before(
    effect: Effect, model: LinearModel
) -> None:
    text = json.dumps(effect.to_json(), allow_nan=False)
    assert effect.proof.digest in text
    assert model.statistics.digest() not in text


def test_who_was_forgotten_may_come_back_and_who_is_suppressed_may_not(
    effect: Effect, model: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    split = split_by_identity(orl).forgetting(PEOPLE)
    result = unlearn(model, orl, PEOPLE, method="project")
    hidden = measure_effect(model, result.model, split, rows, result.guarantee)
    known = [sighting.said_before == sighting.person for sighting in effect.them]
    assert effect.again[0] == hidden.again[0] == np.mean(known)
    # With their sums added back the heads are those of the original; the threshold moved.
    assert effect.again[1] >= 0.8
    assert hidden.again[1] <= 0.2
    assert hidden.suppresses and not effect.suppresses
    assert not {s.said_after for s in hidden.them} & set(PEOPLE)
    report = json.loads(json.dumps(hidden.to_json(), allow_nan=False))
    assert report["suppressed"] == list(hidden.people) and report["proof"] is None
    assert report["guarantee"]["kind"] == "none"


def test_photographs_that_were_fitted_on_are_told_apart_from_held_out_ones(
    effect: Effect, orl: FaceDataset
) -> None:
    assert [s.photograph for s in effect.fitted] == [*orl.of("s22")[:7], *orl.of("s34")[:7]]
    assert all(s.said_before == s.person for s in effect.fitted)
    assert not {s.said_after for s in effect.fitted} & set(PEOPLE)


def test_rows_pass_through_all_erasers_and_through_nothing_else(
    model: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    once = unlearn(model, orl, PEOPLE, method="project").model
    twice = unlearn(once, orl, ["s30"], method="project").model
    through = rows_in(twice.feature_map, model.feature_map, rows)
    assert np.array_equal(through, twice.feature_map.edited(once.feature_map.edited(rows)))
    assert rows_in(model.feature_map, model.feature_map, rows) is rows
    with pytest.raises(StatisticsError, match="Compare models of the same feature map"):
        rows_in(model.feature_map, once.feature_map, rows)


def test_nearest_people_are_sorted_and_exclude_oneself(
    rows: np.ndarray, orl: FaceDataset, model: LinearModel
) -> None:
    near = nearest_people(model.feature_map.grid.real(rows), orl.labels, "s34")
    assert len(near) == 5
    assert "s34" not in {person for person, _ in near}
    scores = [score for _, score in near]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 1


def test_charts_draw_what_they_get(effect: Effect, orl: FaceDataset) -> None:
    titles = {person: orl.title(person) for person in orl.identities}
    dots = others_dots(effect.others, titles)
    assert len(dots.data[1].x) == 38
    positions = np.zeros((len(orl.labels), 2))
    stays, gone = face_map(positions, orl.labels, PEOPLE, titles).data
    assert (len(stays.x), len(gone.x)) == (380, 20)
    assert stays.marker.symbol != gone.marker.symbol
    bars = cost_bars({"a": 0.001, "b": 10.0})
    assert list(bars.data[0].text) == ["10.0 s", "1.0 ms"]

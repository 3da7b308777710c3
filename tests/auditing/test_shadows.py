"""Attacks by shadows on people whose fate is known."""

import numpy as np
import pytest
from known_fates import PEOPLE, deletion, half, keep

from forget.auditing.detectable import shadow_attack
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.metrics.detection import auc, chance_half_width


def test_exact_removal_leaves_shadows_nothing_and_keeping_leaves_everything(
    model: LinearModel, orl: FaceDataset
) -> None:
    exact = shadow_attack(model, PEOPLE, deletion(orl, "subtract"), 16)
    assert exact.auc == 0.5
    assert np.array_equal(exact.members, exact.others)
    kept = shadow_attack(model, PEOPLE, keep, 16)
    assert kept.auc >= 0.85
    some = shadow_attack(model, PEOPLE, half, 16)
    assert 0.5 < some.auc <= kept.auc
    hides = shadow_attack(model, PEOPLE, deletion(orl, "project"), 16)
    assert hides.auc > 0.75  # too little of them is a sign as well


def test_two_models_that_never_saw_somebody_are_chance(
    model: LinearModel, orl: FaceDataset
) -> None:
    store, _ = model.parts()
    others = [person for person in store.people if person not in PEOPLE]
    draw, scores = np.random.default_rng(0), []
    photographs = np.concatenate([orl.of(person) for person in PEOPLE])
    rows = model.feature_map.rows(orl.images[photographs])
    for _ in range(60):
        some = draw.choice(others, len(others) // 2, replace=False).tolist()
        never = model.holding(store.sum_of(some), [p for p in store.people if p not in some])
        scores.append(never.score(rows).max(1))
    one, other = np.concatenate(scores[:30]), np.concatenate(scores[30:])
    assert len(one) >= 500
    assert abs(auc(one, other) - 0.5) <= chance_half_width(len(one), len(other), 2.6)


def test_shadows_need_somebody_else(model: LinearModel, orl: FaceDataset) -> None:
    store, _ = model.parts()
    alone = model.holding(store.sum_of(["s34"]), [p for p in store.people if p != "s34"])
    with pytest.raises(ForgetError, match="knows somebody else"):
        shadow_attack(alone, ["s34"], deletion(orl, "subtract"), 4)

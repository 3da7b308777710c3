"""How close two models are: against libraries and loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from forget.errors import ForgetError
from forget.metrics.closeness import (
    agreement,
    divergence_js,
    gaps,
    mean_gap,
    tug_of_war,
    weight_distance,
)
from forget.metrics.report import row_of, with_intervals


def logits(seed: int, n: int = 40, c: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, c)) * 3


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 30), st.integers(2, 6))
def test_divergence_is_scipys(seed: int, n: int, c: int) -> None:
    p, q = softmax(logits(seed, n, c), 1), softmax(logits(seed + 1, n, c), 1)
    theirs = np.mean([jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)])
    assert divergence_js(p, q) == pytest.approx(theirs, abs=1e-9)
    assert divergence_js(p, q) == pytest.approx(divergence_js(q, p))
    assert 0 <= divergence_js(p, q) <= np.log(2) + 1e-12
    assert divergence_js(p, p) == 0


def test_certain_answers_that_differ_are_as_far_apart_as_can_be() -> None:
    one, other = np.eye(3)[[0, 1]], np.eye(3)[[1, 2]]
    assert divergence_js(one, other) == pytest.approx(np.log(2))
    assert agreement(one, other) == 0
    assert agreement(one, one) == 1


def test_gaps_and_their_summaries() -> None:
    ours = {"forget": 0.5, "retain": 0.9, "test": 0.8, "unseen": 0.4}
    theirs = {"forget": 0.4, "retain": 1.0, "test": 0.8, "unseen": 0.5}
    assert gaps(ours, theirs) == pytest.approx(
        {"forget": 0.1, "retain": 0.1, "test": 0.0, "unseen": 0.1}
    )
    assert mean_gap(ours, theirs) == pytest.approx(0.075)
    assert tug_of_war(ours, theirs) == pytest.approx(0.9 * 0.9)
    assert tug_of_war(theirs, theirs) == 1
    with pytest.raises(ForgetError, match="Judge both"):
        mean_gap({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ForgetError, match="forget, retain and test"):
        tug_of_war({"test": 1.0}, {"test": 1.0})


def test_what_cannot_be_compared_is_refused() -> None:
    p = softmax(logits(0), 1)
    with pytest.raises(ForgetError, match="adding up to 1"):
        divergence_js(logits(0), p)
    with pytest.raises(ForgetError, match="adding up to 1"):
        divergence_js(np.full((2, 3), np.nan), p[:2, :3])
    for other in (p[:3], p[:, :3]):
        with pytest.raises(ForgetError, match="same images"):
            agreement(p, other)
    with pytest.raises(ForgetError, match="same images"):
        agreement(p[:0], p[:0])
    with pytest.raises(ForgetError, match="same architecture"):
        weight_distance([np.zeros(3)], [np.zeros(4)])


def test_weights_are_far_by_the_length_of_their_difference() -> None:
    one, other = [np.array([3.0, 0.0]), np.array([[1.0]])], [np.array([0.0, 4.0]), np.ones((1, 1))]
    assert weight_distance(one, other) == pytest.approx(5 / np.sqrt(17))
    assert weight_distance(other, other) == 0


SETS = {
    "forget": np.arange(0, 40),
    "retain": np.arange(40, 120),
    "test": np.arange(120, 160),
    "unseen": np.arange(160, 200),
}


def test_a_row_holds_what_a_loop_finds_and_the_reference_is_at_no_distance_from_itself() -> None:
    ours, theirs = logits(0, 200), logits(1, 200)
    labels = np.random.default_rng(2).integers(5, size=200)
    row = row_of(ours, labels, SETS, theirs)
    for name, indices in SETS.items():
        right = [ours[i].argmax() == labels[i] for i in indices]
        other = [theirs[i].argmax() == labels[i] for i in indices]
        assert row[name] == pytest.approx(np.mean(right))
        assert row[f"gap {name}"] == pytest.approx(abs(np.mean(right) - np.mean(other)))
    assert row["gap"] == pytest.approx(np.mean([row[f"gap {name}"] for name in SETS]))
    assert 0 <= row["mia"] <= 1
    assert row["nomus"] == pytest.approx(0.5 * row["test"] + 0.5 * (1 - 2 * abs(row["mia"] - 0.5)))
    itself = row_of(theirs, labels, SETS, theirs)
    assert itself["gap"] == itself["mia gap"] == itself["js forget"] == 0
    assert itself["tow"] == itself["agreement test"] == 1


def test_too_few_images_or_broken_losses_leave_the_attack_out() -> None:
    labels = np.zeros(200, dtype=int)
    few = {**SETS, "forget": np.arange(5)}
    assert np.isnan(row_of(logits(0, 200), labels, few, logits(1, 200))["mia"])
    without = {name: SETS[name] for name in ("forget", "retain", "test")}
    row = row_of(logits(0, 200), labels, without, logits(1, 200))
    assert np.isnan(row["mia"]) and np.isnan(row["nomus"]) and "unseen" not in row
    other = row_of(logits(0, 200), labels, SETS, logits(1, 200), seed=3)
    assert other["mia"] != row_of(logits(0, 200), labels, SETS, logits(1, 200))["mia"]


def test_a_broken_model_is_right_nowhere() -> None:
    labels = np.zeros(200, dtype=int)
    row = row_of(np.full((200, 5), np.nan), labels, SETS, logits(1, 200))
    assert row["forget"] == row["test"] == 0
    assert np.isnan(row["js test"]) and np.isnan(row["agreement forget"]) and np.isnan(row["mia"])


def test_intervals_are_students() -> None:
    values = [0.50, 0.52, 0.54]
    table = pd.DataFrame({"method": ["a"] * 3 + ["b"], "gap": [*values, 0.1]})
    found = with_intervals(table, ["method"], ["gap"]).set_index("method")
    assert found.loc["a", "gap"] == pytest.approx(0.52)
    assert found.loc["a", "± gap"] == pytest.approx(4.3027 * 0.02 / np.sqrt(3), rel=1e-4)
    assert found.loc["a", "n"] == 3
    assert np.isnan(found.loc["b", "± gap"])

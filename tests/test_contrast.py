"""Two models against each other, counted by hand."""

import numpy as np
import pytest

from forget.contrast import contrast, stage_similarity, turned_alike
from forget.data.load import load_images
from forget.errors import ForgetError
from forget.models.classifier import build

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}


def test_answers_are_counted() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 60, 4))
    labels = random.integers(3, size=60)  # no image of the last class
    indices = np.arange(10, 50)
    found = contrast([one, other], labels, indices)
    assert found.answers.sum() == 40
    for i in range(4):
        for j in range(4):
            both = (one[indices].argmax(1) == i) & (other[indices].argmax(1) == j)
            assert found.answers[i, j] == both.sum()
    differ = [i for i in indices if one[i].argmax() != other[i].argmax()]
    assert found.differ.tolist() == differ
    assert found.accuracy.shape == (2, 4)
    assert np.isnan(found.accuracy[:, 3]).all()
    mine = indices[labels[indices] == 1]
    assert found.accuracy[0, 1] == pytest.approx((one[mine].argmax(1) == 1).mean())


def test_a_model_that_broke_answers_nothing() -> None:
    one = np.zeros((5, 3))
    broken = one.copy()
    broken[3, 0] = np.nan
    with pytest.raises(ForgetError, match="broke"):
        contrast([one, broken], np.zeros(5, np.int64), np.arange(5))


def test_a_network_sees_as_itself_and_others_differ() -> None:
    data = load_images("digits")
    one, other = build(CONFIG).eval(), build(CONFIG).eval()
    same = stage_similarity(one, one, data, data.test[:80])
    apart = stage_similarity(one, other, data, data.test[:80])
    assert same == pytest.approx([1.0] * 4)
    assert all(0 <= value < 0.999 for value in apart)
    assert not any(module._forward_hooks for module in one.modules())


def test_points_are_turned_to_lie_alike() -> None:
    random = np.random.default_rng(3)
    points = random.normal(size=(20, 2))
    turn = np.array([[0.0, -1.0], [-1.0, 0.0]])  # turned and mirrored
    found = turned_alike(5 * points @ turn + 3, points)
    wanted = points - points.mean(0)
    assert np.allclose(found, wanted / np.linalg.norm(wanted))

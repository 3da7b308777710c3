"""Accuracy and loss against a plain loop and against torch."""

import numpy as np
import pytest
import torch

from forget.metrics.accuracy import judge


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Logits of 50 images and 4 classes, of which the last never occurs."""
    random = np.random.default_rng(1)
    return random.normal(0, 3, (50, 4)), random.integers(0, 3, 50)


def test_losses_are_torchs(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = drawn
    theirs = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(labels), reduction="none"
    )
    assert judge(logits, labels).losses == pytest.approx(theirs.numpy(), abs=1e-12)


def test_accuracy_class_by_class(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = drawn
    judged = judge(logits, labels)
    hits = [int(row.argmax() == label) for row, label in zip(logits, labels, strict=True)]
    assert judged.accuracy == pytest.approx(sum(hits) / 50)
    for label in range(3):
        mine = [hit for hit, one in zip(hits, labels, strict=True) if one == label]
        assert judged.class_accuracy[label] == pytest.approx(sum(mine) / len(mine))
    assert np.isnan(judged.class_accuracy[3])


def test_large_logits_stay_finite_and_nothing_is_nan() -> None:
    judged = judge(np.array([[1e4, -1e4]], dtype=np.float32), np.array([1]))
    assert judged.loss == pytest.approx(2e4)
    empty = judge(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
    assert np.isnan(empty.loss)
    assert np.isnan(empty.accuracy)

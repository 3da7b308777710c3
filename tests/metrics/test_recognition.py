"""Scores read as decisions."""

import numpy as np

from forget.metrics.recognition import recognise


def test_decisions() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.6], [0.4, 0.3], [0.1, 0.8]])
    seen = recognise(scores, ["a", "b"], ["a", "b", "a", "a"], threshold=0.6)
    assert seen.who == ("a", "b", "a", "b")
    assert seen.known.tolist() == [True, True, False, True]
    assert seen.identified == 0.75
    assert seen.recognised == 0.5
    assert seen.named == 0.75


def test_nobody_enrolled_names_nobody() -> None:
    seen = recognise(np.zeros((2, 0)), [], ["a", "b"], threshold=0.5)
    assert seen.named == 0.0
    assert seen.identified == 0.0


def test_no_photograph_gives_no_share() -> None:
    assert np.isnan(recognise(np.zeros((0, 1)), ["a"], [], 0.5).named)

"""Folds against a double loop over pairs, scikit-learn's folds and the published recipe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from forget.errors import ForgetError
from forget.metrics.folds import (
    conservative,
    most_accurate,
    on_public_grid,
    verify_folds,
)

labelled = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({same for _, same in pairs}) == 2
)


def protocol(seed: int, folds: int = 10, each: int = 6, levels: int = 25) -> tuple:
    """Scores with ties and labels, as many of both kinds in every fold but the last."""
    draw = np.random.default_rng(seed)
    same = np.tile(np.repeat([True, False], each), folds)[: -(seed % 4) or None]
    scores = np.round((draw.normal(size=len(same)) + 1.5 * same) / 6 * levels) / levels
    return scores.clip(-1, 1), same


def accuracy(scores: np.ndarray, same: np.ndarray, threshold: float) -> float:
    return float(np.mean([(s >= threshold) == k for s, k in zip(scores, same, strict=True)]))


@pytest.mark.parametrize("seed", range(6))
def test_ten_folds_are_a_double_loop(seed: int) -> None:
    scores, same = protocol(seed)
    found = verify_folds(scores, same)
    for i, (train, test) in enumerate(KFold(10).split(scores)):
        levels = np.unique(scores[train])
        middles = (levels[1:] + levels[:-1]) / 2
        best, chosen = -1.0, None
        for threshold in [np.inf, *middles[::-1], -np.inf]:  # the first best is the strictest
            right = accuracy(scores[train], same[train], threshold)
            if right > best + 1e-12:
                best, chosen = right, threshold
        assert found.thresholds[i] == pytest.approx(chosen)
        assert found.accuracies[i] == pytest.approx(accuracy(scores[test], same[test], chosen))
        match = scores[test] >= chosen
        assert found.tar[i] == pytest.approx(match[same[test]].mean())
        assert found.far[i] == pytest.approx(match[~same[test]].mean())
    assert found.accuracy == pytest.approx(np.mean(found.accuracies))
    assert found.deviation == pytest.approx(np.std(found.accuracies))


@pytest.mark.parametrize("seed", range(6))
def test_the_public_grid_is_the_published_recipe(seed: int) -> None:
    scores, same = protocol(seed, levels=997)
    distances = 2 - 2 * scores
    found = verify_folds(scores, same, on_public_grid)
    for i, (train, test) in enumerate(KFold(10).split(scores)):
        grid = np.arange(0, 4, 0.01)
        right = [np.mean((distances[train] < t) == same[train]) for t in grid]
        chosen = grid[int(np.argmax(right))]
        wanted = np.mean((distances[test] < chosen) == same[test])
        assert found.accuracies[i] == pytest.approx(wanted)


@given(labelled)
def test_no_threshold_is_more_accurate(pairs: list[tuple[int, bool]]) -> None:
    scores, same = (np.array(one) for one in zip(*pairs, strict=True))
    scores = scores / 4
    found = most_accurate(scores[same], scores[~same])
    candidates = [*np.linspace(-1.1, 1.1, 89), np.inf, -np.inf]
    best = accuracy(scores, same, found)
    assert best == pytest.approx(max(accuracy(scores, same, one) for one in candidates))
    grid = on_public_grid(scores[same], scores[~same])
    assert accuracy(scores, same, grid) <= best + 1e-12


def test_neighbouring_floats_are_told_apart() -> None:
    low = 0.3
    high = np.nextafter(low, 1)
    threshold = most_accurate(np.array([high] * 3), np.array([low] * 3))
    assert low < threshold <= high


def test_a_grid_can_lose_what_lies_between_its_steps() -> None:
    # Squared distances 1.0020 and 1.0080 lie in one step of the grid.
    scores, same = np.tile([0.499, 0.496], 20), np.tile([True, False], 20)
    assert verify_folds(scores, same).accuracy == 1
    assert verify_folds(scores, same, on_public_grid).accuracy == 0.5


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.2]))
def test_conservative_thresholds_keep_the_rate_where_they_are_chosen(
    seed: int, rate: float
) -> None:
    scores, same = protocol(seed)
    found = verify_folds(scores, same, conservative(rate), folds=5)
    for i, (train, _) in enumerate(KFold(5).split(scores)):
        impostors = scores[train][~same[train]]
        assert (impostors >= found.thresholds[i]).mean() <= rate


def test_folds_that_tell_nothing_are_refused() -> None:
    scores, same = np.linspace(0, 1, 40), np.tile([True, False], 20)
    constant = verify_folds(np.zeros(40), same)
    assert (constant.accuracy, constant.deviation) == (0.5, 0.0)
    with pytest.raises(ForgetError, match="fold 1 of 10"):
        verify_folds(scores, np.sort(same))
    for folds in (1, 41):
        with pytest.raises(ForgetError, match="2 to 40 folds"):
            verify_folds(scores, same, folds=folds)
    with pytest.raises(ForgetError, match="both kinds"):
        verify_folds(scores, np.ones(40, bool))
    with pytest.raises(ForgetError, match="numbers"):
        verify_folds(np.array([]), np.array([], bool))

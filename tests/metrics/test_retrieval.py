"""Search, pairs and probes against loops and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from forget.errors import ForgetError
from forget.metrics.probes import PROBES, probe
from forget.metrics.retrieval import compactness, pair_scores, search, threshold_at, unit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_search_is_rank_one_and_average_precision(seed: int) -> None:
    random = np.random.default_rng(seed)
    gallery, probes = random.normal(size=(12, 4)), random.normal(size=(5, 4))
    enrolled = [f"p{i}" for i in random.integers(4, size=12)]
    people = [f"p{i}" for i in random.integers(5, size=5)]  # some are not enrolled
    found = search(probes, people, gallery, enrolled)
    for i in range(5):
        scores = unit(gallery) @ unit(probes)[i]
        right = np.array([one == people[i] for one in enrolled])
        assert found.first[i] == right[scores.argmax()]
        wanted = average_precision_score(right, scores) if right.any() else 0
        assert found.precision[i] == pytest.approx(wanted)
    assert found.rank1 == found.first.mean()


def test_a_tie_is_not_knowledge() -> None:
    gallery = np.ones((3, 2))
    found = search(np.ones((1, 2)), ["a"], gallery, ["a", "b", "c"])
    assert found.rank1 == 0
    assert found.mean_precision == pytest.approx(1 / 3)
    with pytest.raises(ForgetError, match="Enrol somebody"):
        search(np.ones((1, 2)), ["a"], np.zeros((0, 2)), [])


def test_pairs_and_thresholds_by_brute_force() -> None:
    random = np.random.default_rng(0)
    features, people = random.normal(size=(9, 3)), list("aabbbccdd")
    same, other = pair_scores(features, people)
    x = unit(features)
    loops = [[], []]
    for i in range(9):
        for j in range(i + 1, 9):
            loops[people[i] != people[j]].append(x[i] @ x[j])
    assert np.allclose(np.sort(same), np.sort(loops[0]))
    assert np.allclose(np.sort(other), np.sort(loops[1]))
    for rate in (0.1, 0.5):
        threshold = threshold_at(other, rate)
        assert (other > threshold).mean() <= rate
        lower = other[other < threshold].max(initial=-2)
        assert (other > lower).mean() > rate
    with pytest.raises(ForgetError, match="impostor pairs"):
        threshold_at(other, 1e-3)


def test_compactness_is_one_for_equal_photographs() -> None:
    features = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = compactness(features, ["a", "a", "b", "b"])
    assert found["a"] == pytest.approx(1)
    assert found["b"] == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("kind", PROBES)
def test_probes_find_what_is_there_and_nothing_where_there_is_nothing(kind: str) -> None:
    random = np.random.default_rng(1)
    others = random.normal(size=(120, 10))
    theirs = random.normal(size=(20, 10)) + 2
    assert probe(kind, theirs, others) > 0.9
    assert 0.3 < probe(kind, random.normal(size=(20, 10)), others) < 0.7
    with pytest.raises(ForgetError, match="2 photographs"):
        probe(kind, theirs[:1], others)
    assert 0 <= probe(kind, theirs[:2], others[:3]) <= 1


def test_a_ring_is_found_by_the_quadratic_probe_alone() -> None:
    random = np.random.default_rng(2)
    angle = random.random(60) * 2 * np.pi
    ring = 4 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.3 * random.normal(size=(60, 2))
    inner = random.normal(size=(120, 2))
    assert probe("quadratic", ring, inner) > 0.95
    assert probe("linear", ring, inner) < 0.75
    with pytest.raises(ForgetError, match="linear, nearest"):
        probe("cubic", ring, inner)

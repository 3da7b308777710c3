"""Templates against a loop over all of them, with every combination of the three flags."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition.templates import aggregate
from forget.errors import ForgetError

FLAGS = list(product([False, True], repeat=3))


def by_loop(
    features: np.ndarray,
    templates: np.ndarray,
    media: np.ndarray,
    mirrored: np.ndarray | None,
    scores: np.ndarray | None,
    keep_norm: bool,
) -> list[np.ndarray]:
    found = []
    for template in sorted(set(templates.tolist())):
        total = np.zeros(features.shape[1])
        for medium in set(media[templates == template].tolist()):
            rows = []
            for k in np.flatnonzero((templates == template) & (media == medium)):
                row = features[k] + (0 if mirrored is None else mirrored[k])
                row = row if keep_norm else row / np.linalg.norm(row)
                rows.append(row if scores is None else row * scores[k])
            total += sum(rows) / len(rows)
        found.append(total / np.linalg.norm(total))
    return found


groups = st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 2)), min_size=1, max_size=20)


@pytest.mark.parametrize(("flip", "keep_norm", "detector"), FLAGS)
@given(groups, st.integers(0, 99))
@settings(max_examples=15)
def test_every_flag_against_a_loop(
    flip: bool, keep_norm: bool, detector: bool, rows: list[tuple[int, int]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    templates, media = np.array(rows).T
    features, mirrored = random.normal(size=(2, len(rows), 4))
    scores = random.uniform(0.5, 1, len(rows)) if detector else None
    given_ = (features, templates, media, mirrored if flip else None, scores, keep_norm)
    found = aggregate(*given_)
    assert found.ids.tolist() == sorted(set(templates.tolist()))
    np.testing.assert_allclose(found.features, by_loop(*given_), rtol=1e-9)
    single = aggregate(features.astype(np.float32), templates, media)
    assert single.features.dtype == np.float32
    np.testing.assert_allclose(
        single.features, aggregate(features, templates, media).features, atol=1e-4
    )


def test_a_long_video_counts_as_much_as_a_photograph() -> None:
    features = np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]])
    found = aggregate(features, np.zeros(10, int), np.array([0] * 9 + [1]))
    np.testing.assert_allclose(found.features, [[0.5**0.5, 0.5**0.5]])


def test_flags_change_what_they_should() -> None:
    features, one = np.array([[3.0, 0.0], [0.0, 1.0]]), np.zeros(2, int)
    media = np.arange(2)

    def angle(**flags: object) -> float:
        x, y = aggregate(features, one, media, **flags).features[0]
        return y / x

    assert angle() == pytest.approx(1 / 3)
    assert angle(keep_norm=False) == pytest.approx(1)
    assert angle(scores=np.array([1.0, 0.5])) == pytest.approx(1 / 6)
    assert angle(mirrored=np.array([[1.0, 0.0], [0.0, 1.0]])) == pytest.approx(1 / 2)


def test_a_sum_that_vanishes_stays_nothing() -> None:
    features = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert aggregate(features, np.zeros(2, int), np.arange(2)).features.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": np.empty((0, 2)), "templates": np.empty(0, int), "media": np.empty(0, int)},
        {"features": np.ones(3)},
        {"templates": np.zeros(2, int)},
        {"media": np.zeros((3, 1), int)},
        {"mirrored": np.ones((3, 1))},
        {"scores": np.ones(1)},
        {"features": np.full((3, 2), np.nan)},
        {"scores": np.array([1, np.inf, 1])},
    ],
)
def test_arrays_that_do_not_fit_are_told(wrong: dict[str, np.ndarray]) -> None:
    fine = {
        "features": np.ones((3, 2)),
        "templates": np.zeros(3, int),
        "media": np.zeros(3, int),
    }
    aggregate(**fine)
    with pytest.raises(ForgetError, match="embeddings|finite"):
        aggregate(**fine | wrong)

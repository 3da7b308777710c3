"""LEACE leaves nothing to affine predictors and moves features least."""

import numpy as np
import pytest
from linear.erasing.crowd import FACES, Case, Crowd, check_told, crowd

from forget.errors import IdentityError, StatisticsError
from forget.linear.erasing.eraser import leace_eraser
from forget.linear.erasing.leak import exposure
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics


def concepts(faces: Crowd, people: list[str]) -> np.ndarray:
    """Centred one-hot columns (n, m): is it her, or anybody else."""
    one_hot = (faces.names[:, None] == np.array(people)).astype(np.float64)
    return one_hot - one_hot.mean(0)


def covariance(rows: np.ndarray, concept: np.ndarray) -> np.ndarray:
    return (rows - rows.mean(0)).T @ concept / len(rows)


@pytest.mark.parametrize("d", [5, 16, 40])
@pytest.mark.parametrize("m", [1, 2, 4])
def test_leace_leaves_nothing_to_affine_predictors(d: int, m: int) -> None:
    faces = crowd(d=d)
    people = sorted(set(faces.names))[:m]
    z, concept = faces.z, concepts(faces, people)
    eraser = leace_eraser(faces.sums, people)
    erased = eraser.apply(z)
    assert np.abs(covariance(z, concept)).max() > 1e-4
    assert np.abs(covariance(erased, concept)).max() < 1e-12
    inputs = np.hstack([np.ones((len(z), 1)), erased])
    # Least squares of smallest norm: erased features have lost m dimensions.
    slopes = np.linalg.lstsq(inputs, concept + 0.5, rcond=1e-9)[0]
    np.testing.assert_allclose(inputs @ slopes, 0.5, atol=1e-9)

    # The dense formula, from rows.
    s_xz, s_xx = covariance(z, concept), np.cov(z.T, bias=True)
    inner = np.linalg.solve(s_xx, s_xz)
    dense = np.eye(d) - s_xz @ np.linalg.inv(s_xz.T @ inner) @ inner.T
    np.testing.assert_allclose(eraser.matrix, dense, atol=1e-9)
    np.testing.assert_allclose(eraser.centre, z.mean(0), atol=1e-13)


@pytest.mark.parametrize("m", [1, 3])
def test_leace_moves_features_least(m: int) -> None:
    faces = crowd()
    people = sorted(set(faces.names))[:m]
    z, s_xz = faces.z, covariance(faces.z, concepts(faces, people))
    eraser = leace_eraser(faces.sums, people)

    def moved(matrix: np.ndarray) -> float:
        out = (z - z.mean(0)) @ matrix.T + z.mean(0)
        assert np.abs(matrix @ s_xz).max() < 1e-12  # a rival that erases as well
        return float(np.mean(np.sum((out - z) ** 2, axis=1)))

    q = np.linalg.qr(s_xz)[0]
    off = np.eye(16) - q @ q.T
    assert moved(eraser.matrix) < 0.99 * moved(off)  # the orthogonal projection
    random = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(20):
            rival = eraser.matrix + size * random.normal(size=(16, 16)) @ off
            assert moved(eraser.matrix) < moved(rival)


def test_leace_erases_one_of_three_thousand() -> None:
    faces = crowd(people=3000, each=3, within=2.0)
    concept = concepts(faces, ["p1234"])
    z, s_xx = faces.z, np.cov(faces.z.T, bias=True)
    s_xz = covariance(z, concept)
    values, vectors = np.linalg.eigh(s_xx)
    # The singular value that public code compares with an absolute 0.01, and then erases nothing.
    assert np.linalg.norm((vectors / np.sqrt(values)).T @ s_xz) < 0.01
    eraser = leace_eraser(faces.sums, ["p1234"])
    assert eraser.rank == 1
    left = covariance(eraser.apply(z), concept)
    assert np.abs(left).max() < 1e-9 * np.abs(s_xz).max()


def test_leace_with_features_of_lower_rank_than_dimension() -> None:
    """Six photographs in sixteen dimensions: the covariance is singular."""
    faces = crowd(people=3, each=2)
    concept = concepts(faces, ["p0000"])
    eraser = leace_eraser(faces.sums, ["p0000"])
    assert eraser.rank == 1
    assert np.abs(covariance(eraser.apply(faces.z), concept)).max() < 1e-12
    assert np.abs(eraser.matrix).max() < 10


def test_leace_has_nothing_to_erase_where_means_are_equal() -> None:
    rows = np.array([[500, 90], [500, -90], [500, 40], [500, -40]], dtype=np.int16)
    sums = Statistics.of(Space(FINE, 2, "ab" * 32), rows, ["a", "a", "b", "b"])
    eraser = leace_eraser(sums, ["a"])
    assert eraser.rank == 0
    np.testing.assert_array_equal(eraser.apply(FINE.real(rows)), FINE.real(rows))
    np.testing.assert_array_equal(exposure(eraser.directions, FINE.real(rows)), 0.0)


BAD: dict[str, Case] = {
    "unknown": (lambda: leace_eraser(FACES.sums, ["bo"]), IdentityError, "people who are", "'bo'"),
    "nobody": (lambda: leace_eraser(FACES.sums, []), IdentityError, "one person", "empty"),
    "everybody": (
        lambda: leace_eraser(FACES.sums, set(FACES.names.tolist())),
        IdentityError,
        "fewer than all 30",
        "everybody",
    ),
    "too many": (
        lambda: leace_eraser(FACES.sums, sorted(set(FACES.names.tolist()))[:16]),
        StatisticsError,
        "fewer than 16",
        "16",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_what_was_expected_and_what_to_do(case: str) -> None:
    check_told(*BAD[case])

"""Linear readouts as pure functions of statistics: same sums, same head, bit for bit."""

from dataclasses import dataclass, field, fields
from functools import cached_property
from numbers import Real
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from forget.errors import StatisticsError
from forget.linear.grid import Grid
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = [
    "ClassMean",
    "Head",
    "HeadRule",
    "Reals",
    "Ridge",
    "Wccn",
    "check_ridge",
    "gram_of",
    "head_gap",
    "ridge_factor",
    "step_of",
    "sums_of",
]

Reals = NDArray[np.float64]


class Head(Protocol):
    """Scores features against classes; `factor` and `targets` are all that it knows."""

    classes: tuple[str, ...]
    factor: Reals  # (d, d), or (0, 0) where a head has none
    targets: Reals  # (d, c)

    def scores(self, features: Reals) -> Reals:
        """Scores (n, c) of features (n, d); column j belongs to `classes[j]`."""
        ...


class HeadRule(Protocol):
    """Settings of a head; called with statistics it gives the head."""

    def __call__(self, statistics: Statistics) -> Head:
        """Gives the head of some statistics."""
        ...


def step_of(grid: Grid) -> float:
    """The real number that one grid step stands for."""
    return grid.scale / 2**grid.bits


def sums_of(statistics: Statistics) -> tuple[tuple[str, ...], Reals, Reals]:
    """Sorted classes, their counts (c,) and their sums (d, c) as real numbers."""
    classes = tuple(sorted(statistics.classes))
    step = step_of(statistics.space.grid)
    counts = np.array([statistics.classes[name].count for name in classes], dtype=np.float64)
    totals = np.zeros((statistics.space.dimension, len(classes)))
    for column, name in enumerate(classes):
        totals[:, column] = statistics.classes[name].total * step
    return classes, counts, totals


def gram_of(statistics: Statistics) -> Reals:
    """The Gram matrix (d, d) as real numbers."""
    return statistics.gram * step_of(statistics.space.grid) ** 2


def ridge_factor(statistics: Statistics, ridge: float) -> Reals:
    """The lower Cholesky factor L (d, d) of G + ridge I.

    Raises:
        StatisticsError: The ridge is lost in rounding.
    """
    with one_blas_thread():
        return _factor(gram_of(statistics), ridge)


def _factor(matrix: Reals, ridge: float) -> Reals:
    try:
        return cholesky(matrix + ridge * np.eye(len(matrix)), lower=True)
    except np.linalg.LinAlgError as error:
        largest = float(np.abs(matrix).max(initial=0.0))
        raise StatisticsError(
            f"a ridge that counts beside numbers of {largest:.1e}",
            f"{ridge:g}",
            "Choose a larger one.",
        ) from error


def _unit_rows(values: Reals) -> Reals:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(norms, np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class CosineHead:
    """Cosine between whitened features and whitened class means; scores in [-1, 1]."""

    classes: tuple[str, ...]
    factor: Reals = field(repr=False)
    targets: Reals = field(repr=False)

    def whitened(self, rows: Reals) -> Reals:
        """Rows (n, d) in the space where cosines are taken."""
        if not self.factor.size:
            return rows
        with one_blas_thread():
            return solve_triangular(self.factor, rows.T, lower=True).T

    @cached_property
    def _means(self) -> Reals:
        return _unit_rows(self.whitened(self.targets.T))

    def scores(self, features: Reals) -> Reals:
        """Cosines (n, c) of features (n, d) with every class."""
        whitened, means = _unit_rows(self.whitened(features)), self._means
        with one_blas_thread():
            return whitened @ means.T


@dataclass(frozen=True, eq=False)
class RidgeHead:
    """Least-squares scores; the solution W is never formed."""

    classes: tuple[str, ...]
    factor: Reals = field(repr=False)
    targets: Reals = field(repr=False)

    def scores(self, features: Reals) -> Reals:
        """Scores (n, c) of features (n, d): about 1 for the class a feature belongs to."""
        with one_blas_thread():
            return cho_solve((self.factor, True), features.T).T @ self.targets


@dataclass(frozen=True)
class ClassMean:
    r"""Nearest class mean by cosine.

    .. math:: score(z, c) = \cos(z, s_c / n_c)
    """

    def __call__(self, statistics: Statistics) -> CosineHead:
        """Gives the head of some statistics."""
        classes, counts, totals = sums_of(statistics)
        return CosineHead(classes, np.zeros((0, 0)), totals / counts)


@dataclass(frozen=True)
class Wccn:
    r"""Within-class covariance normalisation, then class means by cosine.

    .. math:: S_w = \frac{G - \sum_c s_c s_c^T / n_c}{N - C} + ridge \cdot I = L L^T, \quad
              score(z, c) = \cos(L^{-1} z, L^{-1} s_c / n_c)

    References:
        | Within-class covariance normalization for SVM-based speaker recognition
          (Hatch, Kajarekar and Stolcke, 2006)

    Arguments:
        ridge: Added to the diagonal; absolute and fixed, so that it does not know who is enrolled.

    Raises:
        StatisticsError: `ridge` is not positive.
    """

    ridge: float

    def __post_init__(self) -> None:
        check_ridge(self.ridge)

    def __call__(self, statistics: Statistics) -> CosineHead:
        """Gives the head of some statistics."""
        classes, counts, totals = sums_of(statistics)
        with one_blas_thread():
            scatter = gram_of(statistics) - (totals / counts) @ totals.T
            spare = max(statistics.count - len(classes), 1)  # 0 with one row a class
            factor = _factor(scatter / spare, self.ridge)
        return CosineHead(classes, factor, totals / counts)


@dataclass(frozen=True)
class Ridge:
    r"""Ridge regression onto one-hot targets.

    .. math:: L L^T = G + ridge \cdot I, \quad scores(z) = (L^{-T} L^{-1} z)^T C

    Arguments:
        ridge: Added to the diagonal; absolute and fixed.

    Raises:
        StatisticsError: `ridge` is not positive.
    """

    ridge: float

    def __post_init__(self) -> None:
        check_ridge(self.ridge)

    def __call__(self, statistics: Statistics) -> RidgeHead:
        """Gives the head of some statistics."""
        classes, _, totals = sums_of(statistics)
        return RidgeHead(classes, ridge_factor(statistics, self.ridge), totals)


def head_gap(one: Head, other: Head) -> float:
    """Largest absolute difference between two heads' numbers.

    It is inf if their classes differ, or if a difference is no number.
    """
    if type(one) is not type(other) or one.classes != other.classes:
        return float("inf")
    names = [part.name for part in fields(one) if part.name != "classes"]  # type: ignore[arg-type]
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    if any(a.shape != b.shape for a, b in pairs):
        return float("inf")
    gap = float(np.max([np.abs(a - b).max(initial=0.0) for a, b in pairs]))
    return float("inf") if np.isnan(gap) else gap


def check_ridge(ridge: float) -> None:
    """Refuses a ridge that is not above 0."""
    if not (isinstance(ridge, Real) and np.isfinite(ridge) and ridge > 0):
        raise StatisticsError("a ridge above 0", repr(ridge), "Small values such as 1e-3 will do.")

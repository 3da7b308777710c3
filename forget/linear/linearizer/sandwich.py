"""The readout of a Linearizer: its operator and its gallery, solved from one set of sums."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, cholesky

from forget.errors import StatisticsError
from forget.linear.heads import (
    CosineHead,
    Reals,
    check_ridge,
    gram_of,
    ridge_factor,
    step_of,
    sums_of,
)
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = ["OperatorHead", "Sandwich", "solve_operator"]


@dataclass(frozen=True, eq=False)
class OperatorHead:
    """Cosine between what an operator makes of features and of class means, after whitening."""

    classes: tuple[str, ...]
    factor: Reals = field(repr=False)  # (k, k)
    targets: Reals = field(repr=False)  # (k, c)
    operator: Reals = field(repr=False)  # A, (k, d)

    @cached_property
    def _gallery(self) -> CosineHead:
        return CosineHead(self.classes, self.factor, self.targets)

    def apply(self, features: Reals) -> Reals:
        """A z, (n, k), of features (n, d)."""
        with one_blas_thread():
            return features @ self.operator.T

    def whitened(self, features: Reals) -> Reals:
        """Features (n, d) in the space where cosines are taken, (n, k)."""
        return self._gallery.whitened(self.apply(features))

    def scores(self, features: Reals) -> Reals:
        """Cosines (n, c) of features (n, d) with every class."""
        return self._gallery.scores(self.apply(features))


@dataclass(frozen=True)
class Sandwich:
    r"""The operator of a Linearizer, solved, and a gallery of class means behind it.

    .. math:: A = C^T (G + ridge \cdot I)^{-1}, \quad
              score(z, c) = \cos(L^{-1} A z, L^{-1} A s_c / n_c), \quad
              L L^T = A S_w A^T + within \cdot I

    The mean of A z over a class is A times the mean of z, so the gallery needs no sums of its own:
    operator and gallery are one function of the same sums.

    References:
        | Linearizer (Berman, Hallak and Shocher, 2025); the gallery lives in the vector space
        | that g_y induces, where the cosine is that of the induced inner product.

    Arguments:
        ridge: Added to the diagonal of G; absolute and fixed.
        within: Added to the diagonal of the within-class covariance of A z; absolute and fixed.

    Raises:
        StatisticsError: One of them is not positive.
    """

    ridge: float
    within: float

    def __post_init__(self) -> None:
        check_ridge(self.ridge)
        check_ridge(self.within)

    def __call__(self, statistics: Statistics) -> OperatorHead:
        """Gives the head of some statistics.

        Raises:
            StatisticsError: The statistics have no targets.
        """
        gram, operator = solve_operator(statistics, self.ridge)
        classes, counts, totals = sums_of(statistics)
        with one_blas_thread():
            means = operator @ (totals / counts)
            scatter = gram - (totals / counts) @ totals.T
            spare = max(statistics.count - len(classes), 1)
            inside = operator @ (scatter / spare) @ operator.T
            inside = (inside + inside.T) / 2 + self.within * np.eye(len(inside))
            return OperatorHead(classes, cholesky(inside, lower=True), means, operator)


def solve_operator(statistics: Statistics, ridge: float) -> tuple[Reals, Reals]:
    r"""The Gram matrix G (d, d) as real numbers, and A = C^T (G + ridge I)^{-1}, (k, d).

    Raises:
        StatisticsError: The statistics have no targets.
    """
    if not statistics.space.targets:
        raise StatisticsError(
            "statistics with targets", "none", "Choose another head for this feature map."
        )
    step = step_of(statistics.space.grid) * step_of(statistics.space.target_grid)
    factor = ridge_factor(statistics, ridge)
    with one_blas_thread():
        return gram_of(statistics), cho_solve((factor, True), statistics.cross * step).T

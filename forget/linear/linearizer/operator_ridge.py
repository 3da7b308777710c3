"""Classes read from what the operator of a Linearizer makes of features, by least squares."""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_solve, cholesky

from forget.linear.heads import Reals, check_ridge, sums_of
from forget.linear.linearizer.sandwich import solve_operator
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = ["OperatorRidge", "OperatorRidgeHead"]


@dataclass(frozen=True, eq=False)
class OperatorRidgeHead:
    """Least-squares scores of what an operator makes of features, about 1 for the right class."""

    classes: tuple[str, ...]
    factor: Reals = field(repr=False)  # (k, k)
    targets: Reals = field(repr=False)  # (k, c)
    operator: Reals = field(repr=False)  # A, (k, d)
    mean: Reals = field(repr=False)  # of A z, (k,)
    share: Reals = field(repr=False)  # of each class, (c,)

    def apply(self, features: Reals) -> Reals:
        """A z, (n, k), of features (n, d)."""
        with one_blas_thread():
            return features @ self.operator.T

    def scores(self, features: Reals) -> Reals:
        """Scores (n, c) of features (n, d)."""
        moved = self.apply(features) - self.mean
        with one_blas_thread():
            return cho_solve((self.factor, True), moved.T).T @ self.targets + self.share


@dataclass(frozen=True)
class OperatorRidge:
    r"""The operator of a Linearizer, solved, and ridge regression with an offset behind it.

    .. math:: A = C^T (G + ridge \cdot I)^{-1}, \quad u = A (z - \bar z), \quad
              score(z, c) = n_c / N + u^T (A G_0 A^T + readout \cdot I)^{-1} A (s_c - n_c \bar z)

    with G_0 the Gram matrix about the mean. As with `Sandwich`, everything is a function of the
    same sums; this one suits few large classes, where the share of each one matters.

    Arguments:
        ridge: Added to the diagonal of G; absolute and fixed.
        readout: Added to the diagonal of the Gram matrix of A z; absolute and fixed.

    Raises:
        StatisticsError: One of them is not positive.
    """

    ridge: float
    readout: float

    def __post_init__(self) -> None:
        check_ridge(self.ridge)
        check_ridge(self.readout)

    def __call__(self, statistics: Statistics) -> OperatorRidgeHead:
        """Gives the head of some statistics.

        Raises:
            StatisticsError: The statistics have no targets.
        """
        classes, counts, totals = sums_of(statistics)
        n = max(counts.sum(), 1.0)
        gram, operator = solve_operator(statistics, self.ridge)
        mean = totals.sum(1) / n
        with one_blas_thread():
            spread = operator @ (gram - n * np.outer(mean, mean)) @ operator.T
            spread = (spread + spread.T) / 2 + self.readout * np.eye(len(spread))
            targets = operator @ (totals - np.outer(mean, counts))
            factor = cholesky(spread, lower=True)
            return OperatorRidgeHead(
                classes, factor, targets, operator, operator @ mean, counts / n
            )

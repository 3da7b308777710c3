"""The displacement of a network's weights, solved from sums over its projected gradients."""

from dataclasses import dataclass, field

from scipy.linalg import cho_solve

from forget.errors import StatisticsError
from forget.linear.heads import Reals, check_ridge, ridge_factor, step_of
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = ["Displacement", "DisplacementHead", "newton_step"]


@dataclass(frozen=True, eq=False)
class DisplacementHead:
    """What a displacement adds to the outputs that rows are gradients of."""

    classes: tuple[str, ...]
    theta: Reals = field(repr=False)  # (d, k)

    def scores(self, features: Reals) -> Reals:
        """Changes (n, k) of the outputs with gradients (n, d)."""
        with one_blas_thread():
            return features @ self.theta


@dataclass(frozen=True)
class Displacement:
    r"""Ridge regression of what the outputs lack onto their gradients.

    .. math:: \theta = (G + ridge \cdot I)^{-1} C = \arg\min_\theta \;
              \sum_i (t_i - g_i^T \theta)^2 + ridge \, |\theta|^2

    References:
        | Mixed-Privacy Forgetting in Deep Networks (Golatkar et al., 2021), section 3.2

    Arguments:
        ridge: Added to the diagonal; absolute and fixed.

    Raises:
        StatisticsError: `ridge` is not positive.
    """

    ridge: float

    def __post_init__(self) -> None:
        check_ridge(self.ridge)

    def __call__(self, statistics: Statistics) -> DisplacementHead:
        """Gives the displacement of some statistics.

        Raises:
            StatisticsError: The statistics have no targets.
        """
        space = statistics.space
        if not space.targets:
            raise StatisticsError("statistics with targets", "none", "Choose another head.")
        cross = statistics.cross * (step_of(space.grid) * step_of(space.target_grid))
        factor = ridge_factor(statistics, self.ridge)
        with one_blas_thread():
            theta = cho_solve((factor, True), cross)
        return DisplacementHead(tuple(sorted(statistics.classes)), theta)


def newton_step(
    head: DisplacementHead, left: Statistics, rows: Reals, lacking: Reals, ridge: float
) -> Reals:
    r"""The displacement after one Newton step away from some rows, (d, k).

    .. math:: \theta_- = \theta + H_r^{-1} \sum_{i \in F} g_i (g_i^T \theta - t_i), \quad
              H_r = G_r + ridge \cdot I

    For a quadratic loss the step lands on the minimiser over the rows that are left, so it is
    what `Displacement` solves from their sums; a check on both.

    Arguments:
        head: The displacement that was fitted with the rows.
        left: The sums without them.
        rows: Their gradients, (m, d).
        lacking: Their targets t, (m, k).
        ridge: That of the fit.
    """
    residual, factor = head.scores(rows) - lacking, ridge_factor(left, ridge)
    with one_blas_thread():
        return head.theta + cho_solve((factor, True), rows.T @ residual)

"""How many people can be erased before others suffer, estimated from sums over everybody."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from forget.errors import StatisticsError
from forget.linear.erasing.eraser import EPS, RANK, RIDGE, TINY, check_rank
from forget.linear.heads import Wccn
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = ["Capacity", "capacity"]


@dataclass(frozen=True)
class Capacity:
    """How many people can be erased before others suffer, estimated before anything is run.

    Arguments:
        people: Whole people within the budget, people * rank <= share * effective dimension. The
            share 0.2 is a rule of thumb: in a measurement on synthetic people 256 whitened
            dimensions bore 100 erased directions without loss, and not 200.
        directions: What they take, people * rank.
        effective_dimension: Dimensions in which people differ, at most d and at most their number
            less one: participation ratio (sum of eigenvalues)^2 / sum of squares, of the whitened
            scatter of class means (Gao et al., 2017: A theory of multineuronal dimensionality).
        energy_lost: Share, in [0, 1], of another person's squared whitened length that erasing
            one person takes: mean squared cosine of two people's whitened means for the first
            direction, 1/d for each further one, as whitened variation prefers none. Far above
            rank / effective dimension, it says that all people share a common part.
    """

    people: int
    directions: int
    effective_dimension: float
    energy_lost: float


def capacity(
    statistics: Statistics, rank: int = RANK, ridge: float = RIDGE, share: float = 0.2
) -> Capacity:
    """Estimates from the sums over everybody how many people can be erased; see `Capacity`.

    Raises:
        StatisticsError: Rank, ridge or share (of the effective dimension) out of range.
    """
    dimension = statistics.space.dimension
    check_rank(rank, dimension)
    if not 0 < share <= 1:
        raise StatisticsError("a share above 0, at most 1", f"{share}", "0.2 is the rule.")
    head = Wccn(ridge)(statistics)
    if len(head.classes) < 2:
        return Capacity(0, 0, 0.0, 0.0)
    counts = np.array([statistics.classes[name].count for name in head.classes])
    with one_blas_thread():
        means = solve_triangular(head.factor, head.targets, lower=True)  # (d, c)
        spread = (means - means @ counts[:, None] / counts.sum()) * np.sqrt(counts)
        scatter = spread @ spread.T
        lengths = np.linalg.norm(means, axis=0)
        units = means / np.maximum(lengths, TINY)
        # || U U^T || = || U^T U ||: all pairs' cosines, from a (d, d) matrix.
        cosines = np.sum((units @ units.T) ** 2) - np.count_nonzero(lengths)
    total = np.trace(scatter)
    differ = total > EPS * dimension * (counts @ lengths**2)  # by more than rounding
    effective = float(total**2 / np.sum(scatter**2)) if differ else 0.0
    people = int(share * effective / rank + 1e-9)  # 5.999... people are 6
    lost = max(float(cosines) / (len(counts) * (len(counts) - 1)), 0.0) + (rank - 1) / dimension
    return Capacity(people, people * rank, effective, min(lost, 1.0))

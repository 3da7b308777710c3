"""What an edited matrix tells about those it was edited for, and whom that betrays."""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import svd

from forget.errors import StatisticsError
from forget.linear.erasing.eraser import EPS, TINY, Reals, features
from forget.runtime import one_blas_thread

__all__ = ["Leak", "eraser_leak", "exposure"]


@dataclass(frozen=True, eq=False)
class Leak:
    """What an edited matrix tells about those it was edited for.

    Arguments:
        smallest: Smallest singular value.
        gap: Largest ratio of neighbouring singular values: at least 1, some tens or hundreds
            where nothing was erased, above 1e9 where something was.
        directions: Right singular vectors below the gap, (d, k), orthonormal, in feature space.
    """

    smallest: float
    gap: float
    directions: Reals = field(repr=False)


def eraser_leak(matrix: Reals) -> Leak:
    """Finds the directions that a matrix (m, d) was edited to send to 0.

    Raises:
        StatisticsError: Fewer rows than columns, fewer than 2 columns, or values not finite.
    """
    real = features(matrix)
    if not 2 <= real.shape[1] <= len(real):
        raise StatisticsError(
            "a matrix of at least 2 columns and as many rows",
            f"{real.shape}",
            "A wide matrix has a null space anyway; if outputs were erased, pass the transpose.",
        )
    with one_blas_thread():
        _, values, right = svd(real, full_matrices=False)
    # Lifted to where rounding begins, or ratios of mere noise would count as gaps.
    lifted = np.maximum(values, max(values[0] * EPS * len(real), TINY))
    ratios = lifted[:-1] / lifted[1:]
    cut = int(ratios.argmax())
    return Leak(float(values[-1]), float(ratios[cut]), right[cut + 1 :].T)


def exposure(directions: Reals, rows: Reals) -> Reals:
    """Whom directions betray: cosine, in [0, 1], of each row (n, d) with their span, (n,).

    Arguments:
        directions: Orthonormal (d, k), of an `Eraser` or a `Leak`.
        rows: Features or templates.
    """
    real = features(rows, len(directions))
    lengths = np.maximum(np.linalg.norm(real, axis=1), TINY)
    return np.minimum(np.linalg.norm(real @ directions, axis=1) / lengths, 1.0)

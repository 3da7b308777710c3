"""Edits one matrix of a network so that it no longer answers to people's directions."""

from forget.linear.erasing.eraser import RANK, PeopleRows, Reals, features, orthogonal_eraser
from forget.runtime import one_blas_thread

__all__ = ["svd_update"]


def svd_update(operator: Reals, rows: PeopleRows, rank: int = RANK) -> Reals:
    r"""Takes people's directions out of an operator (m, d) by an update of low rank.

    .. math:: A' = A (I - Q Q^T) = A - U \Sigma (Q V)^T, \quad A Q = U \Sigma V^T

    What is subtracted is what A itself does to the directions: of all operators that send them to
    0, A' is the nearest to A in Frobenius norm, and off them it equals A. Arguments and errors
    are those of `orthogonal_eraser`; a StatisticsError if A does not take such features.
    """
    eraser = orthogonal_eraser(rows, None, rank)
    real = features(operator, len(eraser.read))
    with one_blas_thread():
        return real - (real @ eraser.removed) @ eraser.read.T

r"""Erasers: maps of features that take out the few directions that a person lives in.

What the literature calls in-place editing, offered for comparison. Its guarantee is always "none":
answers are suppressed, nothing is unlearned. And **an eraser is a template of the person**: the
null vectors of an edited matrix are the erased person's directions, and one singular value
decomposition reads them back (`forget.linear.erasing.leak`). Whoever holds the edited matrix holds
the person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, qr, solve, solve_triangular, svd

from forget.data.dataset import known_identities
from forget.errors import IdentityError, StatisticsError
from forget.linear.heads import Wccn
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = [
    "EPS",
    "RANK",
    "RIDGE",
    "TINY",
    "Eraser",
    "PeopleRows",
    "Reals",
    "check_rank",
    "features",
    "identity_basis",
    "leace_eraser",
    "orthogonal_eraser",
    "within_whitening",
]

Reals = NDArray[np.float64]
PeopleRows = Reals | Sequence[Reals]  # one person's features (n, d), or such of each person

RANK = 3  # a person's mean alone leaves poses and lights behind that still tell who it is
RIDGE = 1e-4  # small beside 1/d, the variance of one coordinate of unit-norm features
EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Eraser:
    r"""Takes out what features have along some directions, measured from a centre.

    .. math:: z' = z - U V^T (z - \mu), \quad V^T U = I

    Arguments:
        kind: "orthogonal" (U = V), "whitened" or "leace" (orthogonal in the whitened space).
        centre: mu, the feature that stays where it is, (d,).
        removed: U, (d, k): its span is taken out, hence revealed.
        read: V, (d, k): how much of it a feature has.
    """

    kind: str
    centre: Reals = field(repr=False)
    removed: Reals = field(repr=False)
    read: Reals = field(repr=False)

    @property
    def rank(self) -> int:
        """Directions that are taken out, k."""
        return self.removed.shape[1]

    @property
    def matrix(self) -> Reals:
        """The linear part E = I - U V^T, (d, d), for features as columns."""
        return np.eye(len(self.removed)) - self.removed @ self.read.T

    @cached_property
    def directions(self) -> Reals:
        """What it reveals about the erased: orthonormal columns in feature space, (d, k)."""
        with one_blas_thread():
            return qr(self.removed, mode="economic")[0]

    def apply(self, rows: Reals) -> Reals:
        """Features (n, d) without the directions; StatisticsError if their shape is another."""
        real = features(rows, len(self.removed))
        with one_blas_thread():
            return real - ((real - self.centre) @ self.read) @ self.removed.T


def within_whitening(statistics: Statistics, ridge: float = RIDGE) -> Reals:
    r"""The W, (d, d), after which photographs of one person vary alike in all directions.

    .. math:: W S_w W^T = I, \quad S_w = (G - \sum_c s_c s_c^T / n_c) / (N - C) + ridge \cdot I

    W is the inverse Cholesky factor. The symmetric root differs from it by a rotation, which
    cancels in an eraser.
    """
    factor = Wccn(ridge)(statistics).factor
    with one_blas_thread():
        return solve_triangular(factor, np.eye(len(factor)), lower=True)


def identity_basis(rows: PeopleRows, rank: int = RANK, whitener: Reals | None = None) -> Reals:
    """Directions that people live in: leading right singular vectors of their features.

    Uncentred on purpose: less the person's mean, rows hold only how photographs of one person
    differ, and without that a person is recognised more easily, not less.

    Arguments:
        rows: Features of one person (n, d), or a sequence of such, one for each person.
        rank: Directions a person; fewer for somebody with fewer independent photographs.
        whitener: Invertible (d, d) that features are multiplied by first.

    Returns:
        Orthonormal columns (d, r), in the whitened space if there is one; of one person in order
        of strength.

    Raises:
        IdentityError: Nobody's rows.
        StatisticsError: Rows, rank or whitener that do not fit.
    """
    each = [rows] if isinstance(rows, np.ndarray) and rows.ndim == 2 else list(rows)
    if not each:
        raise IdentityError("rows of at least one person", "of nobody", "Choose somebody.")
    dimension = features(each[0]).shape[1]
    people = [features(one, dimension) for one in each]
    if not all(one.any() for one in people):
        raise StatisticsError("rows of each person", "none, or all 0", "Leave this person out.")
    check_rank(rank, dimension)
    whitener = np.eye(dimension) if whitener is None else features(whitener, dimension)
    with one_blas_thread():
        spans = [_leading(whitener @ one.T, rank) for one in people]
        return spans[0] if len(spans) == 1 else _leading(np.hstack(spans), dimension)


def orthogonal_eraser(
    rows: PeopleRows, statistics: Statistics | None, rank: int = RANK, ridge: float = RIDGE
) -> Eraser:
    r"""Projects onto the complement of what people's photographs span.

    .. math:: E = W^{-1} (I - Q Q^T) W, \quad Q = orth(W Z^T)

    Arguments:
        rows: Features of one person (n, d), or a sequence of such, one for each person.
        statistics: The sums that give W, the whitening within classes, which spares what tells
            others apart; None for W = I. Features stay in the space that they were in.
        rank: Directions a person.
        ridge: Of the whitening; that of the model's head, if it has one.

    Raises:
        IdentityError: Nobody's rows.
        StatisticsError: Rows, rank or ridge that do not fit, or no direction would be left.
    """
    whitener = None if statistics is None else within_whitening(statistics, ridge)
    basis = identity_basis(rows, rank, whitener)
    _check_left(basis.shape[1], len(basis))
    if whitener is None:
        return Eraser("orthogonal", np.zeros(len(basis)), basis, basis)
    with one_blas_thread():
        return Eraser("whitened", np.zeros(len(basis)), solve(whitener, basis), whitener.T @ basis)


def leace_eraser(statistics: Statistics, people: Iterable[str]) -> Eraser:
    r"""Least-squares concept erasure: no affine predictor tells the people from the rest any more.

    .. math:: E = I - S_{xz} (S_{xz}^T S_{xx}^{-1} S_{xz})^{-1} S_{xz}^T S_{xx}^{-1}

    about the mean, with one concept, so one column, for each person: "is it her or anybody else".
    Of all affine maps without covariance with the concepts it moves features least, in mean
    square. This holds for the rows that were summed; other photographs and quadratic predictors
    may still tell. Computed as U = S^{1/2} Q, V = S^{-1/2} Q, Q = orth(S^{-1/2} S_xz).

    References:
        | LEACE: Perfect linear concept erasure in closed form (Belrose et al., 2023)

    Arguments:
        statistics: Sums over everybody; the people are still in them.
        people: Identity ids to erase.

    Raises:
        IdentityError: Nobody, somebody unknown, or everybody.
        StatisticsError: No direction would be left.
    """
    names = known_identities(people, statistics.classes)
    if len(names) == len(statistics.classes):
        raise IdentityError(
            f"fewer than all {len(names)} people", "everybody", "Leave somebody to tell them from."
        )
    step = statistics.space.grid.scale / 2**statistics.space.grid.bits
    mean = sum(sums.total for sums in statistics.classes.values()) * (step / statistics.count)
    moment = statistics.gram * (step**2 / statistics.count)
    # S_xz without the share of the person in all rows: with it, one person of thousands is as
    # small as what a fixed tolerance takes for rounding, and nothing would be erased.
    parts = [statistics.classes[name] for name in names]
    shifts = np.stack([sums.total * (step / sums.count) - mean for sums in parts], axis=1)
    size = float(np.trace(moment))
    shifts = shifts[:, np.linalg.norm(shifts, axis=0) > EPS * len(mean) * np.sqrt(size)]
    with one_blas_thread():
        values, vectors = eigh(moment - np.outer(mean, mean))
        real = values > EPS * len(mean) * size
        scales, vectors = np.sqrt(values[real]), vectors[:, real]
        basis = _leading((vectors / scales).T @ shifts, len(names))
        _check_left(basis.shape[1], len(scales))
        return Eraser("leace", mean, (vectors * scales) @ basis, (vectors / scales) @ basis)


def features(rows: Reals, dimension: int | None = None) -> Reals:
    """Features (n, d) as float64; StatisticsError if shape or values cannot be features."""
    real = np.asarray(rows, dtype=np.float64)
    if real.ndim != 2 or dimension not in (None, real.shape[1]) or not np.isfinite(real).all():
        raise StatisticsError(
            f"finite numbers of shape (n, {dimension or 'd'})",
            f"shape {real.shape}, {np.count_nonzero(~np.isfinite(real))} not finite",
            "Use features of one feature map.",
        )
    return real


def _leading(columns: Reals, rank: int) -> Reals:
    """Orthonormal basis (d, r) of the leading part of a span, less what is rounding."""
    left, values, _ = svd(columns, full_matrices=False)
    rounding = EPS * max(columns.shape) * values[:1]
    return left[:, :rank][:, values[:rank] > rounding]


def check_rank(rank: int, dimension: int) -> None:
    """Raises StatisticsError for more directions than there are, or none."""
    if not 1 <= rank <= dimension:
        raise StatisticsError(
            f"1 to {dimension} directions a person", f"{rank}", f"{RANK} is the default."
        )


def _check_left(rank: int, dimension: int) -> None:
    if rank >= dimension:
        raise StatisticsError(
            f"fewer than {dimension} directions to erase",
            f"{rank}, after which everybody is alike",
            "Erase fewer people, or fewer directions of each.",
        )

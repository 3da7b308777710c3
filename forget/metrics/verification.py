"""Errors of verification: whom a similarity lets pass wrongly, and whom it turns away."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError
from forget.metrics.detection import checked_scores

__all__ = [
    "Curve",
    "EqualError",
    "Point",
    "Way",
    "equal_error",
    "error_curve",
    "point_at",
    "split_pairs",
]

Counts = NDArray[np.int64]
Reals = NDArray[np.float64]
Way = Literal["iso", "nearest"]


@dataclass(frozen=True)
class Point:
    """What one threshold does; two photographs match if their score reaches it.

    Arguments:
        threshold: A score.
        fmr: False match rate, the share of impostor pairs that match, in [0, 1].
        fnmr: False non-match rate, the share of genuine pairs that do not, in [0, 1].
    """

    threshold: float
    fmr: float
    fnmr: float

    @property
    def tar(self) -> float:
        """True accept rate, 1 - FNMR: that of the model alone, every face being found."""
        return 1 - self.fnmr


@dataclass(frozen=True, eq=False)
class Curve:
    """Errors at every threshold that makes a difference, from the strictest to the laxest.

    The first threshold lies just above all scores, so that nobody matches; the others are the
    distinct scores, k - 1 of them. Errors are counts, hence exact.

    Arguments:
        thresholds: Falling, (k,).
        false_matches: Impostor pairs that reach each, (k,), from 0 to `impostor`.
        false_non_matches: Genuine pairs that do not, (k,), from `genuine` to 0.
        genuine: Number of pairs of one person.
        impostor: Number of pairs of two people.
    """

    thresholds: Reals = field(repr=False)
    false_matches: Counts = field(repr=False)
    false_non_matches: Counts = field(repr=False)
    genuine: int
    impostor: int

    @property
    def fmr(self) -> Reals:
        """False match rates, in [0, 1], (k,)."""
        return self.false_matches / self.impostor

    @property
    def fnmr(self) -> Reals:
        """False non-match rates, in [0, 1], (k,)."""
        return self.false_non_matches / self.genuine

    def at(self, threshold: float) -> Point:
        """The errors at any threshold, such as one that was chosen on another model.

        Raises:
            ForgetError: A threshold that is no number.
        """
        if np.isnan(threshold):
            raise ForgetError("a threshold", "nan", "Choose one, for example by point_at.")
        reached = len(self.thresholds) - np.searchsorted(self.thresholds[::-1], threshold)
        there = self.point(max(int(reached) - 1, 0))
        return Point(float(threshold), there.fmr, there.fnmr)

    def point(self, i: int) -> Point:
        """The errors at the i-th threshold."""
        return Point(
            float(self.thresholds[i]),
            float(self.false_matches[i] / self.impostor),
            float(self.false_non_matches[i] / self.genuine),
        )


@dataclass(frozen=True)
class EqualError:
    """Where both error rates are the same.

    The rates are steps, and two steps seldom meet. `rate` is where straight lines between
    neighbouring thresholds meet, which is also where the curve of true against false matches
    crosses the diagonal. `step_rate` is the mean of both rates at the one threshold where they
    differ least, the stricter one of two; ties among scores make it differ from `rate`.

    Arguments:
        rate: In [0, 1].
        threshold: A score, by the same straight line.
        step_rate: In [0, 1].
        step_threshold: A score.
    """

    rate: float
    threshold: float
    step_rate: float
    step_threshold: float


def split_pairs(
    scores: NDArray[np.floating], same: NDArray[np.bool_] | NDArray[np.integer]
) -> tuple[Reals, Reals]:
    """Scores of genuine pairs (g,) and of impostor pairs (i,).

    Arguments:
        scores: Similarity of each pair, (p,); higher means alike.
        same: Whether it is one person, (p,), as truth values or as 0 and 1.

    Raises:
        ForgetError: No pair of a kind, a score that is no number, or labels that do not fit.
    """
    found, labels = checked_scores(scores), np.asarray(same)
    if labels.shape != found.shape or not np.isin(labels, (0, 1)).all():
        raise ForgetError(
            "a label for each pair, true or false",
            f"{len(found)} scores and labels of shape {labels.shape} and type {labels.dtype}",
            "Say of each pair whether it shows one person.",
        )
    one = labels.astype(bool)
    if one.all() or not one.any():
        raise ForgetError(
            "pairs of one person and pairs of two people",
            f"{int(one.sum())} and {int((~one).sum())}",
            "Take more pairs: without both kinds no error rate can be told.",
        )
    return found[one], found[~one]


def error_curve(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> Curve:
    """Counts both errors at every threshold.

    Constant scores give a curve of two points. Memory is about 50 bytes a pair.

    References:
        | ISO/IEC 19795-1:2021, Biometric performance testing and reporting: a pair matches if its
        | score is at least the threshold

    Arguments:
        genuine: Similarity of pairs of one person, (g,); higher means alike.
        impostor: The same of pairs of two people, (i,).

    Raises:
        ForgetError: No pair of a kind, or a score that is no number.
    """
    alike, others = (np.sort(checked_scores(one)) for one in (genuine, impostor))
    distinct = np.unique(np.concatenate([alike, others]))[::-1]
    thresholds = np.concatenate([[np.nextafter(distinct[0], np.inf)], distinct])
    return Curve(
        thresholds,
        len(others) - np.searchsorted(others, thresholds),
        np.searchsorted(alike, thresholds),
        len(alike),
        len(others),
    )


def point_at(curve: Curve, fmr: float, way: Way = "iso") -> Point:
    """The threshold for a false match rate; there are two habits, and a number needs its label.

    "iso": the lowest threshold at which no more than this share of impostor pairs match, so the
    rate that was asked for is kept. Fewer impostor pairs than 1 / rate leave none that may match.

    "nearest": the rate that is nearest, and of equally near ones the larger, as the public
    evaluation of IJB-B and IJB-C does. It may exceed what was asked for, and then looks better.
    Public code picks among the corners of scikit-learn's `roc_curve`, which by default leaves
    points out; this one picks among all.

    References:
        | ISO/IEC 19795-1:2021, FNMR at FMR
        | IARPA Janus Benchmark - C: Face Dataset and Protocol (Maze et al., 2018), TAR at FAR

    Arguments:
        curve: Of a model.
        fmr: The rate that is asked for, in (0, 1).
        way: Which habit.

    Raises:
        ForgetError: A rate out of range, or no such way.
    """
    if not 0 < fmr < 1:
        raise ForgetError("a rate between 0 and 1", f"{fmr}", "Ask for one such as 1e-3.")
    if way == "iso":
        allowed = np.floor(fmr * curve.impostor + 1e-9)  # 0.29 * 100 is below 29
        return curve.point(int(np.searchsorted(curve.false_matches, allowed, side="right")) - 1)
    if way == "nearest":
        gaps = np.abs(curve.fmr - fmr)
        return curve.point(len(gaps) - 1 - int(np.argmin(gaps[::-1])))
    raise ForgetError('"iso" or "nearest"', repr(way), "Choose one of them.")


def equal_error(curve: Curve) -> EqualError:
    """The equal error rate, between thresholds and at one; see :class:`EqualError`.

    Constant scores have 0.5 in both.
    """
    # Multiplied out to integers, so that equal rates are equal.
    surplus = curve.false_matches * curve.genuine - curve.false_non_matches * curve.impostor
    after = int(np.searchsorted(surplus, 0))  # the first where FMR >= FNMR, at least 1
    strict, lax = curve.point(after - 1), curve.point(after)
    share = float(surplus[after - 1] / (surplus[after - 1] - surplus[after]))
    step = curve.point(int(np.argmin(np.abs(surplus))))
    return EqualError(
        strict.fmr + share * (lax.fmr - strict.fmr),
        strict.threshold + share * (lax.threshold - strict.threshold),
        (step.fmr + step.fnmr) / 2,
        step.threshold,
    )

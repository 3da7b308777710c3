"""Verification by folds: a threshold is chosen on some pairs and judged on others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError
from forget.metrics.verification import error_curve, point_at, split_pairs

__all__ = ["Choice", "Folds", "conservative", "most_accurate", "on_public_grid", "verify_folds"]

Reals = NDArray[np.float64]
Choice = Callable[[Reals, Reals], float]  # scores of genuine and impostor pairs to a threshold

# Squared distances 0, 0.01, ... 3.99 of unit vectors, as cosines. Public code lets a pair match
# if its distance is below the threshold, here a score that equals the threshold matches too.
PUBLIC_GRID = np.nextafter(1 - np.arange(0, 4, 0.01) / 2, np.inf)


@dataclass(frozen=True, eq=False)
class Folds:
    """How each fold was judged with the threshold that the other folds chose.

    Arguments:
        thresholds: Scores, (k,); inf where nobody was to match, -inf where everybody was.
        accuracies: Share of pairs of the fold told rightly, in [0, 1], (k,).
        tar: Share of its genuine pairs that match, in [0, 1], (k,).
        far: Share of its impostor pairs that match, in [0, 1], (k,).
    """

    thresholds: Reals
    accuracies: Reals
    tar: Reals
    far: Reals

    @property
    def accuracy(self) -> float:
        """Mean over the folds, in [0, 1]."""
        return float(self.accuracies.mean())

    @property
    def deviation(self) -> float:
        """Of the accuracy over the folds: of the population, divided by k, as is the habit."""
        return float(self.accuracies.std())


def verify_folds(
    scores: NDArray[np.floating],
    same: NDArray[np.bool_] | NDArray[np.integer],
    choose: Choice | None = None,
    folds: int = 10,
) -> Folds:
    """Judges each fold of pairs with a threshold chosen on all the others.

    Folds are pairs in a row, in the order of the list, which is never shuffled: lists such as
    those of LFW, CFP and AgeDB are ordered by fold, and people of one fold are in no other. Where
    the number of pairs is no multiple the first folds have one more.

    References:
        | Labeled Faces in the Wild: A Database for Studying Face Recognition in Unconstrained
        | Environments (Huang et al., 2007)

    Arguments:
        scores: Similarity of each pair, (p,).
        same: Whether it is one person, (p,).
        choose: Chooses the threshold; :func:`most_accurate` by default.
        folds: Number k.

    Raises:
        ForgetError: Fewer than 2 folds, or one without pairs of both kinds.
    """
    choose = choose or most_accurate
    genuine, impostor = split_pairs(scores, same)
    kind = np.asarray(same).astype(bool)
    if not 2 <= folds <= len(kind):
        raise ForgetError(
            f"2 to {len(kind)} folds, as many as there are pairs",
            f"{folds}",
            "Take fewer folds, or more pairs.",
        )
    parts = np.array_split(np.arange(len(kind)), folds)
    fold = np.repeat(np.arange(folds), [len(part) for part in parts])
    of_genuine, of_impostor = fold[kind], fold[~kind]
    rows = np.empty((folds, 4))
    for i in range(folds):
        own, other = genuine[of_genuine == i], impostor[of_impostor == i]
        if not len(own) or not len(other):
            raise ForgetError(
                "pairs of one person and of two people in each fold",
                f"{len(own)} and {len(other)} in fold {i + 1} of {folds}",
                "Order the list by fold, or take fewer folds.",
            )
        threshold = choose(genuine[of_genuine != i], impostor[of_impostor != i])
        match, wrong = int((own >= threshold).sum()), int((other >= threshold).sum())
        right = (match + len(other) - wrong) / len(parts[i])
        rows[i] = threshold, right, match / len(own), wrong / len(other)
    return Folds(*rows.T.copy())


def most_accurate(genuine: Reals, impostor: Reals) -> float:
    """The threshold that tells most pairs rightly, of all there are; of equals the strictest.

    It lies midway between two neighbouring scores; inf if nobody should match, -inf if everybody.
    Public code (facenet, InsightFace) tries 400 squared distances in steps of 0.01 instead, see
    :func:`on_public_grid`: on the pairs it is chosen on, the one here is never worse.

    Arguments:
        genuine: Similarity of pairs of one person, (g,).
        impostor: The same of pairs of two people, (i,).
    """
    curve = error_curve(genuine, impostor)
    best = int(np.argmin(curve.false_matches + curve.false_non_matches))
    if best == 0:
        return float("inf")
    if best == len(curve.thresholds) - 1:
        return float("-inf")
    upper, lower = curve.thresholds[best], curve.thresholds[best + 1]
    middle = lower + (upper - lower) / 2
    return float(middle if middle > lower else upper)  # neighbouring floats have no middle


def on_public_grid(genuine: Reals, impostor: Reals) -> float:
    """The threshold of public code: the first best of 400 distances, for published numbers.

    Scores must be cosines. Arguments are those of :func:`most_accurate`.
    """
    alike, others = np.sort(genuine), np.sort(impostor)
    wrong = np.searchsorted(alike, PUBLIC_GRID) - np.searchsorted(others, PUBLIC_GRID)
    return float(PUBLIC_GRID[int(np.argmin(wrong))])


def conservative(fmr: float) -> Choice:
    """Chooses the ISO threshold for a false match rate, to be judged on pairs not chosen on.

    Public code draws a straight line through the rates of 4000 distances, which may exceed it.

    Arguments:
        fmr: The rate, in (0, 1).
    """
    return lambda genuine, impostor: point_at(error_curve(genuine, impostor), fmr).threshold

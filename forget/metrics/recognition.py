"""Whom a model recognises, from scores alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recognition", "recognise"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recognition:
    """What a model says about photographs.

    Arguments:
        best: Highest score of each photograph, (n,); -inf where nobody is enrolled.
        who: Identity with that score, n of them.
        known: Whether the score reaches the threshold, (n,).
        right: Whether `who` is the person in the photograph, (n,).
    """

    best: Reals
    who: tuple[str, ...]
    known: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def identified(self) -> float:
        """Share of photographs, in [0, 1], whose best score is the right person's (rank 1)."""
        return _share(self.right)

    @property
    def recognised(self) -> float:
        """Share of photographs, in [0, 1], where that score also reaches the threshold."""
        return _share(self.right & self.known)

    @property
    def named(self) -> float:
        """Share of photographs, in [0, 1], taken for anybody at all."""
        return _share(self.known)


def recognise(
    scores: Reals, classes: Sequence[str], labels: Sequence[str], threshold: float
) -> Recognition:
    """Reads scores as decisions.

    Arguments:
        scores: One row per photograph, (n, c).
        classes: Identity of each column, c of them.
        labels: Identity in each photograph, n of them.
        threshold: Scores below it mean "nobody I know".
    """
    if not len(classes):
        nobody = np.zeros(len(labels), dtype=bool)
        return Recognition(np.full(len(labels), -np.inf), ("",) * len(labels), nobody, nobody)
    column = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), column]
    who = tuple(classes[j] for j in column)
    right = np.array([a == b for a, b in zip(who, labels, strict=True)], dtype=bool)
    return Recognition(best, who, best >= threshold, right)


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if hits.size else float("nan")

"""How well features find people: verification of pairs, search in a gallery, enrolment again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError

__all__ = ["Search", "compactness", "pair_scores", "search", "threshold_at", "unit"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Search:
    """Probes looked up in a gallery.

    Arguments:
        first: Whether the best match is the right person, by probe, (n,).
        precision: Average precision of each probe, in [0, 1], (n,).
        best: The score of the best match, (n,).
    """

    first: NDArray[np.bool_] = field(repr=False)
    precision: Reals = field(repr=False)
    best: Reals = field(repr=False)

    @property
    def rank1(self) -> float:
        """Share of probes whose best match is right, in [0, 1]."""
        return float(self.first.mean()) if len(self.first) else float("nan")

    @property
    def mean_precision(self) -> float:
        """Mean average precision, in [0, 1]."""
        return float(self.precision.mean()) if len(self.precision) else float("nan")


def unit(rows: NDArray[np.floating]) -> Reals:
    """Rows (n, d) of length 1; rows of zeros stay zeros."""
    real = np.asarray(rows, dtype=np.float64)
    return real / np.maximum(np.linalg.norm(real, axis=1, keepdims=True), 1e-300)


def search(
    probes: NDArray[np.floating],
    people: Sequence[str],
    gallery: NDArray[np.floating],
    enrolled: Sequence[str],
) -> Search:
    """Looks probes up by cosine. Of equal scores the one that was enrolled last counts first, so
    that a tie is never taken for knowledge.

    Arguments:
        probes: Features, (n, d).
        people: Who is on each, n ids.
        gallery: Features, (m, d), of other photographs.
        enrolled: Who is on each, m ids.

    Raises:
        ForgetError: An empty gallery, or shapes that do not fit.
    """
    x, y = unit(probes), unit(gallery)
    if not len(y) or x.ndim != 2 or x.shape[1:] != y.shape[1:] or len(enrolled) != len(y):
        raise ForgetError(
            "probes (n, d) and a gallery (m, d) with an id for each",
            f"{x.shape}, {y.shape} and {len(enrolled)} ids",
            "Enrol somebody, with features of the same model.",
        )
    names = np.asarray(enrolled, dtype=object)
    scores = x @ y.T
    hit = names[None, :] == np.asarray(people, dtype=object)[:, None]
    order = np.lexsort((hit, -scores), axis=1)  # wrong before right among equals
    sorted_hit = np.take_along_axis(hit, order, axis=1)
    found = sorted_hit.cumsum(1)
    ranks = np.arange(1, len(y) + 1)
    total = sorted_hit.sum(1)
    precision = (sorted_hit * found / ranks).sum(1) / np.maximum(total, 1)
    return Search(sorted_hit[:, 0], precision, scores.max(1))


def pair_scores(features: NDArray[np.floating], people: Sequence[str]) -> tuple[Reals, Reals]:
    """Cosines of all pairs of photographs: of the same person, and of different people.

    Arguments:
        features: (n, d).
        people: Who is on each, n ids.
    """
    x = unit(features)
    one, other = np.triu_indices(len(x), 1)
    scores = np.einsum("ij,ij->i", x[one], x[other])
    names = np.asarray(people, dtype=object)
    same = names[one] == names[other]
    return scores[same], scores[~same]


def threshold_at(impostors: NDArray[np.floating], rate: float) -> float:
    """The score that a share `rate` of impostor pairs exceeds, at most.

    Raises:
        ForgetError: Fewer impostor pairs than 1 / rate, of which the rate cannot be told.
    """
    scores = np.sort(np.asarray(impostors, dtype=np.float64))
    allowed = int(np.floor(rate * len(scores) + 1e-9))
    if not 0 < rate < 1 or allowed < 1:
        raise ForgetError(
            f"at least {int(np.ceil(1 / rate)) if 0 < rate < 1 else 1} impostor pairs",
            f"{len(scores)} for a rate of {rate:g}",
            "Take a larger rate, or more photographs.",
        )
    return float(scores[len(scores) - allowed - 1]) if allowed < len(scores) else float("-inf")


def compactness(features: NDArray[np.floating], people: Sequence[str]) -> dict[str, float]:
    """Mean cosine of each person's photographs with their own mean, by person, in [-1, 1].

    References:
        | "Cluster compactness" of Zakharov et al. (2025, arXiv 2512.13317)
    """
    x, names = unit(features), np.asarray(people, dtype=object)
    found = {}
    for person in dict.fromkeys(people):
        mine = x[names == person]
        found[person] = float((mine @ unit(mine.mean(0, keepdims=True))[0]).mean())
    return found

"""Still verified? A new photograph accepted as somebody, at a threshold set by strangers."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.metrics.retrieval import pair_scores, threshold_at

__all__ = ["RATE", "threshold_of", "verified"]

RATE = 0.01  # of impostor pairs that are accepted
MOST = 400  # photographs whose pairs set the threshold

Reals = NDArray[np.float64]


def threshold_of(subject: Subject, evidence: Evidence, rate: float = RATE) -> float:
    """The cosine that a share of impostor pairs among those who stay exceeds.

    Raises:
        ForgetError: Too few photographs for that rate.
    """
    indices = np.concatenate([evidence.held_out(person) for person in evidence.staying])
    some = indices[:: max(len(indices) // MOST, 1)]
    people = [evidence.faces.labels[i] for i in some]
    return threshold_at(pair_scores(subject.embed(evidence.images(some)), people)[1], rate)


def verified(evidence: Evidence, threshold: float) -> Callable[[Subject, str], Reals]:
    """Share of somebody's fitted photographs that each held-out one is accepted with, (n,).

    Arguments:
        evidence: The photographs.
        threshold: Cosine above which a pair is accepted.
    """

    def measure(subject: Subject, person: str) -> Reals:
        one, other = (
            subject.embed(evidence.images(some))
            for some in (evidence.fitted(person), evidence.held_out(person))
        )
        return (one @ other.T > threshold).mean(0) if len(one) else np.zeros(0)

    return measure

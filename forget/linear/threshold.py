"""The score below which a model says "nobody I know"."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from forget.linear.heads import HeadRule
from forget.linear.statistics import Statistics
from forget.linear.store import FeatureStore

__all__ = ["QUANTILE", "STRANGERS", "stranger_scores", "threshold_of", "turn"]

QUANTILE = 0.95  # one calibration photograph in twenty may still be taken for somebody
STRANGERS = 20  # people, at most, as many as the core of ORL, since each costs a solution


def turn(person: str) -> bytes:
    """Whose turn it is to calibrate, smallest first: an order that does not depend on others.

    So a model that somebody left calibrates on the people whom one that never met them does.
    """
    return hashlib.sha256(person.encode(errors="surrogatepass")).digest()


def stranger_scores(
    rule: HeadRule, statistics: Statistics, store: FeatureStore, calibration: FeatureStore
) -> tuple[float, ...]:
    """Best score of each calibration photograph when its person is not enrolled.

    For each of 20 people of the calibration part, or of all, the head is solved without that
    person, who thereby becomes a stranger. A function of sums and stored rows alone: two models
    that hold the same give the same scores.
    """
    scores: list[float] = []
    for person in sorted(calibration.people, key=turn)[:STRANGERS]:
        others = statistics
        if person in store:
            others = statistics - store.statistics_of(person)
        if others.classes:
            features = calibration.space.grid.real(calibration[person].rows)
            scores.extend(rule(others).scores(features).max(axis=1).tolist())
    return tuple(scores)


def threshold_of(strangers: Sequence[float]) -> float:
    """The score that 95 % of strangers' photographs stay below; inf where there are none."""
    return float(np.quantile(strangers, QUANTILE)) if strangers else math.inf

"""From a difference and its interval to PASS, FAIL or NOT ENOUGH DATA."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

__all__ = ["Line", "Verdict", "discoveries", "parity"]


class Verdict(StrEnum):
    """What an audit can say about one question."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "NOT ENOUGH DATA"


@dataclass(frozen=True)
class Line:
    """One question, answered.

    Arguments:
        question: In plain words.
        value: Measured, of the people who were forgotten.
        target: What it is compared with: the same of people who were never there, or chance.
        difference: Value less target.
        interval: 95 % of the difference.
        margin: How large a difference is let be.
        means: What it means, and how an attacker would use it, one sentence.
        reference: The same of the forgotten in a model that was trained again without them; nan
            without one.
    """

    question: str
    value: float
    target: float
    difference: float
    interval: tuple[float, float]
    margin: float
    means: str
    reference: float = float("nan")

    @property
    def verdict(self) -> Verdict:
        """PASS, FAIL or NOT ENOUGH DATA."""
        return parity(self.difference, self.interval, self.margin)


def parity(difference: float, interval: tuple[float, float], margin: float) -> Verdict:
    """Passes only what is shown to be small, and fails only what is shown to be there.

    PASS: the whole interval lies inside the margin. FAIL: the difference lies outside it and the
    interval excludes 0. Else there is not enough data to say.

    Arguments:
        difference: Estimate.
        interval: 95 % of it.
        margin: Above 0.
    """
    low, high = interval
    if not np.isfinite([difference, low, high]).all():
        return Verdict.UNKNOWN
    if -margin <= low and high <= margin:
        return Verdict.PASS
    if abs(difference) > margin and not low <= 0 <= high:
        return Verdict.FAIL
    return Verdict.UNKNOWN


def discoveries(p_values: NDArray[np.floating], rate: float = 0.05) -> NDArray[np.bool_]:
    """Which of many tests count, so that at most `rate` of those are expected to be false.

    References:
        | Controlling the false discovery rate (Benjamini and Hochberg, 1995)

    Arguments:
        p_values: (n,), in [0, 1]; nan counts for nothing.
        rate: Of false discoveries.
    """
    p = np.asarray(p_values, dtype=np.float64)
    found = np.zeros(len(p), dtype=bool)
    there = ~np.isnan(p)
    if there.any():
        found[there] = false_discovery_control(p[there]) <= rate
    return found

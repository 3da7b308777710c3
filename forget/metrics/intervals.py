"""Intervals of shares in [0, 1] over few people: closed forms that claim no more than is known.

Drawing people again (the bootstrap) gives an interval of no width where all of a few people are
alike, and too narrow ones up to some twenty people.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from scipy.stats import t as student

from forget.errors import ForgetError

__all__ = ["difference_interval", "share_interval"]

Reals = NDArray[np.float64]


def difference_interval(ours: Reals, others: Reals, share: float = 0.95) -> tuple[float, float]:
    r"""Interval of the difference of two means of people's shares, within [-1, 1].

    The wider of two: Student's with one variance for both sides, to each of which a person at 0
    and one at 1 are added for it, since that all of a few people are alike does not show that the
    next one would be; and Welch's, for sides that scatter differently. The first one asks of a
    single person whether they are an exception among the others.

    References:
        | Simple and Effective Confidence Intervals for Proportions and Differences of Proportions
          (Agresti and Caffo, 2000), for the added ones
        | The Generalization of "Student's" Problem (Welch, 1947)

    Arguments:
        ours: A share in [0, 1] for each person, (n,), at least one.
        others: The same of other people, (m,), at least one.
        share: Of the interval.

    Raises:
        ForgetError: Nobody on a side, or values that are no shares.
    """
    x, y = _shares(ours), _shares(others)
    n, m, end = len(x), len(y), (1 + share) / 2
    wider = [np.append(one, [0.0, 1.0]) for one in (x, y)]
    variance = sum(float(((one - one.mean()) ** 2).sum()) for one in wider) / (n + m + 2)
    half = student.ppf(end, max(n + m - 2, 1)) * np.sqrt(variance * (1 / n + 1 / m))
    if min(n, m) > 1:
        u, v = x.var(ddof=1) / n, y.var(ddof=1) / m
        if u + v > 0:
            freedom = (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (m - 1))
            half = max(half, student.ppf(end, freedom) * np.sqrt(u + v))
    middle = x.mean() - y.mean()
    return float(max(middle - half, -1)), float(min(middle + half, 1))


def share_interval(values: Reals, share: float = 0.95) -> tuple[float, float]:
    """Interval of a mean share, within [0, 1].

    Exact for values that are 0 or 1; wider than need be for others, which scatter less.

    References:
        | The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial (Clopper
          and Pearson, 1934)

    Arguments:
        values: Shares in [0, 1], (n,), at least one.
        share: Of the interval.

    Raises:
        ForgetError: No value, or values that are no shares.
    """
    x, tail = _shares(values), (1 - share) / 2
    n, total = len(x), float(x.sum())
    low = beta.ppf(tail, total, n - total + 1) if total > 0 else 0.0
    high = beta.ppf(1 - tail, total + 1, n - total) if total < n else 1.0
    return float(low), float(high)


def _shares(values: Reals) -> Reals:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not ((found >= 0) & (found <= 1)).all():
        raise ForgetError(
            "shares between 0 and 1 (n,), at least one",
            f"shape {found.shape}, {found.min() if found.size else 'none'} to "
            f"{found.max() if found.size else 'none'}",
            "Leave out people without an answer.",
        )
    return found

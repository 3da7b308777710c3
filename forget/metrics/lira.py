"""Per-example likelihood ratios: a score beside those of models with and without the example."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from forget.errors import ForgetError
from forget.metrics.detection import FEW_GROUPS, Detection, auc

__all__ = ["LEAST_PAIRS", "attack_pairs", "likelihood_ratio", "shadow_scores"]

Reals = NDArray[np.float64]
FEW = 16  # shadows of a kind, below which all examples share one variance
LEAST = 1e-9  # standard deviation
LEAST_PAIRS = 3  # each is attacked with at least two others, the fewest that have a spread


def likelihood_ratio(score: Reals, inside: Reals, outside: Reals) -> Reals:
    r"""LiRA's statistic of each example, (n,): how much likelier as a member, in log.

    .. math:: \log N(s; \mu_{in}, \sigma_{in}^2) - \log N(s; \mu_{out}, \sigma_{out}^2)

    For an audit of forgetting "in" are models that learned and forgot the example (U-LiRA).

    References:
        | Membership Inference Attacks From First Principles (Carlini et al., 2022)
        | Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense of Privacy
          (Hayes et al., 2025), "U-LiRA"

    Arguments:
        score: Of the model under attack, (n,).
        inside: Of shadow models that had the example, (s, n).
        outside: Of shadow models that never had it, (t, n).

    Raises:
        ForgetError: Fewer than 2 shadows of a kind, or shapes that do not fit.
    """
    s, a, b = (np.asarray(one, dtype=np.float64) for one in (score, inside, outside))
    fits = a.ndim == b.ndim == 2 and s.ndim == 1 and a.shape[1] == b.shape[1] == len(s)
    if not fits or min(len(a), len(b)) < 2:
        raise ForgetError(
            "scores (n,), and (s, n) and (t, n) of at least 2 shadows of each kind",
            f"{s.shape}, {a.shape} and {b.shape}",
            "Train more shadows.",
        )
    return _log_density(s, a) - _log_density(s, b)


def attack_pairs(
    learned: Reals, never: Reals, people: Sequence[str] | None = None, share: float = 0.95
) -> Detection:
    r"""U-LiRA: pairs of worlds, each attacked with the Gaussians of all others.

    A pair that is equal bit for bit gives equal statistics, and pairs that all are an area of
    exactly one half, with an interval of no width. Otherwise the interval is Student's over the
    areas :math:`a_k` of the worlds, which share the others they are attacked with:

    .. math:: t_{p-1} \sqrt{\left( \frac{1}{p} + \frac{1}{p - 1} \right) s^2(a)}

    and, from five people on, over people as well: the root of the sum of both squares.

    References:
        | Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense of Privacy
          (Hayes et al., 2025)
        | Inference for the Generalization Error (Nadeau and Bengio, 2003), for the second term

    Arguments:
        learned: Scores of images where they were learned and forgotten, (p, n).
        never: Where they were never learned from, (p, n).
        people: Who is on each image, n; by default everybody is somebody else.
        share: Of the interval.

    Raises:
        ForgetError: Fewer than 3 pairs, or shapes that do not fit.
    """
    x, y = np.asarray(learned, dtype=np.float64), np.asarray(never, dtype=np.float64)
    if x.ndim != 2 or x.shape != y.shape or len(x) < LEAST_PAIRS:
        raise ForgetError(
            f"scores (p, n) of at least {LEAST_PAIRS} pairs of worlds",
            f"{x.shape} and {y.shape}",
            "Make more pairs.",
        )
    inside, outside = np.empty_like(x), np.empty_like(y)
    for number in range(len(x)):
        rest = np.arange(len(x)) != number
        inside[number] = likelihood_ratio(x[number], x[rest], y[rest])
        outside[number] = likelihood_ratio(y[number], x[rest], y[rest])
    pairs, end = len(x), (1 + share) / 2
    scatter = np.var([auc(*one) for one in zip(inside, outside, strict=True)], ddof=1)
    squared = student.ppf(end, pairs - 1) ** 2 * scatter * (1 / pairs + 1 / (pairs - 1))
    squared += _over_people(inside, outside, people, end)
    half, members, others = float(np.sqrt(squared)), inside.ravel(), outside.ravel()
    middle = auc(members, others)
    return Detection.of(members, others, (max(middle - half, 0.0), min(middle + half, 1.0)))


def shadow_scores(scores: Reals, member: NDArray[np.bool_]) -> tuple[Reals, NDArray[np.bool_]]:
    """Attacks each shadow model with all others: statistics and truth of every pair.

    Arguments:
        scores: Of shadow models, (s, n).
        member: Whether an example was in a shadow model, (s, n).

    Returns:
        Statistics (s * n,) and whether they are of members, (s * n,).

    Raises:
        ForgetError: An example that was in fewer than 3 shadows, or out of fewer.
    """
    s, inside = np.asarray(scores, dtype=np.float64), np.asarray(member, dtype=bool)
    counts = inside.sum(0)
    if s.shape != inside.shape or min(counts.min(), (len(s) - counts).min()) < 3:
        raise ForgetError(
            "each example in and out of at least 3 shadows", f"shape {s.shape}", "Train more."
        )
    found = np.empty_like(s)
    for k in range(len(s)):
        others = np.arange(len(s)) != k
        for i in range(s.shape[1]):
            a, b = s[others & inside[:, i], i], s[others & ~inside[:, i], i]
            found[k, i] = likelihood_ratio(s[[k], i], a[:, None], b[:, None])[0]
    return found.ravel(), inside.ravel()


def _over_people(inside: Reals, outside: Reals, people: Sequence[str] | None, end: float) -> float:
    """Half the width of Student's interval over people, squared, each left out in turn."""
    whose = np.arange(inside.shape[1]) if people is None else np.asarray(people, dtype=object)
    names = np.unique(whose)
    if len(names) < FEW_GROUPS:
        return 0.0
    without = [(whose != name) for name in names]
    left = np.array([auc(inside[:, one].ravel(), outside[:, one].ravel()) for one in without])
    count = len(names)
    variance = (count - 1) / count * ((left - left.mean()) ** 2).sum()
    return float(student.ppf(end, count - 1) ** 2 * variance)


def _log_density(score: Reals, shadows: Reals) -> Reals:
    spread = shadows.std(0, ddof=1)
    if len(shadows) < FEW:  # one variance for all examples is better than a poor one for each
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    return norm.logpdf(score, shadows.mean(0), np.maximum(spread, LEAST))

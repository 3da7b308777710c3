"""Per-example likelihood ratios: a score beside those of models with and without the example."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from forget.errors import ForgetError

__all__ = ["likelihood_ratio", "shadow_scores"]

Reals = NDArray[np.float64]
FEW = 16  # shadows of a kind, below which all examples share one variance
LEAST = 1e-9  # standard deviation


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


def _log_density(score: Reals, shadows: Reals) -> Reals:
    spread = shadows.std(0, ddof=1)
    if len(shadows) < FEW:  # one variance for all examples is better than a poor one for each
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    return norm.logpdf(score, shadows.mean(0), np.maximum(spread, LEAST))

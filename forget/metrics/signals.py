"""What an attacker reads off a model's answer about one image: higher is more like a member."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from forget.errors import ForgetError

__all__ = ["SIGNALS", "five_features", "signals"]

SIGNALS = ("loss", "confidence", "entropy", "modified entropy", "margin")
Reals = NDArray[np.float64]


def signals(
    log_probability: NDArray[np.floating], labels: NDArray[np.integer]
) -> dict[str, Reals]:
    r"""Five signals of each image, (n,) each, by name.

    loss: :math:`\log p_y`. confidence: :math:`\max_j p_j`. entropy:
    :math:`\sum_j p_j \log p_j`. modified entropy:

    .. math:: (1 - p_y) \log p_y + \sum_{j \ne y} p_j \log(1 - p_j)

    margin: :math:`\log p_y - \log \sum_{j \ne y} p_j`, which LiRA takes, because it is nearly
    Gaussian.

    References:
        | Systematic Evaluation of Privacy Risks of Machine Learning Models (Song and Mittal, 2021)
        | Membership Inference Attacks From First Principles (Carlini et al., 2022)

    Arguments:
        log_probability: (n, c), at least 2 classes.
        labels: The class of each, (n,).

    Raises:
        ForgetError: Values that are no log-probabilities.
    """
    log_p = _checked(log_probability, labels)
    p, rows = np.exp(log_p), np.arange(len(labels))
    right = log_p[rows, labels]
    others = log_p.copy()
    others[rows, labels] = -np.inf
    rest = logsumexp(others, axis=1)
    wrong = np.where(np.isneginf(others), 0.0, p)
    # log(1 - p) of a class that has all the probability is cut where float64 ends.
    tail = np.log(np.maximum(1 - wrong, np.finfo(np.float64).tiny))
    return {
        "loss": right,
        "confidence": p.max(1),
        "entropy": xlogy(p, p).sum(1),
        "modified entropy": np.exp(rest) * np.maximum(right, _LEAST) + (wrong * tail).sum(1),
        "margin": np.maximum(right, _LEAST) - np.maximum(rest, _LEAST),
    }


def five_features(log_probability: NDArray[np.floating], labels: NDArray[np.integer]) -> Reals:
    """The five signals side by side, (n, 5), for an attacker that learns to weigh them."""
    found = signals(log_probability, labels)
    return np.stack([np.maximum(found[name], _LEAST) for name in SIGNALS], axis=1)


_LEAST = float(np.log(np.finfo(np.float64).tiny))


def _checked(log_probability: NDArray[np.floating], labels: NDArray[np.integer]) -> Reals:
    log_p = np.asarray(log_probability, dtype=np.float64)
    fits = log_p.ndim == 2 and log_p.shape[1] > 1 and len(labels) == len(log_p)
    if not fits or not np.allclose(np.exp(log_p).sum(1), 1, atol=1e-3):
        raise ForgetError(
            "log-probabilities (n, c) of at least 2 classes, and n labels",
            f"shape {log_p.shape}, {len(labels)} labels",
            "Take log_softmax of the logits.",
        )
    if len(labels) and not (0 <= np.min(labels) and np.max(labels) < log_p.shape[1]):
        raise ForgetError(f"labels from 0 to {log_p.shape[1] - 1}", "others", "Correct them.")
    return log_p

"""How close a model is to another one, mostly to the reference: by its answers, by its weights."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from forget.errors import ForgetError

__all__ = ["agreement", "divergence_js", "gaps", "mean_gap", "tug_of_war", "weight_distance"]

Reals = NDArray[np.floating]


def gaps(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    """Absolute differences, of the accuracies that both have, by name of the set.

    Raises:
        ForgetError: They have no set in common.
    """
    both = [name for name in ours if name in theirs]
    if not both:
        raise ForgetError(
            f"accuracies of the sets {', '.join(theirs)}", f"of {', '.join(ours)}", "Judge both."
        )
    return {name: abs(ours[name] - theirs[name]) for name in both}


def mean_gap(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """Mean of the gaps, in [0, 1]: "average gap" of the literature, over whichever sets are given.

    References:
        | Model Sparsity Can Simplify Machine Unlearning (Jia et al., 2023), over accuracies on
          forget, retain and test images and the attack
    """
    return float(np.mean(list(gaps(ours, theirs).values())))


def tug_of_war(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    r"""1 where all accuracies are those of the reference, less with every gap, in [0, 1].

    .. math:: ToW = \prod_{s \in forget, retain, test} (1 - |acc_s - acc_s^{ref}|)

    References:
        | What makes unlearning hard and what to do about it (Zhao et al., 2024)

    Raises:
        ForgetError: A set is not there.
    """
    wanted = ("forget", "retain", "test")
    found = gaps(ours, theirs)
    if missing := [name for name in wanted if name not in found]:
        raise ForgetError("accuracies of forget, retain and test", f"no {missing}", "Judge them.")
    return float(np.prod([1 - found[name] for name in wanted]))


def divergence_js(one: Reals, other: Reals) -> float:
    r"""Mean Jensen-Shannon divergence of two models' probabilities (n, c), in [0, log 2], nats.

    .. math:: \tfrac12 KL(p \,\|\, m) + \tfrac12 KL(q \,\|\, m), \quad m = \tfrac12 (p + q)

    Raises:
        ForgetError: They do not fit together, or are no probabilities.
    """
    p, q = _probabilities(one), _probabilities(other)
    _same(p, q)
    middle = (p + q) / 2
    terms = [xlogy(x, x) - xlogy(x, middle) for x in (p, q)]
    return float(np.maximum(0.5 * (terms[0] + terms[1]).sum(1), 0).mean())


def agreement(one: Reals, other: Reals) -> float:
    """Share of images, in [0, 1], that two models' scores (n, c) give the same class.

    Raises:
        ForgetError: They do not fit together.
    """
    one, other = np.asarray(one), np.asarray(other)
    _same(one, other)
    return float((one.argmax(1) == other.argmax(1)).mean())


def weight_distance(one: Sequence[Reals], other: Sequence[Reals]) -> float:
    r"""Length of the difference of all weights over the length of the other's.

    .. math:: |\theta - \theta'| / |\theta'|

    Networks that were trained from other random weights are far apart whatever they say: read it
    beside that of the original, never alone.

    Raises:
        ForgetError: Other shapes.
    """
    if [np.shape(w) for w in one] != [np.shape(w) for w in other]:
        raise ForgetError("weights of the same shapes", "others", "Compare the same architecture.")
    apart = sum(float(((a - b) ** 2).sum()) for a, b in zip(one, other, strict=True))
    return float(np.sqrt(apart / max(sum(float((b**2).sum()) for b in other), 1e-300)))


def _probabilities(values: Reals) -> NDArray[np.float64]:
    real = np.asarray(values, dtype=np.float64)
    if real.ndim != 2 or not (real >= 0).all() or not np.allclose(real.sum(1), 1, atol=1e-2):
        raise ForgetError(
            "probabilities (n, c), rows adding up to 1",
            f"shape {real.shape}, sums from {real.sum(-1).min(initial=np.inf):.3g} to "
            f"{real.sum(-1).max(initial=-np.inf):.3g}",
            "Take the softmax of logits first.",
        )
    return real / real.sum(1, keepdims=True)


def _same(one: NDArray, other: NDArray) -> None:
    if one.shape != other.shape or one.ndim != 2 or not len(one):
        raise ForgetError(
            "answers about the same images, at least one",
            f"shapes {one.shape} and {other.shape}",
            "Ask both models about the same images.",
        )

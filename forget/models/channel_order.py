"""Which order of channels a network was trained on, read from its own first layer."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["channel_means", "trained_order"]

MAX_MISFIT = 0.2  # share of the squared means of the first layer that colours leave unexplained
MIN_GAP = 5.0  # grey levels between red and blue
COLOURS = 3


def channel_means(
    weights: NDArray[np.floating], mean: NDArray[np.floating]
) -> tuple[NDArray[np.float64], float]:
    r"""The mean of every channel over the training photographs, and how badly it fits.

    The first convolution is linear, so the mean of what it gave, which the batch normalisation
    behind it has kept, is a linear map of the mean colour :math:`\mu`, but for the border:

    .. math:: m_k = \sum_c \left( \sum_{ij} w_{kcij} \right) \mu_c

    Arguments:
        weights: Of the first convolution, (k, 3, h, w).
        mean: Of what it gave before its normalisation, (k,).

    Returns:
        Means (3,) in units of the network's input, and the share of |m|^2 that they leave
        unexplained, in [0, 1]; nan where all means are 0.
    """
    sums = np.asarray(weights, np.float64).sum((2, 3))
    wanted = np.asarray(mean, np.float64)
    found = np.linalg.lstsq(sums, wanted, rcond=None)[0]
    whole = float(wanted @ wanted)
    away = wanted - sums @ found
    return found, float(away @ away) / whole if whole else float("nan")


def trained_order(
    weights: NDArray[np.floating], mean: NDArray[np.floating], scale: float
) -> str | None:
    """Tells "rgb" from "bgr", as faces have more red than blue; None where nothing tells.

    Arguments:
        weights: Of the first convolution, (k, 3, h, w).
        mean: Of what it gave before its normalisation, (k,).
        scale: Grey levels per unit of the network's input.
    """
    if weights.shape[1] != COLOURS:
        return None
    means, misfit = channel_means(weights, mean)
    gap = float(means[0] - means[2]) * scale
    if not misfit <= MAX_MISFIT or abs(gap) < MIN_GAP:
        return None
    return "rgb" if gap > 0 else "bgr"

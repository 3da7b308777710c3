"""How alike two networks see the same images, layer by layer."""

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError

__all__ = ["linear_cka"]


def linear_cka(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    r"""Linear centred kernel alignment of two representations, in [0, 1]; 1 up to a rotation.

    .. math:: \frac{|Y^T X|_F^2}{|X^T X|_F \, |Y^T Y|_F}, \quad \text{columns centred}

    References:
        | Similarity of Neural Network Representations Revisited (Kornblith et al., 2019)

    Arguments:
        one: What a network sees of images, (n, p).
        other: What another one sees of the same images, (n, q).

    Raises:
        ForgetError: Not of the same images, or of fewer than two.
    """
    x, y = (np.asarray(rows, dtype=np.float64) for rows in (one, other))
    if len(x) != len(y) or len(x) < 2 or x.ndim != 2 or y.ndim != 2:
        raise ForgetError(
            "two representations (n, p) and (n, q) of at least 2 images",
            f"shapes {x.shape} and {y.shape}",
            "Ask both networks about the same images.",
        )
    x, y = x - x.mean(0), y - y.mean(0)
    # n by n products: there are fewer images than numbers.
    xx, yy = x @ x.T, y @ y.T
    size = np.linalg.norm(xx) * np.linalg.norm(yy)
    return float(np.clip((xx * yy).sum() / size, 0, 1)) if size else float("nan")

"""Cosines of features, of many pairs within bounded memory."""

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError
from forget.metrics.retrieval import unit

__all__ = ["BLOCK", "directions", "pair_cosines"]

Reals = NDArray[np.float64]
BLOCK = 2**25  # bytes of features held at a time


def directions(features: NDArray[np.floating]) -> Reals:
    """Rows (n, d) of length 1.

    Raises:
        ForgetError: No row, another shape, or a row of length 0 or that is no number.
    """
    rows = np.asarray(features)
    if rows.ndim != 2 or not rows.size:
        raise ForgetError(
            "features (n, d), at least one", f"shape {rows.shape}", "Embed a photograph first."
        )
    with np.errstate(all="ignore"):  # what overflows is refused below
        found = unit(rows)
    broken = ~np.isclose(np.einsum("ij,ij->i", found, found), 1)
    if broken.any():
        raise ForgetError(
            "features that are finite and not zero",
            f"{int(broken.sum())} of {len(rows)} that are not",
            "Leave out faces that were not found, count them, and say so beside the rates.",
        )
    return found


def pair_cosines(
    features_a: NDArray[np.floating],
    features_b: NDArray[np.floating],
    rows: NDArray[np.integer] | None = None,
    block: int = BLOCK,
) -> Reals:
    """Cosines of pairs, (p,), some at a time.

    Arguments:
        features_a: Features, (n, d).
        features_b: Features, (m, d).
        rows: The row of each for every pair, (p, 2); by default each row with its like.
        block: Bytes of features held at a time, besides those of all rows.

    Raises:
        ForgetError: Shapes that do not fit, or a feature of length 0 or that is no number.
    """
    x = directions(features_a)
    y = x if features_b is features_a else directions(features_b)
    if x.shape[1] != y.shape[1] or (rows is None and len(x) != len(y)):
        raise ForgetError(
            "features of the same shape on both sides",
            f"{x.shape} and {y.shape}",
            "Embed both photographs of each pair with the same model.",
        )
    count, at_once = len(x) if rows is None else len(rows), max(1, block // (16 * x.shape[1]))
    scores = np.empty(count)
    for start in range(0, count, at_once):
        part = slice(start, start + at_once)
        one, other = (part, part) if rows is None else rows[part].T
        scores[part] = np.einsum("ij,ij->i", x[one], y[other])
    return scores

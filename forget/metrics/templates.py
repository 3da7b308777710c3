"""Templates: one feature from all photographs and films of a person that belong together."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from forget.errors import ForgetError
from forget.metrics.retrieval import unit

__all__ = ["template_features"]

COLUMNS = 64  # dimensions summed at a time


def template_features(
    features: NDArray[np.floating],
    templates: NDArray[np.integer],
    media: NDArray[np.integer],
    weights: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Means over each medium, such as the frames of one film, summed over a template's media.

    The sum has length 1 in the end. Whether features come with their norms and whether an image
    and its mirror were added up is the caller's choice, and published numbers depend on it.

    References:
        | IARPA Janus Benchmark - C: Face Dataset and Protocol (Maze et al., 2018), as InsightFace
        | evaluates it

    Arguments:
        features: Of photographs, (n, d).
        templates: Id of the template of each, (n,).
        media: Id of the medium of each within its template, (n,).
        weights: Factor of each, such as the face detector's score, (n,); 1 by default.

    Returns:
        Ids of the templates, rising, (t,), and their features, (t, d).

    Raises:
        ForgetError: No photograph, or arrays that do not fit.
    """
    x = np.asarray(features)
    factors = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    names = [np.asarray(one) for one in (templates, media)]
    shapes = {one.shape for one in (*names, factors)}
    whole = all(one.dtype.kind in "iu" for one in names)
    if x.ndim != 2 or not x.size or shapes != {(len(x),)} or not whole:
        kinds = ", ".join(str(one.dtype) for one in names)
        raise ForgetError(
            "features (n, d) of at least 1 photograph, n whole numbers for templates and media",
            f"features {x.shape}, others {sorted(shapes)} of {kinds}",
            "Give each photograph its template and medium.",
        )
    keys = np.stack([one.astype(np.int64) for one in names], 1)
    groups, of_row, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    ids, of_group = np.unique(groups[:, 0], return_inverse=True)
    shares = (factors / count[of_row], (of_group[of_row], np.arange(len(x))))
    mix = csr_array(shares, shape=(len(ids), len(x)))
    total = np.empty((len(ids), x.shape[1]))
    for start in range(0, x.shape[1], COLUMNS):  # scipy copies what it multiplies to float64
        part = slice(start, start + COLUMNS)
        total[:, part] = mix @ np.asarray(x[:, part], dtype=np.float64)
    return ids, unit(total)

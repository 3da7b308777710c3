r"""Templates of IJB-B and IJB-C: many images of one person as one vector."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError

__all__ = ["Templates", "aggregate"]

Reals = NDArray[np.floating]


class Templates(NamedTuple):
    """One vector for each template.

    Arguments:
        ids: Distinct templates in ascending order, (t,).
        features: Of length 1, or 0 where a sum vanishes, (t, d).
    """

    ids: NDArray[np.int64]
    features: Reals


def aggregate(
    features: Reals,
    templates: NDArray[np.integer],
    media: NDArray[np.integer],
    mirrored: Reals | None = None,
    scores: Reals | None = None,
    keep_norm: bool = True,
) -> Templates:
    r"""Puts images together to templates.

    .. math:: t = \frac{\sum_m \bar x_m}{\lVert \sum_m \bar x_m \rVert},
        \quad \bar x_m = \frac{1}{|m|} \sum_{i \in m} s_i x_i

    The frames of one video are one medium m, so that a long video counts as much as a
    photograph. The three flags of published results, F, N and D, are `mirrored`, `keep_norm` and
    `scores`: numbers with different flags must not be compared. The score of two templates is
    their dot product.

    Arguments:
        features: Raw embeddings of the images, (n, d).
        templates: The template of each, (n,).
        media: The medium of each, (n,); a number means something within a template only.
        mirrored: Raw embeddings of the mirrored images, which are added, (n, d).
        scores: The detector's, each of which weighs its image, (n,).
        keep_norm: Whether the length of an embedding, large for clear images, weighs it too.

    Raises:
        ForgetError: No image, arrays that do not fit together, or numbers that are not finite.

    References:
        | InsightFace, recognition/arcface_torch/eval_ijbc.py,
          https://github.com/deepinsight/insightface
    """
    rows = _checked(features, templates, media, mirrored, scores)
    if not keep_norm:
        rows = _unit(rows)
    if scores is not None:
        rows = rows * np.asarray(scores, dtype=rows.dtype)[:, None]
    order = np.lexsort((media, templates))
    template, medium = np.asarray(templates)[order], np.asarray(media)[order]
    new_template = np.append(True, template[1:] != template[:-1])
    new_medium = new_template | np.append(True, medium[1:] != medium[:-1])
    starts = np.flatnonzero(new_medium)
    counts = np.diff(starts, append=len(order))
    means = np.add.reduceat(rows[order], starts) / counts[:, None].astype(rows.dtype)
    sums = np.add.reduceat(means, np.flatnonzero(new_template[starts]))
    return Templates(template[new_template].astype(np.int64), _unit(sums))


def _checked(
    features: Reals,
    templates: NDArray[np.integer],
    media: NDArray[np.integer],
    mirrored: Reals | None,
    scores: Reals | None,
) -> Reals:
    """Embeddings with their mirrored ones added, float32 or float64."""
    shape, n = np.shape(features), len(features)
    told = [np.shape(one) for one in (templates, media)] + [np.shape(scores)] * (
        scores is not None
    )
    fits = mirrored is None or np.shape(mirrored) == shape
    if len(shape) != 2 or not n or any(one != (n,) for one in told) or not fits:
        raise ForgetError(
            "embeddings (n, d) of at least 1 image, and arrays of the same n",
            f"{shape} with {', '.join(map(str, told))}",
            "Embed the images in the order of the protocol.",
        )
    rows = np.asarray(features, dtype=np.result_type(features, np.float32))
    rows = rows if mirrored is None else rows + mirrored
    if not np.isfinite(rows).all() or (scores is not None and not np.isfinite(scores).all()):
        got = "others among embeddings or scores"
        raise ForgetError("finite numbers", got, "Check the network and its input.")
    return rows


def _unit(rows: Reals) -> Reals:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)

"""Where faces lie on the map: alike ones close together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from forget.likeness import mean_features

__all__ = ["Places", "places_of"]

Reals = NDArray[np.float64]
MOST = 2000  # dots; t-SNE of more takes a minute, and nobody can read them


@dataclass(frozen=True, eq=False)
class Places:
    """The dots of a map.

    Arguments:
        positions: Where they lie, (n, 2).
        labels: Who each of them is, n ids.
        what: What a dot is, in the plural.
        says: How to read the map, one sentence.
    """

    positions: Reals = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    what: str
    says: str


def places_of(features: Reals, labels: Sequence[str]) -> Places:
    """Lays out photographs; of more than 2,000 the people, each at their mean.

    Arguments:
        features: Real features, (n, d).
        labels: Who is on each photograph, n ids.
    """
    if len(labels) <= MOST:
        said = "Every photograph, alike ones close together (t-SNE of the features)."
        return Places(_tsne(features), tuple(labels), "Photographs", said)
    people, means = mean_features(features, labels)
    few = len(people) <= MOST
    positions = _tsne(means) if few else _main_plane(means)
    how = "t-SNE" if few else "the two main directions"
    said = (
        f"Every person at the mean of their photographs, alike ones close together ({how} of the "
        f"mean features; {len(labels):,} photographs would be too many dots)."
    )
    return Places(positions, tuple(people), "People", said)


def _tsne(features: Reals) -> Reals:
    from sklearn.manifold import TSNE

    perplexity = min(20.0, (len(features) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=0, metric="cosine")
    # A thousand short steps: threads only wait for each other, the more so on a busy machine.
    with threadpool_limits(1, user_api="openmp"):
        return tsne.fit_transform(features).astype(np.float64)


def _main_plane(features: Reals) -> Reals:
    from sklearn.decomposition import PCA

    return PCA(2, random_state=0).fit_transform(features).astype(np.float64)

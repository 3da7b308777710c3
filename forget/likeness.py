"""Who is like whom: people by what their features have in common."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forget.linear.erasing.leak import exposure

__all__ = ["TOP", "Ranked", "exposed_people", "mean_features", "nearest_people"]

Ranked = tuple[tuple[str, float], ...]  # people with their scores, best first
TOP = 5


def nearest_people(
    features: NDArray[np.float64], labels: Sequence[str], person: str, most: int = TOP
) -> Ranked:
    """Who looks most like a person: cosine between mean features, in [-1, 1].

    Arguments:
        features: Real features, (n, d).
        labels: Identity of each, n of them.
        person: Whose neighbours are wanted.
        most: How many.
    """
    people, means = mean_features(features, labels)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    similar = means @ means[people.index(person)]
    order = [j for j in np.argsort(-similar) if people[j] != person]
    return tuple((people[j], float(similar[j])) for j in order[:most])


def exposed_people(
    directions: NDArray[np.float64], features: NDArray[np.float64], labels: Sequence[str]
) -> Ranked:
    """Everybody by how much of their mean feature lies in some directions: whom these betray.

    Needs photographs to try, as anybody has who looks for somebody.

    Arguments:
        directions: Orthonormal, (d, k), such as an eraser takes out.
        features: Real features, (n, d).
        labels: Identity of each, n of them.

    Returns:
        People with a cosine in [0, 1], the most exposed first.
    """
    people, means = mean_features(features, labels)
    cosines = exposure(directions, means)
    return tuple((people[i], float(cosines[i])) for i in np.argsort(-cosines, kind="stable"))


def mean_features(
    features: NDArray[np.float64], labels: Sequence[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """People, sorted, and the mean feature of each, (c, d).

    Arguments:
        features: Real features, (n, d).
        labels: Identity of each, n of them.
    """
    people, member = np.unique(np.asarray(labels), return_inverse=True)
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(len(people)))
    sums = np.add.reduceat(features[order], starts, axis=0)
    return people.tolist(), sums / np.bincount(member)[:, None]

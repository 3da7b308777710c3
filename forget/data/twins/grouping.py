"""What belongs together: the connected components of links between things."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Numbers", "group", "number"]

Numbers = NDArray[np.int64]  # (n,), the same number for what belongs together


def number(values: Numbers | NDArray[np.str_]) -> Numbers:
    """Numbers values from 0 in the order in which they first occur; equal values alike, (n,)."""
    _, first, group_of = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[group_of]


def group(count: int, links: Numbers) -> Numbers:
    """Joins things that are linked, over any number of steps.

    Arguments:
        count: How many things there are, n.
        links: Pairs of them, (m, 2).

    Returns:
        The group of each, (n,), numbered from 0 in the order of their first members.
    """
    ends = (links[:, 0], links[:, 1])
    graph = coo_array((np.ones(len(links), dtype=bool), ends), shape=(count, count))
    _, groups = connected_components(graph, directed=False)
    return number(groups)

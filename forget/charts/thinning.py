"""Fewer points of a long curve, chosen so that it looks the same."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["CELLS", "thinned"]

CELLS = (1200, 600)  # of a chart, across and up: finer than a screen shows


def thinned(
    x: NDArray[np.floating], y: NDArray[np.floating], cells: tuple[int, int] = CELLS
) -> NDArray[np.intp]:
    """Which points of a curve to draw: the first and last of each run within one cell of a grid.

    Jumps from cell to cell are all kept, so a line of steps moves by less than one cell. A curve
    that rises or falls all along keeps no more than 2 (across + up + 1) points.

    Arguments:
        x: Where the points are on the screen, (n,), all finite; logarithms on such an axis.
        y: The same upwards, (n,).
        cells: Number of cells, across and up.

    Returns:
        Indices, rising, (m,); all where there are no more points than cells.
    """
    if len(x) <= sum(cells):
        return np.arange(len(x))
    places = [
        np.floor((one - one.min()) / (np.ptp(one) or 1.0) * count).clip(max=count - 1)
        for one, count in zip((x, y), cells, strict=True)
    ]
    moves = (np.diff(places[0]) != 0) | (np.diff(places[1]) != 0)
    keep = np.append(moves, True) | np.append(True, moves)
    return np.flatnonzero(keep)

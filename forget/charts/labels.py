"""Names beside the marks of a chart, where they cover each other least."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["name_sides"]

Reals = NDArray[np.float64]
Box = tuple[float, float, float, float]  # left, right, lower and upper end
# Pixels of a plot on a small screen, and on a phone; on a wide one everything is farther apart.
PLOTS = ((640.0, 300.0), (280.0, 220.0))
LETTER, LINE, MARK = 6.0, 14.0, 6.0  # pixels: width and height of a letter, half a mark
SIDES = {  # as plotly calls them: how far right and up
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}


def name_sides(
    places: tuple[Reals, Reals],
    names: Sequence[str],
    ends: tuple[tuple[float, float], tuple[float, float]],
    lines: Sequence[float] = (),
) -> list[str]:
    """The side of each mark where its name covers least, one name after the other.

    Arguments:
        places: Where the marks are, across and up, (n,) each.
        names: What to write beside each; empty for nothing.
        ends: Of both axes, in the units of the places.
        lines: Heights of lines all across.

    Returns:
        A text position of plotly for each.
    """
    screens = small, phone = [_Screen(places, ends, lines, plot) for plot in PLOTS]
    found: list[str] = []
    for i, name in enumerate(names):
        cost = {
            # A name at a corner can seem to be another mark's; the phone decides among the rest.
            side: (small.covered(i, name, side), all(to), phone.covered(i, name, side))
            for side, to in SIDES.items()
        }
        found.append(min(cost, key=cost.__getitem__))
        for screen in screens:
            screen.taken.append(screen.box(i, name, found[-1]))
    return found


class _Screen:
    """What is taken on a screen: all outside the plot, its lines and marks, and names so far."""

    def __init__(
        self,
        places: tuple[Reals, Reals],
        ends: tuple[tuple[float, float], tuple[float, float]],
        lines: Sequence[float],
        plot: tuple[float, float],
    ) -> None:
        (wide, high), far = plot, np.inf
        self.across, self.up = (_pixels(*one) for one in zip(places, ends, plot, strict=True))
        self.taken: list[Box] = [(-far, 0, -far, far), (wide, far, -far, far)]
        self.taken += [(-far, far, -far, 0), (-far, far, high, far)]
        self.taken += [(0, wide, y - 1, y + 1) for y in _pixels(np.array(lines), ends[1], high)]
        for x, y in zip(self.across, self.up, strict=True):
            self.taken.append((x - MARK, x + MARK, y - MARK, y + MARK))

    def box(self, i: int, name: str, side: str) -> Box:
        """Where a name is."""
        (right, above), width = SIDES[side], LETTER * len(name)
        left = self.across[i] + right * MARK + (right - 1) / 2 * width
        low = self.up[i] + above * MARK + (above - 1) / 2 * LINE
        return left, left + width, low, low + LINE

    def covered(self, i: int, name: str, side: str) -> float:
        """Square pixels of it that are taken already."""
        left, right, low, high = self.box(i, name, side)
        taken = np.array(self.taken)
        wide = np.minimum(right, taken[:, 1]) - np.maximum(left, taken[:, 0])
        tall = np.minimum(high, taken[:, 3]) - np.maximum(low, taken[:, 2])
        return float((wide.clip(0) * tall.clip(0)).sum())


def _pixels(values: Reals, ends: tuple[float, float], length: float) -> Reals:
    return (values - ends[0]) / (ends[1] - ends[0]) * length

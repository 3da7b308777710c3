"""How much of what a model holds is one person's, direction by direction."""

from collections.abc import Sequence

import plotly.graph_objects as go

from forget.charts.people import COLOURS, plain

__all__ = ["share_bars"]


def share_bars(before: Sequence[float], now: Sequence[float] | None) -> go.Figure:
    """Bars of the person's share along their main directions.

    Arguments:
        before: Share in [0, 1] of the original model, direction by direction.
        now: The same of the model as it is now; None where the person is still in it.
    """
    directions = [f"{i}" for i in range(1, len(before) + 1)]
    figure = go.Figure()
    kept = now is None
    figure.add_bar(
        x=directions,
        y=list(before),
        name="in the model" if kept else "before",
        marker_color=COLOURS["retained" if kept else "unseen"],
        hovertemplate="direction %{x}<br>%{y:.1%}<extra></extra>",
    )
    if now is not None:
        figure.add_bar(
            x=directions,
            y=list(now),
            name="now",
            marker_color=COLOURS["forgotten"],
            text=[f"{value:.0%}" for value in now],
            textposition="outside",
            hovertemplate="direction %{x}, now<br>%{y:.1%}<extra></extra>",
        )
    figure.update_xaxes(title="main direction of this person's photographs")
    # Of hundreds of people each has a small share, and ticks of whole percents would all say 0.
    top = max(before, default=1.0)
    ticks = ".0%" if top >= 0.05 else ".1%" if top >= 0.005 else ".2%"
    figure.update_yaxes(title="this person's share", tickformat=ticks, rangemode="tozero")
    return plain(figure, 300)

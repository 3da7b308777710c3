"""How scores of pairs of one person lie beside those of two people."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from forget.charts.people import COLOURS, plain
from forget.errors import ForgetError

__all__ = ["score_histogram"]

BINS = 50


def score_histogram(
    genuine: ArrayLike, impostor: ArrayLike, threshold: float | None = None
) -> go.Figure:
    """Shares of scores, in equal steps, of pairs of one person and of two people.

    Arguments:
        genuine: Scores of pairs of one person, (p,).
        impostor: Of two people, (q,).
        threshold: A dashed line; None for none.

    Raises:
        ForgetError: Pairs of one kind only, or a score that is not finite.
    """
    kinds = [np.asarray(one, dtype=float) for one in (genuine, impostor)]
    if not all(len(one) and np.isfinite(one).all() for one in kinds):
        got = f"{len(kinds[0])} and {len(kinds[1])}"
        raise ForgetError("finite scores of both kinds of pairs", got, "Score some of each kind.")
    both = np.concatenate(kinds)
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    figure = go.Figure()
    for name, scores, colour in (
        ("one person", kinds[0], COLOURS["retained"]),
        ("two people", kinds[1], COLOURS["unseen"]),
    ):
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(scores, edges)[0] / len(scores),
            width=edges[1] - edges[0],
            name=f"{name} ({len(scores):,} pairs)",
            marker={"color": colour, "opacity": 0.65, "line": {"width": 0}},
            hovertemplate="%{x:.2f}: %{y:.1%}<extra>" + name + "</extra>",
        )
    if threshold is not None:
        line = {"dash": "dash", "width": 1, "color": COLOURS["forgotten"]}
        figure.add_vline(x=threshold, line=line)
    figure.update_xaxes(title="cosine", zeroline=False)
    figure.update_yaxes(title="share of pairs", tickformat=".0%")
    return plain(figure.update_layout(barmode="overlay", bargap=0), 300)

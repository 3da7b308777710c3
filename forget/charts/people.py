"""Tables to plotly figures: pure functions, shared by the app and by scripts."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

__all__ = [
    "COLOURS",
    "NO_FRILLS",
    "cost_bars",
    "face_map",
    "forecast_lines",
    "others_dots",
    "plain",
    "roomy",
    "spoken",
    "time_axis",
]

# Okabe and Ito, told apart with every kind of colour blindness. The same everywhere.
COLOURS = {"retained": "#0072B2", "forgotten": "#D55E00", "unseen": "#8A8A8A"}
NO_FRILLS = {"displayModeBar": False}
TIMES = (  # of the powers of ten from -6 on
    *("1 µs", "10 µs", "0.1 ms", "1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s", "1000 s"),
    *("3 h", "28 h", "12 days"),
)
SHORTEST, LONGEST = 1e-5, 1e6  # seconds that such an axis shows
INTERVALS = 4  # between ticks at most, so that they stand apart on a phone


def plain(figure: go.Figure, height: int) -> go.Figure:
    """Gives a chart its height in pixels, small margins and a legend above; returns it."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision="keep",
    )
    return figure


def roomy(figure: go.Figure) -> go.Figure:
    """Leaves room for a tick's label at the right end, which is left out otherwise; returns it."""
    return figure.update_layout(margin={"r": 24})


def others_dots(others: pd.DataFrame, titles: Mapping[str, str]) -> go.Figure:
    """One dot per remaining person: mean score for themselves before (x) and after (y).

    Arguments:
        others: Columns `person`, `score before`, `score after`.
        titles: What to call each person.
    """
    figure = go.Figure()
    scores = others[["score before", "score after"]].to_numpy()
    low = float(np.floor(scores.min(initial=1.0) * 10) / 10) - 0.1
    figure.add_scatter(
        x=[low, 1],
        y=[low, 1],
        mode="lines",
        name="no change",
        hoverinfo="skip",
        line={"dash": "dash", "color": COLOURS["unseen"], "width": 1},
    )
    figure.add_scatter(
        x=scores[:, 0],
        y=scores[:, 1],
        mode="markers",
        name="a person who stays",
        text=[escape(titles[person]) for person in others["person"]],
        hovertemplate="%{text}<br>before %{x:.3f}, now %{y:.3f}<extra></extra>",
        marker={"color": COLOURS["retained"], "size": 9, "opacity": 0.75},
    )
    figure.update_xaxes(title="score before", range=[low, 1])
    figure.update_yaxes(title="score now", range=[low, 1], scaleanchor="x")
    return plain(figure, 300)


def forecast_lines(table: pd.DataFrame) -> go.Figure:
    """How the others fare as more people leave: the mean over draws, and the draws as dots.

    Arguments:
        table: Columns `people`, `before`, `after`, a row per draw and number of people.
    """
    lost = table.assign(change=100 * (table["after"] - table["before"]))
    mean = lost.groupby("people")["change"].mean()
    figure = go.Figure()
    figure.add_scatter(
        x=lost["people"],
        y=lost["change"],
        mode="markers",
        name="one order of leaving",
        marker={"color": COLOURS["unseen"], "size": 6},
        hovertemplate="%{x} leave: %{y:+.1f} points<extra></extra>",
    )
    figure.add_scatter(
        x=mean.index,
        y=mean,
        mode="lines+markers",
        name="mean",
        line={"color": COLOURS["retained"]},
        hovertemplate="%{x} leave: %{y:+.1f} points on average<extra></extra>",
    )
    figure.update_xaxes(title="people who leave next", type="log", tickvals=list(mean.index))
    widest = max(float(lost["change"].abs().max()), 5.0)
    figure.update_yaxes(
        title="recognised, change (points)", range=[-1.1 * widest, 1.1 * widest], zeroline=True
    )
    return plain(figure, 280)


def face_map(
    positions: NDArray[np.float64],
    labels: Sequence[str],
    forgotten: Sequence[str],
    titles: Mapping[str, str],
    word: str = "forgotten",
) -> go.Figure:
    """Photographs in the plane, alike ones close together; the forgotten are crosses.

    Arguments:
        positions: Where each photograph lies, (n, 2).
        labels: Who is in it, n of them.
        forgotten: People who were forgotten.
        titles: What to call each person.
        word: What became of them.
    """
    gone = np.isin(np.asarray(labels), list(forgotten))
    text = np.array([escape(titles[person]) for person in labels])
    figure = go.Figure()
    for name, mine, colour, symbol, size in (
        ("stays", ~gone, COLOURS["retained"], "circle", 6),
        (word, gone, COLOURS["forgotten"], "x", 9),
    ):
        figure.add_scatter(
            x=positions[mine, 0],
            y=positions[mine, 1],
            mode="markers",
            name=name,
            text=text[mine],
            hovertemplate="%{text}<extra>" + name + "</extra>",
            marker={"color": colour, "symbol": symbol, "size": size, "opacity": 0.8},
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return plain(figure, 300)


def cost_bars(seconds: Mapping[str, float]) -> go.Figure:
    """Seconds of each way to get there, on a logarithmic axis.

    Bars begin at least a decade below the shortest: equal ratios are equal differences of length,
    and none is a stub.

    Arguments:
        seconds: Way to seconds, the cheapest first.
    """
    ways = list(seconds)[::-1]
    values = [max(seconds[way], SHORTEST) for way in ways]
    colours = [COLOURS["unseen"]] * (len(ways) - 1) + [COLOURS["retained"]]
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=ways,
        orientation="h",
        text=[spoken(seconds[way]) for way in ways],
        textposition="auto",
        hoverinfo="skip",
        insidetextfont={"color": ["#000000"] * (len(ways) - 1) + ["#FFFFFF"]},
        marker={"color": colours},
    )
    time_axis(figure, values, below=1)
    return roomy(plain(figure, 60 + 44 * len(ways)))


def time_axis(figure: go.Figure, seconds: Iterable[float], below: int = 0) -> tuple[int, int]:
    """Gives a chart a logarithmic time axis of whole decades; returns its ends, powers of ten.

    Plotly's own range can lie between two decades, and then no tick is left.

    Arguments:
        figure: The chart.
        seconds: What is drawn.
        below: Decades to leave free below the shortest.
    """
    powers = np.log10(np.clip([*seconds] or [1.0], SHORTEST, LONGEST))
    low = int(np.floor(powers.min())) - below
    high = max(int(np.ceil(powers.max())), low + 1)
    ticks = range(low, high + 1, -(-(high - low) // INTERVALS))
    figure.update_xaxes(
        title="time (logarithmic)",
        type="log",
        range=[low, high],
        tickvals=[10.0**power for power in ticks],
        ticktext=[TIMES[power + 6] for power in ticks],
    )
    return low, high


def spoken(seconds: float) -> str:
    """A time in words, with a unit that suits it.

    Example:
        >>> spoken(0.00003), spoken(0.00123), spoken(12.3), spoken(130), spoken(7500)
        ('30 µs', '1.2 ms', '12.3 s', '2 min 10 s', '2 h 5 min')
    """
    if seconds < 1e-4:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"

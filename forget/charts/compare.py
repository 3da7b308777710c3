"""Comparisons of methods to plotly figures: pure functions."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from forget.charts.labels import name_sides
from forget.charts.people import COLOURS, plain, roomy, spoken, time_axis
from forget.charts.series import method_title

__all__ = [
    "NAMED",
    "PROMISES",
    "answer_matrix",
    "class_gaps",
    "gap_scatter",
    "relearning_lines",
    "similarity_bars",
    "two_maps",
]

# What a method promises, by shape and colour: never by colour alone. Hollow, in the colour of
# warnings, is a promise that leaves out the network, which was trained on what it forgot.
PROMISES = {
    "exact": ("circle", "#0072B2"),
    "exact, readout only": ("circle-open", COLOURS["forgotten"]),
    "certified": ("diamond", "#009E73"),
    "certified, readout only": ("diamond-open", COLOURS["forgotten"]),
    "approximate": ("square", "#E69F00"),
    "none": ("x", COLOURS["forgotten"]),
}
PAIR = ("#0072B2", "#E69F00")  # models A and B
NAMED = 12  # methods at most that are all named in the scatter


def gap_scatter(table: pd.DataFrame) -> go.Figure:
    """Methods by seconds (logarithmic) and mean gap to the reference; means over seeds.

    The original, which forgot nothing, is a dashed line. Up to `NAMED` methods are named; of more,
    those that no other one beats in both. Each says its name when pointed at.

    Arguments:
        table: Columns `method`, `seconds`, `gap`, `guarantee`, `scope`.
    """
    kept = {"seconds": "mean", "gap": "mean", "guarantee": "first", "scope": "first"}
    means = table.groupby("method", sort=False).agg(kept)
    points = _points(means)
    figure = go.Figure()
    ends = time_axis(figure, points["seconds"])
    points["seconds"] = points["seconds"].clip(lower=10.0 ** ends[0])
    top = max(float(means["gap"].max()), 0.01)
    heights = (-0.06 * top, 1.08 * top)  # below 0 is room for the lower half of a mark
    lines = means.loc[means.index == "original", "gap"].tolist()
    for gap in lines:
        _line_before(figure, gap, ends)
    places = np.log10(points["seconds"].to_numpy()), points["gap"].to_numpy()
    points["side"] = name_sides(places, list(points["shown"]), (ends, heights), lines)
    for promise in PROMISES:
        mine = points[points["promise"] == promise]
        if not mine.empty:
            _marks(figure, promise, mine)
    figure.update_yaxes(title="mean gap to the reference (share)", range=list(heights))
    return roomy(plain(figure, 420))


def _points(means: pd.DataFrame) -> pd.DataFrame:
    """The methods that are drawn as marks: what they promise, their names, those written."""
    points = means.drop(index="original", errors="ignore")
    named = points.index if len(points) <= NAMED else _frontier(points)
    only = points["guarantee"].isin(["exact", "certified"]) & (points["scope"] == "readout")
    points["promise"] = points["guarantee"] + np.where(only, ", readout only", "")
    points["title"] = [escape(method_title(name)) for name in points.index]
    points["shown"] = points["title"].where(points.index.isin(named), "")
    return points


def _marks(figure: go.Figure, promise: str, mine: pd.DataFrame) -> None:
    symbol, colour = PROMISES[promise]
    figure.add_scatter(
        x=mine["seconds"],
        y=mine["gap"],
        mode="markers+text",
        name=f"promise: {promise}",
        text=mine["shown"],
        textposition=list(mine["side"]),
        customdata=list(zip(mine["title"], map(spoken, mine["seconds"]), strict=True)),
        hovertemplate="%{customdata[0]}<br>gap %{y:.3f}, %{customdata[1]}<extra></extra>",
        marker={
            "symbol": symbol,
            "color": colour,
            "size": 10,
            "line": {"width": 2, "color": colour},
        },
        cliponaxis=False,
    )


def _line_before(figure: go.Figure, gap: float, ends: tuple[int, int]) -> None:
    """A dashed line at the gap of the network that has forgotten nothing yet."""
    figure.add_scatter(
        x=[10.0**end for end in ends],
        y=[gap, gap],
        mode="lines",
        name=f"{method_title('original')}: gap {gap:.3f}",
        hoverinfo="skip",
        line={"dash": "dash", "width": 1, "color": COLOURS["unseen"]},
    )


def _frontier(means: pd.DataFrame) -> set[str]:
    """Methods than which none is both faster and nearer."""
    ordered = means.sort_values(["seconds", "gap"])
    nearest = ordered["gap"].cummin()
    return set(ordered.index[ordered["gap"] <= nearest])


def class_gaps(
    accuracy: NDArray[np.float64],
    reference: NDArray[np.float64],
    classes: Sequence[str],
    names: tuple[str, str],
) -> go.Figure:
    """How much better or worse than the reference two models are on each class.

    Arguments:
        accuracy: Of the two, (2, c); nan without images.
        reference: Of the reference, (c,).
        classes: What the classes are called.
        names: Of the two models.
    """
    figure = go.Figure()
    for row, name, colour in zip(accuracy, names, PAIR, strict=True):
        there = ~np.isnan(row)
        figure.add_bar(
            x=[escape(one) for one, is_there in zip(classes, there, strict=True) if is_there],
            y=(row - reference)[there],
            name=escape(name),
            marker={"color": colour},
            hovertemplate="%{x}: %{y:+.3f}<extra>" + escape(name) + "</extra>",
        )
    figure.update_yaxes(title="accuracy less reference", zeroline=True)
    return plain(figure.update_layout(barmode="group"), 320)


def answer_matrix(
    answers: NDArray[np.int64], classes: Sequence[str], names: tuple[str, str]
) -> go.Figure:
    """How often A says one class and B another, as bubbles; the diagonal is where they agree.

    Arguments:
        answers: Counts, (c, c): rows are A's answers.
        classes: What the classes are called.
        names: Of the two models.
    """
    largest = float(np.clip(320 / len(classes), 7, 26))  # pixels, about the room of a class
    rows, columns = np.nonzero(answers)
    counts = answers[rows, columns]
    agree = rows == columns
    figure = go.Figure()
    for name, mine, colour in (
        ("they agree", agree, COLOURS["unseen"]),
        ("they differ", ~agree, COLOURS["forgotten"]),
    ):
        said = [
            f"A {escape(classes[i])}, B {escape(classes[j])}: {n}"
            for i, j, n in zip(rows[mine], columns[mine], counts[mine], strict=True)
        ]
        figure.add_scatter(
            x=columns[mine],
            y=rows[mine],
            mode="markers",
            name=name,
            text=said,
            hovertemplate="%{text}<extra></extra>",
            marker={
                "size": counts[mine],
                "sizemode": "area",
                "sizeref": max(int(answers.max()), 1) / largest**2,
                "sizemin": 3,
                "color": colour,
            },
        )
    every = list(range(len(classes)))
    some = every[:: max(len(every) // 20, 1)]
    axis = {"tickvals": some, "ticktext": [escape(classes[i]) for i in some]}
    figure.update_xaxes(title=f"B: {escape(names[1])}", **axis)
    figure.update_yaxes(title=f"A: {escape(names[0])}", autorange="reversed", **axis)
    figure.update_layout(legend={"itemsizing": "constant"})  # however small the bubbles are
    return plain(figure, 460)


def two_maps(
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    marks: Sequence[str],
    titles: Sequence[str],
    names: tuple[str, str],
) -> go.Figure:
    """The same images as two models see them, with lines between those to forget.

    Arguments:
        places: Of A and B, each (n, 2), of about the same size and turned alike.
        marks: "forget" or another set, of each image.
        titles: What to call each image.
        names: Of the two models.
    """
    spread = max(float(np.ptp(one[:, 0])) for one in places)
    left, right = places[0], places[1] + np.array([1.25 * spread, 0])
    gone = np.array(marks) == "forget"
    figure = go.Figure()
    nothing = np.full(int(gone.sum()), np.nan)
    figure.add_scatter(
        x=np.stack([left[gone, 0], right[gone, 0], nothing], 1).ravel(),
        y=np.stack([left[gone, 1], right[gone, 1], nothing], 1).ravel(),
        mode="lines",
        name="the same photograph",
        hoverinfo="skip",
        line={"color": COLOURS["forgotten"], "width": 0.7},
        opacity=0.6,
    )
    both, twice = np.concatenate([left, right]), np.concatenate([gone, gone])
    text = np.array([escape(one) for one in titles] * 2)
    for name, mine, colour, symbol in (
        ("others", ~twice, COLOURS["retained"], "circle"),
        ("to forget", twice, COLOURS["forgotten"], "x"),
    ):
        figure.add_scatter(
            x=both[mine, 0],
            y=both[mine, 1],
            mode="markers",
            name=name,
            text=text[mine],
            hovertemplate="%{text}<extra>" + name + "</extra>",
            marker={"color": colour, "symbol": symbol, "size": 6, "opacity": 0.75},
        )
    for name, points in zip(names, (left, right), strict=True):
        figure.add_annotation(
            x=float(points[:, 0].mean()), y=1.02, yref="paper", text=escape(name), showarrow=False
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    figure = plain(figure, 420)
    return figure.update_layout(legend={"y": -0.02, "yanchor": "top"})


def similarity_bars(similar: Mapping[str, Sequence[float]]) -> go.Figure:
    """Linear CKA to the reference, stage by stage.

    Arguments:
        similar: By name of the model: one value for each stage, from the image on.
    """
    figure = go.Figure()
    for (name, values), colour in zip(similar.items(), PAIR, strict=False):
        figure.add_bar(
            x=[f"stage {i}" for i in range(1, len(values) + 1)],
            y=list(values),
            name=escape(name),
            marker={"color": colour},
            hovertemplate="%{x}: %{y:.3f}<extra>" + escape(name) + "</extra>",
        )
    figure.update_yaxes(title="likeness to the reference (CKA)", range=[0, 1])
    return plain(figure.update_layout(barmode="group"), 300)


def relearning_lines(curves: Mapping[str, NDArray[np.float64]], reference: str) -> go.Figure:
    """Accuracy on forgotten images that were not shown, by passes over those that were.

    Arguments:
        curves: By title of the model, (passes + 1,) each, in [0, 1].
        reference: Title of the one that was trained again, which is dashed.
    """
    figure = go.Figure()
    colours = iter(PAIR)
    for title, curve in curves.items():
        dashed = {"color": COLOURS["unseen"], "dash": "dash"}
        figure.add_scatter(
            x=np.arange(len(curve)),
            y=curve,
            mode="lines+markers",
            name=escape(title),
            line=dashed if title == reference else {"color": next(colours)},
            marker={"size": 5},
            hovertemplate="pass %{x}: %{y:.0%}<extra>" + escape(title) + "</extra>",
        )
    figure.update_xaxes(title="passes over the images shown")
    figure.update_yaxes(title="known again", range=[-0.02, 1.04], tickformat=".0%")
    return plain(figure, 300)

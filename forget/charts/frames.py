"""The frame and the lines that all charts of runs share."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from forget.charts.people import COLOURS, plain
from forget.charts.series import Series

__all__ = [
    *("METHOD_COLOURS", "SET_COLOURS", "draw", "end_labels", "framed", "level", "method_colour"),
]

# Okabe and Ito first; the same colour for a method, and for a set, in every chart.
METHOD_COLOURS = {
    "original": "#0072B2",
    "retrain": "#8A8A8A",
    "kl_uniform": "#D55E00",
    "finetune": "#009E73",
    "subtract": "#CC79A7",
    "unlearned": "#D55E00",
}
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#7A6A00", "#6A3D9A", "#5D5D5D")
SET_COLOURS = {
    "forget": COLOURS["forgotten"],
    "retain": COLOURS["retained"],
    "test": "#009E73",
    "unseen": COLOURS["unseen"],
    "train": "#56B4E9",
}
WIDTH = 105  # characters of a line below a title
ROOM = 0.045  # of the axis's height, between two labels


def method_colour(method: str) -> str:
    """The colour of a method, the same everywhere."""
    other = OTHER_COLOURS[zlib.crc32(method.encode()) % len(OTHER_COLOURS)]
    return METHOD_COLOURS.get(method, other)


def framed(figure: go.Figure, title: str, about: str = "", height: int = 420) -> go.Figure:
    """Puts a title and, below it, whose numbers these are above a chart."""
    lines = [escape(line) for line in _lines(about)]
    right = figure.layout.margin.r or 8  # where the labels of lines stand
    plain(figure, height + 16 + 17 * len(lines))
    figure.update_layout(
        title={
            "text": f"<b>{escape(title)}</b>",
            "subtitle": {"text": "<br>".join(lines), "font": {"size": 13}},
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 10, "l": 8},
            "font": {"size": 16},
        },
        margin={"t": 82 + 17 * len(lines), "l": 8, "r": right, "b": 8},
        hovermode="closest",
    )
    return figure


def _lines(about: str) -> list[str]:
    """Breaks a text between its parts, and a part only where it is too long by itself."""
    lines: list[str] = []
    for part in about.split(" · "):
        if lines and len(lines[-1]) + len(part) + 3 <= WIDTH:
            lines[-1] += f" · {part}"
        else:
            lines += wrap(part, WIDTH)
    return lines


def draw(
    figure: go.Figure,
    line: Series,
    name: str,
    style: Mapping[str, Any],
    **where: Any,  # noqa: ANN401 - as plotly takes them
) -> None:
    """Adds a line with markers, over a band from the lowest to the highest seed.

    Arguments:
        figure: What to draw on.
        line: Its values.
        name: What to call it, escaped.
        style: Colour; and dash, width and symbol where they are not usual.
        where: Row and column in a figure of several, and options of the line.
    """
    colour, form = style["colour"], style.get("format", ".1%")
    if line.seeds > 1:
        place = {key: where[key] for key in ("row", "col") if key in where}
        _band(figure, line, _faded(colour, 0.13), place)
    figure.add_scatter(
        x=line.epoch,
        y=line.mean,
        mode="lines+markers",
        name=name,
        line={"color": colour, "dash": style.get("dash", "solid"), "width": style.get("width", 2)},
        marker={"symbol": style.get("symbol", "circle"), "size": style.get("size", 7)},
        hovertemplate="%{fullData.name}<br>epoch %{x}: %{y:" + form + "}<extra></extra>",
        cliponaxis=False,
        **{"showlegend": False, **where},
    )


def _band(figure: go.Figure, line: Series, colour: str, place: Mapping[str, int]) -> None:
    figure.add_scatter(
        x=[*line.epoch, *line.epoch[::-1]],
        y=[*line.high, *line.low[::-1]],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=colour,
        hoverinfo="skip",
        showlegend=False,
        **place,
    )


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def end_labels(
    figure: go.Figure, labels: Iterable[tuple[float, str, str]], top: float, count: int = 0
) -> None:
    """Writes names to the right of the lines' ends, moved apart where they would overlap.

    Arguments:
        figure: What to write on; its y axis goes from 0 to `top`.
        labels: Height, text and colour of each.
        top: The upper end of the axis.
        count: Characters to leave room for; by default those of the longest.
    """
    labels = sorted(labels, key=lambda label: label[0])
    heights = _apart([height / top for height, _, _ in labels])
    for height, (_, text, colour) in zip(heights, labels, strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            y=height * top,
            text=text,
            showarrow=False,
            xanchor="left",
            xshift=14,
            font={"color": colour, "size": 12},
        )
    longest = max([count, *(len(text) for _, text, _ in labels)])
    figure.update_layout(margin={"r": 28 + 7 * longest})


def _apart(heights: Sequence[float]) -> list[float]:
    """Moves increasing heights at least ROOM apart, none above 1."""
    moved = list(heights)
    room = min(ROOM, 1 / max(1, len(moved)))
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + room)
    limit = 1.0
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - room
    return moved


def level(figure: go.Figure, height: float, text: str) -> None:
    """Draws a thin dashed line across, with a word at its left end."""
    figure.add_hline(
        y=height,
        line={"dash": "dash", "color": COLOURS["unseen"], "width": 1},
        annotation={"text": text, "font": {"color": COLOURS["unseen"], "size": 12}},
        annotation_position="top left",
    )

"""Bars of runs to plotly figures: methods side by side, probabilities, and the attack's losses."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from forget.charts.frames import framed, method_colour
from forget.charts.people import COLOURS
from forget.charts.series import (
    TRAINED,
    context,
    last,
    method_title,
    percent,
    values_or_error,
)

__all__ = ["loss_histogram", "method_bars", "probability_bars"]

BINS = (12, 50)  # at least and at most
FLOOR = 1e-6  # losses below are drawn here: 0 has no place on a logarithmic axis
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # between marks
GROUPS = {"forget": "to forget", "retain": "to keep", "test": "held out"}


def method_bars(table: pd.DataFrame, params: Mapping[str, Any]) -> go.Figure:
    """Accuracy on three sets and the attack's distance from guessing, of each method at its end.

    Several seeds give their mean, with a whisker from the lowest to the highest. The reference is
    hatched.

    Arguments:
        table: Columns seed, method, epoch, split, metric, value.
        params: The settings of the run.

    Raises:
        ForgetError: No method was evaluated yet.
    """
    known = list(dict.fromkeys([*TRAINED, *params["methods"], *table["method"]]))
    evaluated = [name for name in known if len(last(table, name, "forget", "accuracy"))]
    values_or_error(bool(evaluated), table, "methods with an accuracy on what is to be forgotten")
    figure = make_subplots(1, 2, column_widths=[0.74, 0.26], horizontal_spacing=0.1)
    for name in evaluated:
        of_set = [last(table, name, split, "accuracy") for split in GROUPS]
        _method(figure, name, list(GROUPS.values()), of_set, column=1)
        gap = last(table, name, "", "mia gap")
        if len(gap):
            _method(figure, name, [""], [gap], column=2)
    figure.update_yaxes(title="accuracy", range=[0, 1.06], tickformat=".0%", col=1)
    figure.update_yaxes(title="distance from guessing", range=[0, 0.53], tickformat=".0%", col=2)
    figure.update_yaxes(tickvals=[0, 0.25, 0.5, 0.75, 1], col=1)
    figure.update_xaxes(title="membership attack", col=2)
    framed(figure, "Methods compared", context(table, params, None, None))
    figure.update_layout(barmode="group", bargap=0.2, scattermode="group", scattergap=0.2)
    return figure


def _method(
    figure: go.Figure,
    name: str,
    groups: Sequence[str],
    of_seed: Sequence[NDArray[np.float64]],
    column: int,
) -> None:
    """Adds one bar a group, its height the mean over seeds; a group may have no value."""
    kept = [(group, one) for group, one in zip(groups, of_seed, strict=True) if len(one)]
    means = [float(one.mean()) for _, one in kept]
    highs = [float(one.max()) for _, one in kept]
    reference = name == "retrain"
    figure.add_bar(
        x=[group for group, _ in kept],
        y=means,
        name=escape(method_title(name)) + (" (reference)" if reference else ""),
        legendgroup=name,
        showlegend=column == 1,
        marker={
            "color": method_colour(name),
            "pattern": {
                "shape": "/" if reference else "",
                "fillmode": "overlay",
                "fgcolor": "white",
                "size": 6,
            },
        },
        offsetgroup=name,
        hovertemplate="%{fullData.name}<br>%{x}: %{y:.1%}<extra></extra>",
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - mean for high, mean in zip(highs, means, strict=True)],
            "arrayminus": [float(one.mean() - one.min()) for _, one in kept],
            "visible": max(len(one) for one in of_seed) > 1,
            "thickness": 1,
        },
        row=1,
        col=column,
    )
    _values_above(figure, name, [group for group, _ in kept], means, highs, column)


def _values_above(
    figure: go.Figure,
    name: str,
    groups: Sequence[str],
    means: Sequence[float],
    highs: Sequence[float],
    column: int,
) -> None:
    """Writes the means above the whiskers, on which the text of the bars themselves would lie."""
    figure.add_scatter(
        x=list(groups),
        y=list(highs),
        mode="text",
        text=[f"{100 * mean:.0f}" if column == 1 else f"{100 * mean:.1f}" for mean in means],
        textposition="top center",
        offsetgroup=name,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
        row=1,
        col=column,
    )


def probability_bars(
    classes: Sequence[str], probabilities: Mapping[str, ArrayLike], title: str = ""
) -> go.Figure:
    """What several models say about one image: a group of bars for each class.

    Arguments:
        classes: Names of the c classes.
        probabilities: Model ("original", "unlearned", "retrained", or a method) to
            probabilities, (c,).
        title: What to write above.
    """
    figure = go.Figure()
    for name, values in probabilities.items():
        method = "retrain" if name == "retrained" else name
        figure.add_bar(
            x=[escape(one) for one in classes],
            y=np.asarray(values, dtype=float),
            name=escape(name),
            marker={
                "color": method_colour(method),
                "pattern": {
                    "shape": "/" if method == "retrain" else "",
                    "fillmode": "overlay",
                    "fgcolor": "white",
                },
            },
            hovertemplate="%{fullData.name}<br>%{x}: %{y:.1%}<extra></extra>",
        )
    figure.update_yaxes(title="probability", range=[0, 1], tickformat=".0%")
    figure.update_xaxes(type="category")
    framed(figure, title, height=340)
    figure.update_layout(barmode="group")
    return figure


def loss_histogram(
    members: ArrayLike,
    non_members: ArrayLike,
    threshold: float | None,
    accuracy: float | None,
    title: str = "",
) -> go.Figure:
    """Losses of the images to forget, upwards, against those of others, downwards.

    Where the two shapes are alike, their losses do not tell them apart.

    Arguments:
        members: Cross-entropy of the images to forget, (m,), nats.
        non_members: Of images that were never trained on, (n,), nats.
        threshold: The loss at which the attack is undecided; None if there is none.
        accuracy: Share of images that the attack tells rightly; None if unknown.
        title: Whose losses they are.
    """
    exponents = [
        np.log10(np.maximum(np.asarray(one, dtype=float), FLOOR)) for one in (members, non_members)
    ]
    both = np.concatenate(exponents)
    low, high = np.floor(both.min(initial=-1)), np.ceil(both.max(initial=1))
    fewer = min(len(one) for one in exponents)
    edges = np.linspace(low, high, int(np.clip(2 * np.sqrt(fewer), *BINS)) + 1)
    figure = go.Figure()
    tops = [
        _shape(figure, exponents[0], edges, 1, "to forget", COLOURS["forgotten"]),
        _shape(figure, exponents[1], edges, -1, "never trained on", COLOURS["unseen"]),
    ]
    if threshold is not None and threshold > 0:
        _threshold(figure, threshold)
    _loss_axes(figure, low, high, 1.1 * max(tops) or 1.0)
    told = "" if accuracy is None else f"the attack tells {percent(accuracy)} rightly"
    about = " · ".join(word for word in (title, told, "guessing 50 %" if told else "") if word)
    framed(figure, "Do the losses give the forgotten away?", about)
    figure.update_layout(barmode="overlay", bargap=0)
    return figure


def _shape(
    figure: go.Figure,
    values: NDArray[np.float64],
    edges: NDArray[np.float64],
    sign: int,
    name: str,
    colour: str,
) -> float:
    """Adds one histogram of decimal exponents, up or down; returns its highest share."""
    shares = np.histogram(values, edges)[0] / max(1, len(values))
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=sign * shares,
        width=edges[1] - edges[0],
        name=f"{name} ({len(values):,} images)",
        marker={"color": colour, "line": {"width": 0}},
        customdata=np.stack([10 ** edges[:-1], 10 ** edges[1:], shares], axis=1),
        hovertemplate="loss %{customdata[0]:.2g} to %{customdata[1]:.2g}: "
        "%{customdata[2]:.1%}<extra>" + name + "</extra>",
    )
    return float(shares.max())


def _threshold(figure: go.Figure, threshold: float) -> None:
    figure.add_vline(
        x=float(np.log10(max(threshold, FLOOR))),
        line={"dash": "dash", "width": 1.5, "color": COLOURS["retained"]},
        annotation={
            "text": f"the attack decides here, {threshold:.3g}",
            "font": {"color": COLOURS["retained"], "size": 12},
        },
        annotation_position="top",
    )


def _loss_axes(figure: go.Figure, low: float, high: float, top: float) -> None:
    exponents = np.arange(low, high + 1)
    names = [f"{10.0**exponent:g}" for exponent in exponents]
    if low == np.log10(FLOOR):
        names[0] = f"≤ {names[0]}"
    figure.update_xaxes(
        title="cross-entropy of an image, nats (logarithmic)",
        range=[low, high],
        tickvals=exponents,
        ticktext=names,
        zeroline=False,
    )
    step = next(step for step in STEPS if top / step < 5)
    ticks = step * np.arange(-5, 6)
    figure.update_yaxes(
        title="share of the images",
        range=[-top, top],
        tickvals=ticks,
        ticktext=[f"{100 * abs(tick):g}%" for tick in ticks.round(6)],
    )

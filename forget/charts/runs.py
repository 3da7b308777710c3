"""Tables of runs to plotly figures: pure functions, shared by the pages and plot_results.py."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forget.charts.bars import loss_histogram, method_bars, probability_bars
from forget.charts.frames import METHOD_COLOURS, SET_COLOURS, draw, end_labels, framed, level
from forget.charts.people import COLOURS
from forget.charts.series import (
    DATASETS,
    Series,
    context,
    last,
    method_title,
    percent,
    series,
    set_titles,
    unfinished,
    unseen_title,
    values_or_error,
)

__all__ = [
    "METHOD_COLOURS",
    "class_accuracy_curves",
    "loss_curves",
    "loss_histogram",
    "method_bars",
    "overlay",
    "probability_bars",
    "set_accuracy_curves",
]

OF_CLASS = "accuracy: "
COMPARED = ("forget", "test")
SETS = ("forget", "retain", "test", "unseen", "train")
ON_SET = {
    "forget": "the images to forget",
    "retain": "the images to keep",
    "test": "held-out images",
}
# Two rounds, the second dotted, tell ten classes apart; the forgotten have a colour of their own.
CALM = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#7A6A00")
RUN_COLOURS = (*CALM[:2], "#D55E00", *CALM[2:])
SIGNS = dict(
    zip(("circle", "square", "diamond", "triangle-up", "triangle-down"), "●■◆▲▼", strict=True)
)
OPEN_SIGNS = dict(zip((f"{symbol}-open" for symbol in SIGNS), "○□◇△▽", strict=True))
ALL_SIGNS = {**SIGNS, **OPEN_SIGNS}


def class_accuracy_curves(
    table: pd.DataFrame,
    params: Mapping[str, Any],
    method: str,
    seed: int | None = None,
    split: str = "test",
) -> go.Figure:
    """Accuracy of each class against the epoch; the forgotten classes stand out.

    Arguments:
        table: Columns seed, method, epoch, split, metric, value.
        params: The settings of the run.
        method: Whose rows to draw.
        seed: One seed; or None for the mean of all, with a band from the lowest to the highest.
        split: The set on which accuracy was measured.

    Raises:
        ForgetError: The table has no accuracy of a class for it.
    """
    gone = set(params["forget_class"])
    lines = {
        name: line
        for name in params["classes"]
        if (line := series(table, method, split, OF_CLASS + name, seed)) is not None
    }
    values_or_error(bool(lines), table, f"accuracies of classes of {method!r} on {split!r}")
    figure, labels = go.Figure(), []
    styles = dict(_class_styles(list(lines), gone))
    for name in sorted(lines, key=lambda name: name in gone):  # the forgotten lie on top
        line, style = lines[name], styles[name]
        draw(figure, line, escape(name), style)
        text = f"{ALL_SIGNS[style['symbol']]} {escape(name)}"
        text = f"<b>{text}, forgotten</b>" if name in gone else text
        labels.append((float(line.mean[-1]), text, style["colour"]))
    _chance(figure, len(params["classes"]))
    end_labels(figure, labels, top=1)
    _epochs(figure, method, list(lines.values()))
    _shares(figure, "accuracy")
    unseen = f"images {unseen_title(params['forget_class'])}"
    where = unseen if split == "unseen" else ON_SET.get(split, split)
    title = f"Accuracy of each class on {where}"
    return framed(figure, title, context(table, params, method, seed))


def _class_styles(names: Sequence[str], gone: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    count = {True: 0, False: 0}
    for name in names:
        place = count[name in gone]
        count[name in gone] += 1
        symbol = list(ALL_SIGNS)[place % len(ALL_SIGNS)]
        if name in gone:
            dash = ("solid", "dash", "dot", "dashdot")[place % 4]
            style = {"colour": COLOURS["forgotten"], "width": 4, "size": 10, "dash": dash}
        else:
            dash = "solid" if place < len(CALM) else "dot"
            style = {"colour": CALM[place % len(CALM)], "width": 1.5, "size": 7, "dash": dash}
        yield name, {**style, "symbol": symbol}


def set_accuracy_curves(
    table: pd.DataFrame, params: Mapping[str, Any], method: str, seed: int | None = None
) -> go.Figure:
    """Accuracy on each set against the epoch, beside that of the retrained reference, dashed.

    Arguments:
        table: Columns seed, method, epoch, split, metric, value.
        params: The settings of the run.
        method: Whose rows to draw.
        seed: One seed; or None for the mean of all, with a band from the lowest to the highest.

    Raises:
        ForgetError: The table has no accuracy for it.
    """
    figure = _set_curves(table, params, method, seed, "accuracy")
    _chance(figure, len(params["classes"]))
    _shares(figure, "accuracy")
    return framed(figure, "Accuracy on each set", context(table, params, method, seed))


def loss_curves(
    table: pd.DataFrame, params: Mapping[str, Any], method: str, seed: int | None = None
) -> go.Figure:
    """Mean cross-entropy on each set against the epoch, beside that of the reference, dashed.

    Arguments:
        table: Columns seed, method, epoch, split, metric, value.
        params: The settings of the run.
        method: Whose rows to draw.
        seed: One seed; or None for the mean of all, with a band from the lowest to the highest.

    Raises:
        ForgetError: The table has no loss for it.
    """
    figure = _set_curves(table, params, method, seed, "loss")
    return framed(figure, "Loss on each set", context(table, params, method, seed))


def _set_curves(
    table: pd.DataFrame, params: Mapping[str, Any], method: str, seed: int | None, metric: str
) -> go.Figure:
    titles = set_titles(params["forget_class"])
    lines = {
        split: line
        for split in SETS
        if (line := series(table, method, split, metric, seed)) is not None
    }
    values_or_error(bool(lines), table, f"{metric} of {method!r}")
    reference = {
        split: float(values.mean())
        for split in lines
        if method != "retrain" and len(values := last(table, "retrain", split, metric, seed))
    }
    figure, labels = go.Figure(), []
    for split, line in lines.items():
        form = ".1%" if metric == "accuracy" else ".3f"
        draw(figure, line, titles[split], {"colour": SET_COLOURS[split], "format": form})
        value = float(line.mean[-1])
        text = percent(value) if metric == "accuracy" else f"{value:.3g}"
        labels.append((value, f"{titles[split]} {text}", SET_COLOURS[split]))
    span = _epochs(figure, method, list(lines.values()))
    _reference_lines(figure, reference, titles, span)
    highest = max([1e-9, *reference.values(), *(line.high.max() for line in lines.values())])
    top = 1.0 if metric == "accuracy" else 1.08 * float(highest)
    end_labels(figure, labels, top)
    if metric == "loss":
        figure.update_yaxes(title="mean cross-entropy, nats", range=[0, top], zeroline=False)
    return figure


def _reference_lines(
    figure: go.Figure,
    of_split: Mapping[str, float],
    titles: Mapping[str, str],
    span: Sequence[float],
) -> None:
    """Draws dashed lines across, and says once what they are."""
    for split, value in of_split.items():
        figure.add_scatter(
            x=list(span),
            y=[value, value],
            mode="lines",
            line={"dash": "dash", "width": 1.5, "color": SET_COLOURS[split]},
            name=f"{titles[split]}, retrained without it",
            hovertemplate="%{fullData.name}: %{y:.3f}<extra></extra>",
            showlegend=False,
        )
    if of_split:
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"dash": "dash", "width": 1.5, "color": COLOURS["unseen"]},
            name="dashed: the model retrained without it",
            showlegend=True,
        )


def overlay(
    runs: Sequence[tuple[str, pd.DataFrame, Mapping[str, Any]]], method: str | None = None
) -> go.Figure:
    """Several runs in one chart: accuracy on the images to forget, and on held-out ones.

    Arguments:
        runs: Label, table and settings of each.
        method: Whose rows to draw; by default the first of the methods of each run that has any.

    Raises:
        ForgetError: No run has such accuracies.
    """
    titles = [set_titles([])[split] for split in COMPARED]
    figure = make_subplots(1, 2, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.04)
    lines, without = [], []
    for place, (label, table, params) in enumerate(runs):
        found = {
            name: pair
            for name in ([method] if method else params["methods"])
            if any(pair := [series(table, name, split, "accuracy") for split in COMPARED])
        }
        if not found:
            without.append(f"nothing unlearned yet in {label}")
            continue
        name, pair = next(iter(found.items()))
        state = unfinished(table, params, name)
        text = " · ".join([label, method_title(name), *([state] if state else [])])
        lines += _pair(figure, pair, text, place)
    values_or_error(bool(lines), pd.concat([table for _, table, _ in runs]), "accuracies")
    _epochs(figure, method or "", lines)
    _shares(figure, "accuracy")
    figure.update_yaxes(title=None, col=2)
    if len(classes := {len(params["classes"]) for _, _, params in runs}) == 1:
        _chance(figure, classes.pop())
    datasets = sorted({DATASETS.get(one["dataset"], one["dataset"]) for _, _, one in runs})
    about = " · ".join([", ".join(datasets), *without])
    framed(figure, "Runs compared", about, height=360 + 22 * len(runs))
    legend = {"orientation": "v", "y": 0, "yanchor": "bottom", "yref": "container", "x": 0}
    figure.update_layout(legend=legend, margin={"b": 60 + 22 * len(runs)})
    return figure


def _pair(figure: go.Figure, pair: Sequence[Series | None], text: str, place: int) -> list[Series]:
    """Draws one run in both halves, one entry in the legend; returns what was drawn."""
    style = {
        "colour": RUN_COLOURS[place % len(RUN_COLOURS)],
        "symbol": list(ALL_SIGNS)[place % len(ALL_SIGNS)],
        "dash": "solid" if place < len(RUN_COLOURS) else "dot",
    }
    drawn = [(column, line) for column, line in enumerate(pair, start=1) if line is not None]
    for column, line in drawn:
        options = {"showlegend": column == drawn[0][0], "legendgroup": str(place)}
        draw(figure, line, escape(text), style, row=1, col=column, **options)
    return [line for _, line in drawn]


def _epochs(figure: go.Figure, method: str, lines: Sequence[Series]) -> list[float]:
    """Labels the x axis with whole epochs; returns its ends."""
    first = min(int(line.epoch[0]) for line in lines)
    final = max(int(line.epoch[-1]) for line in lines)
    training = method in ("original", "retrain")
    room = 0.03 * max(1, final - first)
    # A single epoch stands at the right, beside its labels.
    span = [first - (room if first < final else 1), final + room]
    figure.update_xaxes(
        title="epoch of training" if training else "epoch of unlearning (0 is before)",
        range=span,
        tickvals=list(range(first, final + 1, max(1, -(-(final - first) // 12)))),
        zeroline=False,
    )
    return span


def _chance(figure: go.Figure, classes: int) -> None:
    level(figure, 1 / classes, f"chance {percent(1 / classes)}")


def _shares(figure: go.Figure, title: str) -> None:
    figure.update_yaxes(title=title, range=[0, 1], tickformat=".0%", zeroline=False)

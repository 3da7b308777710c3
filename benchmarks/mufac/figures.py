"""The README's figures of MUFAC, drawn from benchmarks/mufac.csv."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmarks.mufac.standard import STAGE, TRIALS
from benchmarks.mufac.tables import CORES, values_of
from forget.charts.files import write_pictures
from forget.charts.people import COLOURS, plain
from forget.linearizations import LINEARIZATIONS

__all__ = ["draw", "gap_figure", "price_figure"]

HEIGHT = 420  # pixels
# Okabe and Ito; blue and vermilion stand for people who stay and people who go.
OTHERS = ("#009E73", "#E69F00", "#56B4E9", "#CC79A7")


def draw(table: pd.DataFrame, side: int, folder: Path) -> list[Path]:
    """Writes the figures that a size has rows for, as SVG; returns where they are.

    Raises:
        ForgetError: There is no Chrome or Chromium to draw them.
    """
    mine = table[table["side"] == side]
    found = {"price": price_figure(mine), "gap": gap_figure(mine)}
    files = {
        folder / f"mufac-{name}-{side}.svg": figure
        for name, figure in found.items()
        if figure is not None
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_pictures(files)
    return list(files)


def price_figure(table: pd.DataFrame) -> go.Figure | None:
    """Accuracy on test and unseen images over the share of people in the core; first seed."""
    first = table[table["seed"] == table["seed"].min()]
    figure, shares = go.Figure(), [int(share) for share in CORES]
    lines = {"network alone": ("network, core {}%", "network", "benchmark", COLOURS["unseen"])}
    for kind, colour in zip(LINEARIZATIONS, OTHERS, strict=True):
        title = LINEARIZATIONS[kind].title.lower()
        lines[title] = (f"{kind}, core {{}}%", f"{kind}, added", "nobody", colour)
    for title, (stage, model, forget, colour) in lines.items():
        found = [
            values_of(first, stage.format(share), model, forget, "test and unseen")
            for share in shares
        ]
        points = [(s, v[0]) for s, v in zip(shares, found, strict=True) if len(v)]
        if points:
            x, y = zip(*points, strict=True)
            line = {"color": colour}
            figure.add_scatter(x=x, y=y, name=title, mode="lines+markers", line=line)
    whole = values_of(first, "network, everybody", "network", "benchmark", "test and unseen")
    if not len(figure.data):
        return None
    if len(whole):
        figure.add_hline(
            float(whole[0]),
            line={"dash": "dash", "color": COLOURS["unseen"]},
            annotation_text="network trained on everybody",
            annotation_position="bottom right",
        )
    figure.update_xaxes(title="people in the core, %", tickvals=shares)
    figure.update_yaxes(title="accuracy on test and unseen images")
    return plain(figure, HEIGHT)


def gap_figure(table: pd.DataFrame) -> go.Figure | None:
    """Gap of approximate steps to the reference over their share of its cost; mean and range."""
    figure = go.Figure()
    colours = dict(zip(("finetune", "newton_cg", "tangent_step"), OTHERS, strict=False))
    for method, colour in colours.items():
        trials = [name for name in TRIALS if name.startswith(method)]
        _add_points(figure, table, method, trials, colour)
    if not len(figure.data):
        return None
    before = values_of(table, STAGE.format("before"), "before", "benchmark", "gap")
    figure.add_hline(
        float(before.mean()),
        line={"dash": "dash", "color": COLOURS["unseen"]},
        annotation_text="nothing done",
        annotation_position="bottom right",
    )
    figure.update_xaxes(title="share of the cost of training again", type="log", tickformat=".1%")
    figure.update_yaxes(title="mean gap to the reference", rangemode="tozero")
    return plain(figure, HEIGHT)


def _add_points(
    figure: go.Figure, table: pd.DataFrame, method: str, trials: Sequence[str], colour: str
) -> None:
    found = []
    for name in trials:
        stage = STAGE.format(name)
        gaps = values_of(table, stage, name, "benchmark", "gap")
        shares = values_of(table, stage, name, "benchmark", "share of retraining")
        if len(gaps):
            said = name.removeprefix(f"{method}, ")
            found.append((float(shares.mean()), gaps.mean(), gaps.min(), gaps.max(), said))
    if not found:
        return
    share, mean, low, high, said = zip(*sorted(found), strict=True)
    reach = np.array(mean)
    figure.add_scatter(
        x=share,
        y=mean,
        name=method,
        mode="markers",
        text=said,
        hovertemplate="%{text}: %{y:.3f} at %{x:.1%}<extra></extra>",
        marker={"color": colour, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.array(high) - reach,
            "arrayminus": reach - np.array(low),
            "thickness": 1,
        },
    )

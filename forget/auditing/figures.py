"""Figures of an audit: pure functions."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forget.auditing.outcome import Audit
from forget.charts.people import COLOURS, plain, roomy
from forget.metrics.detection import Detection
from forget.metrics.verdict import Verdict

__all__ = ["figures", "histogram", "lines_chart", "relearning", "roc", "who_was_hurt"]

REFERENCE = "#009E73"
ROOMY = 0.01  # two decades: on a longer axis only whole ones are told apart on a phone
MARKS = {Verdict.PASS: "circle", Verdict.FAIL: "x", Verdict.UNKNOWN: "circle-open"}


def figures(audit: Audit) -> dict[str, go.Figure]:
    """All figures that an audit has data for, by title."""
    found = {
        f"{audit.done.capitalize()} and never there, question by question": lines_chart(audit)
    }
    for title, attack in (("Best scores", audit.plain), ("Shadow statistics", audit.shadows)):
        if attack is not None and attack.scored:
            found[f"{title}: who was learned, who never was"] = histogram(attack, done=audit.done)
            found[f"{title}: true against false alarms"] = roc(attack)
    if len(audit.relearned):
        found["Enrolled again"] = relearning(audit.relearned, audit.done)
    if len(audit.collateral):
        found["Everybody else"] = who_was_hurt(audit.collateral, audit.done)
    return found


def lines_chart(audit: Audit) -> go.Figure:
    """Each question as a difference with its interval, the margin as a band."""
    figure = go.Figure()
    names = [line.question for line in audit.lines][::-1]
    margin = max(line.margin for line in audit.lines)
    figure.add_vrect(-margin, margin, fillcolor=COLOURS["unseen"], opacity=0.15, line_width=0)
    figure.add_vline(0, line={"color": COLOURS["unseen"], "dash": "dash"})
    for verdict, symbol in MARKS.items():
        mine = [line for line in audit.lines if line.verdict is verdict]
        if not mine:
            continue
        colour = COLOURS["forgotten"] if verdict is Verdict.FAIL else COLOURS["retained"]
        figure.add_scatter(
            x=[line.difference for line in mine],
            y=[line.question for line in mine],
            mode="markers",
            name=verdict.value,
            marker={"symbol": symbol, "size": 11, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [line.interval[1] - line.difference for line in mine],
                "arrayminus": [line.difference - line.interval[0] for line in mine],
            },
            hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        )
    beside = [line for line in audit.lines if not np.isnan(line.reference)]
    if beside:
        figure.add_scatter(
            x=[line.reference - line.target for line in beside],
            y=[line.question for line in beside],
            mode="markers",
            name="reference",
            marker={"symbol": "line-ns", "size": 18, "line": {"width": 2, "color": REFERENCE}},
            hovertemplate="reference, %{y}: %{x:+.3f}<extra></extra>",
        )
    what = "chance" if audit.goal == "suppression" else "never there"
    figure.update_xaxes(title=f"{audit.done} less {what}")
    figure.update_yaxes(categoryorder="array", categoryarray=names)
    return plain(figure, 120 + 36 * len(names))


def histogram(
    attack: Detection, threshold: float | None = None, done: str = "forgotten"
) -> go.Figure:
    """Scores of members upwards, of the others downwards, with a threshold if one is given."""
    both = np.concatenate([attack.members, attack.others])
    edges = np.linspace(both.min(), both.max(), 31) if np.ptp(both) else both[0] + np.arange(-1, 2)
    middle = (edges[:-1] + edges[1:]) / 2
    figure, tallest = go.Figure(), 0.0
    for name, scores, sign, colour in (
        (f"learned, then {done}", attack.members, 1, COLOURS["forgotten"]),
        ("never there", attack.others, -1, COLOURS["unseen"]),
    ):
        share = np.histogram(scores, edges)[0] / len(scores)
        tallest = max(tallest, float(share.max()))
        figure.add_bar(
            x=middle,
            y=sign * share,
            name=name,
            customdata=share,
            marker={"color": colour},
            hovertemplate="%{x:.3g}: %{customdata:.1%}<extra>" + name + "</extra>",
        )
    if threshold is not None:
        figure.add_vline(threshold, line={"dash": "dot", "color": COLOURS["retained"]})
    figure.update_xaxes(title="score")
    step = next(one for one in (0.05, 0.1, 0.25, 0.5) if tallest <= 4 * one or one == 0.5)
    ticks = np.arange(-round(1 / step), round(1 / step) + 1) * step
    figure.update_yaxes(
        title="share of photographs",
        tickvals=ticks,
        ticktext=[f"{abs(one):.0%}" for one in ticks],  # those below the line are no less
    )
    return plain(figure.update_layout(barmode="overlay", bargap=0.05), 300)


def roc(attack: Detection) -> go.Figure:
    """True against false positive rate, both logarithmic, with guessing as a dashed line.

    A rate of 0, which has no place there, is drawn at half a photograph.
    """
    false, true = attack.curve
    least = 0.5 / max(len(attack.others), 1)
    ticks = _rates(least)
    figure = go.Figure()
    figure.add_scatter(
        x=[least, 1],
        y=[least, 1],
        mode="lines",
        name="guessing",
        line={"dash": "dash", "color": COLOURS["unseen"]},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=np.maximum(false, least),
        y=np.maximum(true, least),
        mode="lines",
        name=f"attack, area {attack.auc:.3f}",
        line={"color": COLOURS["forgotten"], "shape": "hv"},
        hovertemplate="false alarms %{x:.1%}, found %{y:.1%}<extra></extra>",
    )
    for update, title in (
        (figure.update_xaxes, "false alarms"),
        (figure.update_yaxes, "members found"),
    ):
        update(
            title=title,
            type="log",
            range=[1.03 * np.log10(least), -0.03 * np.log10(least)],  # lines at the ends are whole
            tickvals=ticks,
            ticktext=[f"{100 * one:g}%" for one in ticks],
        )
    return roomy(plain(figure, 320))


def _rates(least: float) -> list[float]:
    """Shares from the least to 1 for a logarithmic axis: decades, and 2 and 5 times where few."""
    steps = (1, 2, 5) if least >= ROOMY else (1,)
    decades = range(int(np.floor(np.log10(least))), 1)
    every = [step * 10.0**power for power in decades for step in steps]
    return [one for one in every if least * (1 - 1e-9) <= one <= 1]


def relearning(table: pd.DataFrame, done: str = "forgotten") -> go.Figure:
    """Share found by number of photographs enrolled, the forgotten beside the never-seen."""
    figure = go.Figure()
    for group, name, colour, dash in (
        ("forgotten", done, COLOURS["forgotten"], "solid"),
        ("never there", "never there", COLOURS["unseen"], "dash"),
    ):
        mine = table[table["group"] == group]
        figure.add_scatter(
            x=mine["photographs"],
            y=mine["found"],
            mode="lines+markers",
            name=name,
            line={"color": colour, "dash": dash},
            hovertemplate="%{x} photographs: %{y:.0%}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(title="photographs enrolled again", dtick=1)
    figure.update_yaxes(title="held-out photographs found", tickformat=".0%", range=[0, 1.05])
    return plain(figure, 300)


def who_was_hurt(table: pd.DataFrame, done: str = "forgotten") -> go.Figure:
    """Each person who stays: likeness to the forgotten, and photographs won or lost."""
    change = table["won"] - table["lost"]
    figure = go.Figure()
    for name, mine, colour, symbol in (
        ("as before, or by chance", ~table["hurt"], COLOURS["retained"], "circle"),
        ("hurt", table["hurt"], COLOURS["forgotten"], "x"),
    ):
        figure.add_scatter(
            x=table["similarity"][mine],
            y=change[mine],
            mode="markers",
            name=name,
            text=table["person"][mine],
            hovertemplate="%{text}: %{y:+d} photographs<extra></extra>",
            marker={"color": colour, "symbol": symbol, "size": 8},
        )
    figure.update_xaxes(title=f"likeness to the nearest {done} person (cosine)")
    figure.update_yaxes(title="photographs named rightly, won less lost", dtick=1)
    return plain(figure, 300)

"""The charts of a run, each with its numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from forget.charts.people import NO_FRILLS
from forget.charts.runs import (
    class_accuracy_curves,
    loss_curves,
    loss_histogram,
    set_accuracy_curves,
)
from forget.charts.series import set_titles
from forget.errors import ForgetError
from forget.metrics.membership import loss_attack
from forget.ui.parts import plain
from forget.ui.run_facts import REFERENCE, Facts, title_of

__all__ = ["KINDS", "View", "chart", "class_table", "curve", "limits", "membership", "pick_view"]

KINDS = {
    "classes": "Accuracy per class, on held-out images",
    "sets": "Accuracy per set of images",
    "losses": "Loss per set of images",
}
MEAN = "mean"
SETS = ("forget", "retain", "test", "unseen")


@dataclass(frozen=True, eq=False)
class View:
    """What of a run is looked at.

    Arguments:
        facts: The run.
        method: The method whose epochs are drawn.
        seed: One seed, or None for the mean over all.
    """

    facts: Facts
    method: str
    seed: int | None

    @property
    def rows(self) -> pd.DataFrame:
        """The numbers of this method and seed, at all epochs."""
        table = self.facts.table
        mine = table[table["method"] == self.method]
        return mine if self.seed is None else mine[mine["seed"] == self.seed]

    @property
    def titles(self) -> dict[str, str]:
        """What to call the sets of images."""
        return set_titles(self.facts.params.get("forget_class") or [])

    @property
    def seeds(self) -> list[int]:
        """The seeds that are averaged."""
        return self.facts.seeds if self.seed is None else [self.seed]


def pick_view(facts: Facts, key: str) -> View | None:
    """Lets the visitor choose method and seed where there are several; None without a method."""
    methods: list[str] = facts.methods
    if not methods:
        return None
    method, seed = methods[0], None
    seeds = facts.seeds
    if len(methods) > 1 or len(seeds) > 1:
        with st.container(horizontal=True):
            if len(methods) > 1:
                method = st.selectbox(
                    "Method", methods, format_func=title_of, key=f"{key}_method", width=260
                )
            if len(seeds) > 1:
                picked = st.selectbox(
                    "Seed",
                    [MEAN, *seeds],
                    format_func=lambda one: f"mean of {len(seeds)}" if one == MEAN else str(one),
                    key=f"{key}_seed",
                    width=180,
                )
                seed = None if picked == MEAN else int(picked)
    return View(facts, method, seed)


def limits(views: Sequence[View]) -> tuple[int, float]:
    """The last epoch and the largest loss of several views, so that they share their axes."""
    losses = [view.rows.loc[view.rows["metric"] == "loss", "value"].max() for view in views]
    epochs = [view.facts.epochs(view.method) for view in views]
    return max(epochs), max((one for one in losses if one == one), default=1.0)


def curve(kind: str, view: View, key: str, ends: tuple[int, float]) -> None:
    """Draws one kind of curve against the epochs of unlearning.

    Arguments:
        kind: One of `KINDS`.
        view: What to draw.
        key: Begins the keys of chart and table.
        ends: Where the axes end, see :func:`limits`.
    """
    draw = {
        "classes": class_accuracy_curves,
        "sets": set_accuracy_curves,
        "losses": loss_curves,
    }[kind]
    try:
        figure = draw(view.facts.table, view.facts.params, view.method, view.seed)
    except ForgetError:  # such as losses, of a run that wrote none down
        st.caption("Not measured in this run.")
        return
    epochs, loss = ends
    figure.update_xaxes(range=[-0.04 * max(epochs, 1), 1.04 * max(epochs, 1)])
    if kind == "losses":
        figure.update_yaxes(range=[0, 1.05 * loss])
    if kind == "classes":
        table = class_table(view)
    else:
        metric = "accuracy" if kind == "sets" else "loss"
        table = _pivot(view.rows[view.rows["metric"] == metric], "split")
        table = table.rename(columns=view.titles)
    chart(figure, table, f"{key}_{kind}", KINDS[kind], percent=kind != "losses")


def class_table(view: View, split: str = "test") -> pd.DataFrame:
    """Accuracy per class (columns) at each epoch (rows)."""
    rows = view.rows[view.rows["split"] == split]
    rows = rows[rows["metric"].str.startswith("accuracy: ")]
    table = _pivot(rows, "metric")
    table.columns = [str(name).removeprefix("accuracy: ") for name in table.columns]
    order = [str(name) for name in view.facts.params.get("classes", [])]
    return table[[name for name in order if name in table.columns]]


def chart(
    figure: go.Figure,
    table: pd.DataFrame,
    key: str,
    about: str,
    percent: bool,
    scores: Sequence[str] = (),
) -> None:
    """Draws a figure, what it shows in words for a screen reader, and its numbers on request.

    Arguments:
        figure: The chart.
        table: Its numbers; shares in [0, 1] if `percent`. Its index has a name.
        key: The key of the chart; `<key>_table` is that of the expander.
        about: What the chart shows.
        percent: Whether the numbers are shown as percentages.
        scores: Columns that are shown as they are all the same.
    """
    # The page's heading says it, and the subtitle names people, which not every page may.
    figure.update_layout(title=None, margin_t=40)
    st.plotly_chart(figure, key=key, config=NO_FRILLS, alt=f"{about}. {_ends(table, percent)}")
    numbers = st.expander("As a table", on_change="rerun", key=f"{key}_table")
    if numbers.open:
        shares = [name for name in table.columns if percent and name not in scores]
        kinds = {
            name: st.column_config.NumberColumn(format="%.1f%%" if name in shares else "%.3f")
            for name in table.columns
        }
        with numbers:
            st.dataframe(
                table.assign(**{name: 100 * table[name] for name in shares}),
                key=f"{key}_numbers",
                placeholder="—",
                column_config=kinds,
                alt=about,
            )


def membership(view: View, key: str) -> None:
    """Losses of images to forget against others, after unlearning and retrained."""
    seed = view.seeds[0]
    st.markdown(
        "Upwards the images to forget, downwards held-out ones like them: where one mirrors "
        "the other, their losses give nothing away. The dashed line is the loss at which the "
        f"attack is undecided. Seed {seed}."
    )
    places = st.columns(2)
    for place, method in zip(places, (view.method, REFERENCE), strict=True):
        with place:
            st.subheader(capital(title_of(method)), anchor=False)
            try:
                _histogram(view, method, seed, key)
            except ForgetError as error:
                st.error(plain(str(error)), icon=":material/error:")


def _histogram(view: View, method: str, seed: int, key: str) -> None:
    run = view.facts.run
    found = run.predictions(method, seed)
    if found is None or "forget_loss" not in found or "unseen_loss" not in found:
        st.caption("This run kept no losses of images to forget and of images never trained on.")
        return
    members, others = found["forget_loss"], found["unseen_loss"]
    path = run.folder / "predictions" / f"{method}-{seed}.npz"
    threshold, accuracy = _attack(str(path), path.stat().st_mtime_ns, members, others)
    st.markdown(f"The attack is right on **{accuracy:.1%}**.")
    figure = loss_histogram(members, others, threshold, accuracy)
    # From a millionth to a hundred nats, so that both charts can be compared.
    figure.update_xaxes(range=[-6, 2])
    figure.update_layout(legend={"y": -0.3, "yanchor": "top"})  # above lies the threshold's name
    rows = {"to forget": members, "never trained on": others}
    table = pd.DataFrame({name: pd.Series(loss).describe() for name, loss in rows.items()})
    table = table.rename_axis("statistic, nats")
    about = f"Losses of {len(members)} images to forget and of {len(others)} others, {method}"
    chart(figure, table, f"{key}_members_{method}", about, percent=False)


@st.cache_data(max_entries=32, show_spinner=False)
def _attack(path: str, changed: int, _members: object, _others: object) -> tuple:
    attack = loss_attack(_members, _others)
    return attack.threshold, attack.accuracy


def capital(text: str) -> str:
    """Text with a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def _pivot(rows: pd.DataFrame, columns: str) -> pd.DataFrame:
    table = rows.pivot_table(index="epoch", columns=columns, values="value", aggfunc="mean")
    wanted = [name for name in SETS if name in table.columns]
    table = table[wanted] if columns == "split" else table
    table.columns.name = None
    return table


def _ends(table: pd.DataFrame, percent: bool) -> str:
    """The first and the last row of a table in words."""
    if not len(table):
        return "No numbers yet."
    form = "{:.0%}".format if percent else "{:.2f}".format
    first, last = table.iloc[0], table.iloc[-1]
    said = [f"{name} {form(first[name])} to {form(last[name])}" for name in table.columns]
    return "From the first to the last row: " + ", ".join(said)

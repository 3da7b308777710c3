"""Two runs side by side: numbers, settings that differ, and curves on the same axes."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from forget.charts.runs import overlay
from forget.ui.parts import plain
from forget.ui.run_curves import KINDS, View, chart, curve, limits, pick_view
from forget.ui.run_download import download_run
from forget.ui.run_facts import REFERENCE, Facts, share, title_of
from forget.ui.run_view import about, as_text, state_of

__all__ = ["draw"]

NUMBERS = {
    "Accuracy, held out": ("test", "accuracy"),
    "Accuracy, to keep": ("retain", "accuracy"),
    "Accuracy, to forget": ("forget", "accuracy"),
    "MIA, right guesses": ("", "mia"),
    "NoMUS, of 1": ("", "nomus"),
}
UNSEEN_AT = 3  # among those numbers, below the other accuracies


def draw(first: Facts, second: Facts) -> None:
    """Draws two runs, the one that was chosen first on the left."""
    st.header("Side by side", anchor="pair")
    views = []
    for place, name, facts in zip(st.columns(2), "AB", (first, second), strict=True):
        with place:
            st.subheader(plain(f"{name}: {facts.label}"), anchor=f"run-{name.lower()}")
            st.markdown(about(facts))
            state_of(facts)
            views.append(pick_view(facts, f"pair_{name}"))
    known = [view for view in views if view is not None]
    if len(known) == 2:
        _numbers(*known)
    _differences(first, second)
    if len(known) == 2:
        _together(known)
        _curves(known)
    for place, name, facts in zip(st.columns(2), "AB", (first, second), strict=True):
        with place:
            st.markdown(f"**{name}**")
            download_run(facts, f"pair_{name}_download")


def _numbers(first: View, second: View) -> None:
    st.subheader("Numbers at the last epoch")
    titles = [f"Accuracy, {view.titles['unseen']}" for view in (first, second)]
    rows = [_row(title, *of, (first, second)) for title, of in NUMBERS.items()]
    rows[UNSEEN_AT:UNSEEN_AT] = [
        # Two rows where the runs mean different images: they are no pair to compare.
        _row(title, "unseen", "accuracy", (first, second), [one == title for one in titles])
        for title in dict.fromkeys(titles)
    ]
    st.dataframe(
        pd.DataFrame(rows),
        key="pair_numbers",
        hide_index=True,
        alt="Accuracies, MIA and NoMUS of both runs and of their retrained references",
    )


def _row(
    title: str,
    split: str,
    metric: str,
    views: tuple[View, View],
    told: Sequence[bool] = (True, True),
) -> dict[str, str]:
    """One number of both runs and of their references; "—" of a run that is not told."""
    row = {"number": title}
    for name, view, is_told in zip("AB", views, told, strict=True):
        for method in (view.method, REFERENCE):
            value = view.facts.at_end(method, split, metric, view.seeds) if is_told else None
            shown = f"{value.mean:.3f}" if value and metric == "nomus" else share(value)
            row[f"{name}, {title_of(method)}"] = shown
    return row


def _differences(first: Facts, second: Facts) -> None:
    st.subheader("Settings that differ")
    names = list(dict.fromkeys([*first.params, *second.params]))
    sides = [
        {name: as_text(facts.params[name]) if name in facts.params else "—" for name in names}
        for facts in (first, second)
    ]
    differing = [name for name in names if sides[0][name] != sides[1][name]]
    if differing:
        rows = [(name, sides[0][name], sides[1][name]) for name in differing]
        st.dataframe(
            pd.DataFrame(rows, columns=["setting", "A", "B"]),
            key="pair_differences",
            hide_index=True,
            alt=f"Settings that differ: {', '.join(differing)}",
        )
    st.caption(f"{len(names) - len(differing)} other settings are equal.")


def _together(views: list[View]) -> None:
    """Both runs in one chart."""
    st.subheader("Held-out images and those to forget, both runs")
    given = [(name, view.rows, view.facts.params) for name, view in zip("AB", views, strict=True)]
    columns = {}
    for name, view in zip("AB", views, strict=True):
        rows = view.rows[view.rows["metric"] == "accuracy"]
        for split, said in (("test", "held out"), ("forget", "to forget")):
            columns[f"{name}, {said}"] = (
                rows[rows["split"] == split].groupby("epoch")["value"].mean()
            )
    figure = overlay(given)
    figure.update_xaxes(title="epoch")  # the full title would meet its neighbour on a phone
    chart(
        figure,
        pd.DataFrame(columns),
        "pair_overlay",
        "Accuracy on held-out images and on those to forget, of both runs, against the epoch",
        percent=True,
    )


def _curves(views: list[View]) -> None:
    ends = limits(views)
    for kind, title in KINDS.items():
        st.subheader(title)
        for place, name, view in zip(st.columns(2), "AB", views, strict=True):
            with place:
                st.markdown(f"**{name}**")
                curve(kind, view, f"pair_{name}", ends)

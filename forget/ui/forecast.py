"""A look ahead: what the next deletions would do to those who stay."""

import pandas as pd
import streamlit as st

from forget.charts.people import NO_FRILLS, forecast_lines
from forget.forecast import forecast
from forget.ui.goals import REMOVE
from forget.ui.visit import Visit, made_of_faces

__all__ = ["ahead"]

KEPT = made_of_faces("forecast")  # by digest of the model


def ahead(now: Visit) -> None:
    """Offers to make the next deletions, on people drawn at random, and draws what they did."""
    if now.goal is not REMOVE or len(now.model.people) < 4:
        return
    st.header("If more people leave")
    kept: dict[str, pd.DataFrame] = st.session_state.setdefault(KEPT, {})
    digest = now.model.statistics.digest()
    if digest not in kept:
        st.caption("Subtracts ever more people, drawn at random, and looks at everybody else.")
        if not st.button("Look ahead", icon=":material/timeline:"):
            return
        bar = st.progress(0.0, text="Looking ahead")
        found = forecast(
            now.model,
            now.bundle.split,
            now.bundle.rows,
            on_step=lambda done, total, note="": bar.progress(done / total, text="Looking ahead"),
        )
        kept[digest] = found
        st.rerun()
    table = kept[digest]
    st.plotly_chart(
        forecast_lines(table), key="forecast_chart", config=NO_FRILLS, alt=_said(table)
    )
    st.caption(_said(table))


def _said(table: pd.DataFrame) -> str:
    most = table[table["people"] == table["people"].max()]
    change = 100 * (most["after"] - most["before"]).mean()
    return (
        f"Once {most['people'].iloc[0]} more people are gone, of the others' held-out photographs "
        f"{100 * most['after'].mean():.1f} % are recognised, {change:+.1f} points against now "
        f"(mean over {len(most)} orders of leaving, at the present threshold). Fewer people to "
        "confuse one with help those who stay; a readout solved from fewer photographs hurts them."
    )

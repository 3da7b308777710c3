"""How soon two compared models know the forgotten again, once somebody shows them anew."""

import numpy as np
import streamlit as st

from forget.charts.compare import relearning_lines
from forget.charts.people import NO_FRILLS
from forget.charts.series import method_title
from forget.relearning import LEVEL, relearn, time_ratio
from forget.training import accelerate
from forget.ui.compare import KEPT, Result

__all__ = ["relearning"]

MOST = 10  # images shown
ASKED = 300  # images asked about, at most
PASSES = 20


def relearning(result: Result, pair: tuple[str, str]) -> None:
    """Offers the attack on both models and the reference; nothing where there is no network."""
    names = [name for name in dict.fromkeys((*pair, "retrain"))]
    names = [name for name in names if result.answers[name].network is not None]
    forget = result.split.forget
    if names == ["retrain"] or len(forget) < 2:
        return
    st.header("Shown again", anchor="shown-again")
    st.caption(
        "An attacker shows the network a few of the forgotten images and trains on. One that "
        "kept something knows the others again sooner than the one that never learned them."
    )
    most = min(MOST, len(forget) - 1)
    count = 1
    if most > 1:
        count = st.slider("Images shown", 1, most, min(5, most), key="compare_shown", width=400)
    kept = st.session_state.setdefault(KEPT, {})
    missing = [name for name in names if ("relearned", name, count) not in kept]
    if missing and not st.button("Show them again", icon=":material/replay:"):
        return
    for name in missing:
        with st.spinner(f"Showing {count} to {method_title(name)}"):
            kept["relearned", name, count] = _attacked(result, name, count)
    curves = {name: kept["relearned", name, count] for name in names}
    said = "; ".join(_said(name, curves[name], curves["retrain"]) for name in names)
    st.plotly_chart(
        relearning_lines(
            {method_title(name): curve for name, curve in curves.items()}, method_title("retrain")
        ),
        key="compare_relearned",
        config=NO_FRILLS,
        alt=f"Accuracy on the forgotten images not shown, pass by pass: {said}",
    )
    st.caption(said[0].upper() + said[1:] + ".")


def _attacked(result: Result, name: str, count: int) -> np.ndarray:
    split, data = result.split, result.split.data
    mixed = np.random.default_rng(0).permutation(split.forget)
    whole = set(data.labels[split.forget]) - set(data.labels[split.retain])
    held_out = split.test[np.isin(data.labels[split.test], list(whole))]
    asked = np.concatenate([mixed[count:], held_out])[:ASKED]
    network = result.answers[name].network
    assert network is not None
    shown = np.sort(mixed[:count])
    return relearn(network, data, shown, np.sort(asked), PASSES, fabric=accelerate())


def _said(name: str, curve: np.ndarray, reference: np.ndarray) -> str:
    title = method_title(name)
    said = f"{title} begins at {curve[0]:.0%} and ends at {curve[-1]:.0%}"
    ratio = time_ratio(curve, reference)
    if name == "retrain" or np.isnan(ratio):
        return said
    if ratio == 0:
        return f"{said}, and never stopped knowing {LEVEL:.0%}"
    if curve.max() < LEVEL:
        return f"{said}, and does not know {LEVEL:.0%} after {len(curve) - 1} passes"
    return f"{said}, and knows {LEVEL:.0%} in {ratio:.2g} times the passes of the retrained one"

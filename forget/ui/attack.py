"""What an attacker sees: scores with a threshold to drag, and the most exposed photographs."""

import numpy as np
import streamlit as st

from forget.auditing.evidence import Evidence
from forget.auditing.figures import histogram, roc
from forget.auditing.outcome import Audit
from forget.charts.people import NO_FRILLS
from forget.metrics.detection import Detection
from forget.ui.cached import Bundle
from forget.ui.parts import photograph

__all__ = ["attacker"]

EXPOSED = 8  # photographs that are shown
BEST, SHADOWS = "Best scores", "Shadow statistics"
SAYS = {
    BEST: "The best score that the model gives a photograph: whom it has learned scores high.",
    SHADOWS: (
        "How much likelier an answer is from a model that learned the photograph and had it taken "
        "out than from one that never saw it, in log: 0 is equally likely."
    ),
}


def attacker(audit: Audit, evidence: Evidence, bundle: Bundle) -> None:
    """Draws the attacks that there are; nothing where there is none."""
    attacks = {BEST: audit.plain, SHADOWS: audit.shadows}
    there = {name: one for name, one in attacks.items() if one is not None}
    if not there:
        return
    st.header("What an attacker sees", anchor="attack")
    name = st.radio("Attack by", list(there), horizontal=True, key="audit_attack")
    attack = there[name]
    st.caption(SAYS[name])
    if attack.scored:
        _drawn(attack, name, audit.done)
    else:
        st.caption(
            "It cannot be drawn: some photographs have no score, since nobody was left in the "
            "model that was asked."
        )
    if audit.plain is not None and audit.plain.scored:
        _exposed(audit.plain, evidence, bundle)


def _drawn(attack: Detection, name: str, done: str) -> None:
    """Scores with a threshold to drag, and what every threshold achieves."""
    both = np.concatenate([attack.members, attack.others])
    low, high = float(both.min()), float(both.max())
    if low < high:
        threshold = st.slider(
            "Says “learned” above", low, high, (low + high) / 2, key=f"audit_threshold_{name}"
        )
    else:
        threshold = low
    true, false = (float((one > threshold).mean()) for one in (attack.members, attack.others))
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            histogram(attack, threshold, done),
            key="audit_histogram",
            config=NO_FRILLS,
            alt="Scores of photographs that were learned from, and of ones that never were",
        )
        st.markdown(
            f"Above this threshold: **{true:.0%}** of the photographs that were learned from, and "
            f"**{false:.0%}** of those that never were."
        )
    with right:
        st.plotly_chart(
            roc(attack),
            key="audit_roc",
            config=NO_FRILLS,
            alt=f"True against false alarms, area {attack.auc:.3f}",
        )
        st.caption(
            f"AUC, the area under this curve: {attack.auc:.2f}. It is how often a photograph that "
            "was learned from scores above one that never was; 0.5 is guessing, 1 is always."
        )


def _exposed(attack: Detection, evidence: Evidence, bundle: Bundle) -> None:
    """The photographs of the forgotten that the model still scores highest."""
    photographs = np.concatenate([evidence.fitted(person) for person in evidence.forgotten])
    order = np.argsort(-attack.members, kind="stable")[:EXPOSED]
    st.subheader("Most exposed photographs")
    with st.container(horizontal=True, gap="small"):
        for i in order:
            beaten = float((attack.members[i] > attack.others).mean())
            with st.container(width=80):
                photograph(bundle, int(photographs[i]))
                st.caption(f"{beaten:.0%}")
    st.caption("The share of never-learned photographs that score lower; 50% is ordinary.")

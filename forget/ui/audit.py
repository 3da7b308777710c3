"""The audit of what a visitor has had forgotten: run in the background, drawn as three answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from forget.auditing.collateral import deciles, in_words
from forget.auditing.detectable import SHADOWS
from forget.auditing.evidence import Evidence
from forget.auditing.figures import lines_chart, relearning, who_was_hurt
from forget.auditing.linear import audit
from forget.auditing.outcome import QUESTIONS, Audit
from forget.auditing.report import ADVICE, page, plain_values
from forget.charts.people import NO_FRILLS
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.metrics.verdict import Line, Verdict
from forget.progress import OnStep
from forget.ui import jobs
from forget.ui.attack import attacker
from forget.ui.goals import SUPPRESS
from forget.ui.parts import plain
from forget.ui.reference import Chosen, choose
from forget.ui.visit import Visit, made_of_faces

__all__ = ["Audited", "draw", "nobody_yet", "run_button"]

JOB, RESULT, SAID = map(made_of_faces, ("audit", "audit_result", "audit_said"))
ICONS = {
    Verdict.PASS: ":material/check_circle:",
    Verdict.FAIL: ":material/cancel:",
    Verdict.UNKNOWN: ":material/help:",
}


@dataclass(frozen=True, eq=False)
class Audited:
    """An audit, and the visit that it is of.

    Arguments:
        now: What the visitor had forgotten then.
        chosen: What stood beside.
        reference: The model that did, kept for the next time; None without one.
        evidence: The photographs.
        audit: What was found.
    """

    now: Visit
    chosen: Chosen
    reference: LinearModel | None = field(repr=False)
    evidence: Evidence = field(repr=False)
    audit: Audit = field(repr=False)


def nobody_yet() -> None:
    """Says what the page is for, before anybody was forgotten."""
    st.markdown(
        "Nobody is forgotten yet. Once somebody is, three questions are asked of the model: is "
        "the person still **identified**, still **verified** on a new photograph, still "
        "**detectable** as having been learned from? Each answer stands beside the same answer "
        "for people who were never in the model."
    )
    st.page_link(
        "pages/forget_people.py", label="Forget somebody", icon=":material/person_remove:"
    )


def run_button(now: Visit) -> Audited | None:
    """Offers to audit, follows the work, and gives the last result there is."""
    job, chosen = st.session_state.get(JOB), None
    if job is not None and not job.running:
        del st.session_state[JOB]
        if job.result is not None:
            st.session_state[RESULT] = job.result
            st.rerun()
        st.session_state[SAID] = "" if job.cancelled else f"{job.label}: {job.error}"
    if job is not None and job.running:
        jobs.watch(JOB)
    else:
        names = plain(", ".join(now.bundle.faces.title(one) for one in now.forgotten))
        st.markdown(f"{now.goal.done.capitalize()}: **{names}**")
        chosen = choose(now)
        st.button(
            "Audit",
            type="primary",
            icon=":material/policy:",
            on_click=_begin,
            args=(now, chosen),
            disabled=chosen is None,
        )
    said = st.session_state.get(SAID)
    if said:
        st.error(said, icon=":material/error:")
    elif said is not None:
        st.caption("Cancelled.")
    found: Audited | None = st.session_state.get(RESULT)
    if found is not None and found.now is not now:
        st.warning(
            "Out of date: the audit below is of what was forgotten then. Press Audit.",
            icon=":material/update:",
        )
    elif found is not None and chosen is not None and chosen != found.chosen:
        st.warning(
            f"Out of date: the audit below stands {found.chosen.beside}. Press Audit.",
            icon=":material/update:",
        )
    return found


def draw(found: Audited) -> None:
    """Draws the three answers, and what lies under each."""
    audit = found.audit
    if audit.beyond:
        st.warning(f"**Beyond this audit.** {plain(audit.beyond)}", icon=":material/layers:")
    for place, question in zip(st.columns(3), QUESTIONS, strict=True):
        with place, st.container(border=True, height="stretch"):
            _card(f"Still {question}?", audit.answering(question))
    st.plotly_chart(
        lines_chart(audit),
        key="audit_lines",
        config=NO_FRILLS,
        alt="Each question as a difference with its interval: "
        + "; ".join(f"{one.question} {one.difference:+.2f}" for one in audit.lines),
    )
    st.caption(
        "PASS: the whole interval, 95 % over all questions, lies inside the grey margin. FAIL: "
        "the difference lies outside it and the interval excludes 0. One person and a few "
        "photographs are rarely enough to say."
    )
    if audit.beside:
        st.caption(f":material/compare_arrows: {plain(audit.beside)}")
    title = found.now.bundle.faces.title
    if audit.edited:
        for one in audit.edited:
            who = f", and points at **{plain(title(one.people[0][0]))}**" if one.people else ""
            st.warning(
                f"The {one.matrix} was edited: it sends directions to nothing{who}.",
                icon=":material/visibility:",
            )
    attacker(audit, found.evidence, found.now.bundle)
    _again(audit)
    _others(audit)
    st.info(ADVICE, icon=":material/publish:")
    for note in audit.notes:
        st.caption(note)
    _downloads(audit)


def _card(title: str, lines: Sequence[Line]) -> None:
    st.header(title)
    if not lines:
        st.caption("This could not be asked.")
        return
    verdicts = [one.verdict for one in lines]
    worst = next(v for v in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS) if v in verdicts)
    st.markdown(f"{ICONS[worst]} **{worst.value}**")
    for one in lines:
        beside = "" if np.isnan(one.reference) else f", reference {one.reference:.2f}"
        st.markdown(
            f"{ICONS[one.verdict]} {one.question}: **{one.value:.2f}** "
            f"(compared with {one.target:.2f}{beside})"
        )
    st.caption(lines[0].means)


def _again(audit: Audit) -> None:
    table = audit.relearned
    if not len(table):
        return
    st.header("If they are enrolled again", anchor="again")
    left, right = st.columns([2, 3])
    with right:
        st.plotly_chart(
            relearning(table),
            key="audit_relearning",
            config=NO_FRILLS,
            alt="Share of held-out photographs found by photographs enrolled",
        )
    with left:
        most = int(table["photographs"].max())
        count = st.slider("Photographs enrolled", 1, most, 1, key="audit_count") if most > 1 else 1
        for group in ("forgotten", "never there"):
            mine = table[(table["photographs"] == count) & (table["group"] == group)]
            if len(mine):
                st.metric(group.capitalize(), f"{mine['found'].iloc[0]:.0%}", border=True)


def _others(audit: Audit) -> None:
    table = audit.collateral
    if not len(table):
        return
    st.header("Everybody else", anchor="others")
    near = table[table["neighbour"]]
    st.markdown(
        f"{in_words(table)} The {len(near)} most like the forgotten lost "
        f"{int(near['lost'].sum())} and won {int(near['won'].sum())} of "
        f"{int(near['photographs'].sum())} photographs."
    )
    st.plotly_chart(
        who_was_hurt(table),
        key="audit_others",
        config=NO_FRILLS,
        alt="Each person who stays, by likeness to the forgotten and photographs won or lost",
    )
    tenths = deciles(table)
    worst = tenths.loc[tenths["hurt"], "group"].tolist()
    st.caption(
        f"In tenth parts by likeness, {len(worst)} of {len(tenths)} lost more than chance explains"
        + (f": {', '.join(map(str, worst))} (10 is the most alike)." if worst else ".")
    )


def _downloads(audit: Audit) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "Download report",
            lambda: page(audit),
            "audit.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
        )
        st.download_button(
            "Download numbers",
            json.dumps(plain_values(audit), indent=1),
            "audit.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )


def _begin(now: Visit, chosen: Chosen) -> None:
    st.session_state.pop(SAID, None)
    last: Audited | None = st.session_state.get(RESULT)
    same = last is not None and last.now is now and last.chosen == chosen
    kept = last.reference if last is not None and same else None
    try:
        jobs.start(JOB, "Auditing", now, lambda on_step: _run(now, chosen, kept, on_step))
    except ForgetError as error:
        st.session_state[SAID] = str(error)


def _run(now: Visit, chosen: Chosen, kept: LinearModel | None, on_step: OnStep) -> Audited:
    bundle, reference = now.bundle, kept or chosen.make(now, on_step)
    found = audit(
        now.model,
        bundle.faces,
        now.forgotten,
        bundle.model,
        now.goal.method,
        reference,
        rows=bundle.rows,
        suppression=now.goal is SUPPRESS,
        shadows=SHADOWS,
        on_step=on_step,
    )
    return Audited(now, chosen, reference, Evidence.of(bundle.faces, now.forgotten), found)

"""The audit of what a visitor has had forgotten: run in the background, drawn as three answers."""

import json
from dataclasses import dataclass, field

import streamlit as st

from forget.auditing.collateral import deciles, in_words
from forget.auditing.detectable import SHADOWS
from forget.auditing.evidence import Evidence
from forget.auditing.figures import lines_chart, relearning, who_was_hurt
from forget.auditing.linear import audit
from forget.auditing.outcome import QUESTIONS, Audit
from forget.auditing.report import advice, page, plain_values
from forget.charts.people import NO_FRILLS
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.metrics.verdict import Verdict
from forget.progress import OnStep
from forget.ui import jobs
from forget.ui.attack import attacker
from forget.ui.goals import SUPPRESS
from forget.ui.parts import counted, plain
from forget.ui.reference import Chosen, choose
from forget.ui.visit import Visit, made_of_faces

__all__ = ["Audited", "draw", "nobody_yet", "run_button"]

JOB, RESULT, SAID = map(made_of_faces, ("audit", "audit_result", "audit_said"))
BUSY = "audit_busy"  # why an audit could not begin
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
    """Offers to audit, follows the work, and gives the last result for these faces and goal."""
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
        st.markdown(f"{now.goal.done.capitalize()}: **{_names(now)}**")
        chosen = choose(now)
        st.button(
            "Audit",
            type="primary",
            icon=":material/policy:",
            on_click=_begin,
            args=(now, chosen),
            disabled=chosen is None,
        )
    if busy := st.session_state.pop(BUSY, None):  # the server may be idle when this is read
        st.error(busy, icon=":material/error:")
    said = st.session_state.get(SAID)
    if said:
        st.error(said, icon=":material/error:")
    elif said is not None:
        st.caption("Cancelled.")
    found: Audited | None = st.session_state.get(RESULT)
    if found is None or (found.now.bundle, found.now.goal) != (now.bundle, now.goal):
        return None
    _out_of_date(found, now, chosen)
    return found


def _out_of_date(found: Audited, now: Visit, chosen: Chosen | None) -> None:
    """Says so where the result is of other people than now, or stands beside something else."""
    if found.now is not now:
        said = f"this is the audit of {_names(found.now)}"
    elif chosen is not None and chosen != found.chosen:
        said = f"the audit below stands {found.chosen.beside}"
    else:
        return
    st.warning(f"Out of date: {said}. Press Audit.", icon=":material/update:")


def _names(of: Visit) -> str:
    return plain(", ".join(map(of.bundle.faces.title, of.forgotten)))


def draw(found: Audited) -> None:
    """Draws the three answers, and what lies under each."""
    audit = found.audit
    if audit.beyond:
        st.warning(f"**Beyond this audit.** {plain(audit.beyond)}", icon=":material/layers:")
    for place, question in zip(st.columns(3), QUESTIONS, strict=True):
        with place, st.container(border=True, height="stretch"):
            _card(audit, question)
    st.plotly_chart(
        lines_chart(audit),
        key="audit_lines",
        config=NO_FRILLS,
        alt="Each question as a difference with its interval: "
        + "; ".join(f"{one.question} {one.difference:+.2f}" for one in audit.lines),
    )
    st.caption(
        "PASS: the whole interval, 95 % over all questions, lies inside the grey margin. FAIL: "
        "the difference lies outside it and the interval excludes 0. A card passes where all its "
        "lines do and none was left out. One person and a few photographs are rarely enough to "
        "say."
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
    st.info(advice(audit), icon=":material/publish:")
    told = audit.left_out.values()  # on the cards
    for note in audit.notes:
        if note not in told:
            st.caption(plain(note))
    _downloads(audit)


def _card(audit: Audit, question: str) -> None:
    """One question: its verdict, each line with what it means, and what was left out."""
    st.header(f"Still {question}?")
    lines, verdict = audit.answering(question), audit.judged(question)
    if lines:
        st.markdown(f"{ICONS[verdict]} **{verdict.value}**")
    else:
        st.caption("This could not be asked.")
    for one in lines:
        st.markdown(
            f"{ICONS[one.verdict]} {one.question}: **{audit.number(one)}** ({audit.compared(one)})"
        )
        st.caption(one.means)
    for note in audit.missing(question):
        st.caption(f":material/remove: {plain(note)}")


def _again(audit: Audit) -> None:
    table = audit.relearned
    if not len(table):
        return
    st.header("If they are enrolled again", anchor="again")
    left, right = st.columns([2, 3])
    with right:
        st.plotly_chart(
            relearning(table, audit.done),
            key="audit_relearning",
            config=NO_FRILLS,
            alt="Share of held-out photographs found by photographs enrolled",
        )
    with left:
        most = int(table["photographs"].max())
        count = st.slider("Photographs enrolled", 1, most, 1, key="audit_count") if most > 1 else 1
        for group, title in (("forgotten", audit.done), ("never there", "never there")):
            mine = table[(table["photographs"] == count) & (table["group"] == group)]
            if len(mine):
                st.metric(title.capitalize(), f"{mine['found'].iloc[0]:.0%}", border=True)
        st.caption(
            "How many of their held-out photographs are most like one that was enrolled of the "
            "same person. Nobody is hidden by a threshold here."
        )


def _others(audit: Audit) -> None:
    table = audit.collateral
    if not len(table):
        return
    st.header("Everybody else", anchor="others")
    near = table[table["neighbour"]]
    st.markdown(
        f"{in_words(table)} The {counted(len(near), 'person', 'people')} most like the "
        f"{audit.done} lost {int(near['lost'].sum())} and won {int(near['won'].sum())} of "
        f"{counted(int(near['photographs'].sum()), 'photograph')}."
    )
    st.plotly_chart(
        who_was_hurt(table, audit.done),
        key="audit_others",
        config=NO_FRILLS,
        alt="Each person who stays, by likeness and photographs won or lost",
    )
    tenths = deciles(table)
    if len(tenths) < 10:
        return
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
        st.session_state[BUSY] = str(error)


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

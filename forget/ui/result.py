"""After Forget: the evidence, what it cost, and where to go from here."""

from collections.abc import Callable

import streamlit as st

from forget.charts.people import spoken
from forget.effect import Effect
from forget.errors import ForgetError
from forget.linearizations import LINEARIZATIONS, kind_of
from forget.pretrained import demo_facts
from forget.progress import OnStep
from forget.reference import Comparison, compare_refit, compare_training
from forget.ui import cards, jobs
from forget.ui.cached import FIRST
from forget.ui.reveal import reveal
from forget.ui.suppressed import hidden_card
from forget.ui.visit import Visit, made_of_faces, start_over

__all__ = ["draw"]

JOB = made_of_faces("slow_way")
DONE = made_of_faces("slow_way_done")  # by digest
_SUBTRACTS = (
    "The model keeps their sums: one matrix of products, and a count and a sum for each person. "
    "Integers add up without rounding in any order, so what one person put in can be taken out "
    "without a trace. The readout that names people is solved from the sums alone; equal sums "
    "give equal answers."
)
_HIDES = (
    "Three directions a person, those that their photographs span after the variation within "
    "people was evened out, are taken out of everybody's numbers, before they are stored, summed "
    "and compared. The directions stay in the model, as they must. They are dropped from the sums "
    "as well, but a model that hides somebody is not one that never met them."
)


def draw(now: Visit, effect: Effect) -> None:
    """Draws the whole result of the visitor's requests so far."""
    bundle = now.bundle
    proof, them, everyone = st.columns(3)
    with proof, st.container(border=True, height="stretch"):
        if effect.suppresses:
            hidden_card(now.model, effect, bundle)
        else:
            cards.proof_card(effect)
    with them, st.container(border=True, height="stretch"):
        cards.them_card(effect, bundle)
    with everyone, st.container(border=True, height="stretch"):
        cards.everyone_card(effect, bundle)
    faces, cost = st.columns(2)
    with faces, st.container(border=True, height="stretch"):
        cards.map_card(effect, bundle, now.goal.done)
    with cost, st.container(border=True, height="stretch"):
        _cost(now, effect)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"[{now.goal.verb} more](#who-should-be-forgotten)", width="content")
        st.button("Start over", on_click=start_over, icon=":material/undo:")
        cards.download_buttons(now, effect)
    with st.expander("How this was computed"):
        _how(now, effect)
    reveal("proof", effect.proof.digest)


def _cost(now: Visit, effect: Effect) -> None:
    st.header("What it cost")
    done: dict[str, Comparison] = st.session_state.setdefault(DONE, {})
    about = now.model.statistics.digest()
    mine = {way: one for (model, way), one in done.items() if model == about}
    seconds = {
        "subtraction": effect.seconds["subtract"],
        "refit from features": effect.seconds["refit from features"],
    }
    if effect.suppresses:
        seconds = {now.goal.noun: effect.seconds[now.goal.noun], **seconds}
    core = [person for person in effect.people if person in now.bundle.faces.core]
    ways: dict[str, Callable[..., Comparison]] = {"refit from photographs": compare_refit}
    if core and now.bundle.source == "orl":
        ways["training everything"] = compare_training
    facts, recorded = demo_facts(), []
    for way in ways:
        if way in mine:
            seconds[way] = mine[way].seconds
        elif now.bundle.source == "orl" and now.model.feature_map.kind == FIRST:
            seconds[way] = facts["seconds"][way]
            recorded.append(way)
    cards.cost_chart(seconds, "cost")
    if recorded:
        st.caption(f"Recorded, not yet run here: {', '.join(recorded)} ({facts['machine']}).")
    _collect(done)
    job = st.session_state.get(JOB)
    if job is not None and job.running:
        jobs.watch(JOB)
    else:
        with st.container(horizontal=True):
            for way, compare in ways.items():
                if way not in mine:
                    st.button(f"Run {way}", on_click=_begin, args=(now, way, compare))
    for one in mine.values():
        _comparison(one, now.goal.noun)
    if not core:
        st.caption("Training everything again is compared only for people who need it: core.")
    elif now.bundle.source == "mufac":
        st.markdown(
            "Training everything again takes too long for a page. This compares with it: "
            f"`python unlearn_mufac.py --forget-people {','.join(core)}`"
        )


def _begin(now: Visit, way: str, compare: Callable[..., Comparison]) -> None:
    before, after = now.bundle.model, now.model
    split = now.bundle.split.forgetting(now.forgotten)
    about = (after.statistics.digest(), way)

    def work(on_step: OnStep) -> Comparison:
        return compare(before, after, split, on_step=on_step)

    try:
        jobs.start(JOB, way.capitalize(), about, work)
    except ForgetError as error:
        st.session_state[f"{JOB}_problem"] = str(error)


def _collect(done: dict) -> None:
    """Takes the result of a finished job, or says why there is none."""
    job = st.session_state.get(JOB)
    problem = st.session_state.pop(f"{JOB}_problem", None)
    if problem:
        st.error(problem, icon=":material/error:")
    if job is None or job.running:
        return
    if job.result is not None:
        done[job.about] = job.result
    elif job.cancelled:
        st.caption(f"{job.label}: cancelled.")
    else:
        st.error(f"{job.label}: {job.error}", icon=":material/error:")
    del st.session_state[JOB]
    if job.result is not None:
        st.rerun()


def _comparison(one: Comparison, ours: str) -> None:
    st.markdown(
        f"**{one.way.capitalize()}** took {spoken(one.seconds)}. It says the same as {ours} "
        f"on {one.agree:.1%} of the held-out photographs; of the forgotten people's it takes "
        f"{one.named[0]:.1%} for somebody ({ours} {one.named[1]:.1%}), of the others' it "
        f"recognises {one.others[0]:.1%} ({ours} {one.others[1]:.1%})."
    )


def _how(now: Visit, effect: Effect) -> None:
    one = LINEARIZATIONS[kind_of(now.bundle.model.feature_map)]
    st.markdown(
        f"Every photograph is turned into {now.model.statistics.space.dimension} numbers by a "
        f"network that stays as it is, and these are rounded to integers. {one.says} "
        f"{_HIDES if effect.suppresses else _SUBTRACTS}"
    )
    st.markdown(
        f"Guarantee: **{effect.guarantee.kind}**. Scope: **{effect.guarantee.scope}**. "
        f"The server computed this in {spoken(now.seconds)}, of it "
        f"{spoken(effect.seconds['threshold'])} for the threshold, which is computed again from "
        f"what the model holds now ({effect.threshold[0]:.4f} before, "
        f"{effect.threshold[1]:.4f} now)."
    )
    if not effect.suppresses:
        st.code(
            f"after subtraction {effect.proof.digest}\nsummed afresh     {effect.proof.afresh}",
            language=None,
        )
        st.markdown(
            "Check it yourself: download the model with its feature store, then "
            "`python -m forget verify model-with-store.safetensors`. Keep one model only: whoever "
            "holds the model from before and this one can subtract them, and finds the person."
        )
    st.dataframe(effect.others, hide_index=True)

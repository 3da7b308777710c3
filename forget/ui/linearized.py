"""How the faces are linearized: the choice, what it means, and training what has to be trained."""

from collections.abc import Callable

import streamlit as st

from forget.errors import ForgetError
from forget.linearizations import LINEARIZATIONS
from forget.pretrained import demo_feature_map
from forget.ui import jobs
from forget.ui.cached import FIRST, is_ready

__all__ = ["in_use", "pick", "prepare"]

KEY = "linearized_at"
JOB = "prepare_linearization"


def in_use() -> str:
    """The chosen linearization, or the first one while the chosen one has to be trained."""
    chosen = st.session_state.get(KEY, FIRST)
    return chosen if is_ready(chosen) else FIRST


def pick(on_change: Callable[[], None]) -> None:
    """Lets the visitor choose."""
    st.selectbox(
        "Linearized at",
        list(LINEARIZATIONS),
        format_func=lambda kind: LINEARIZATIONS[kind].title,
        key=KEY,
        on_change=on_change,
        persist_state="session",
        help="  \n".join(f"**{one.title}**: {one.says}" for one in LINEARIZATIONS.values()),
    )


def prepare(on_ready: Callable[[], None]) -> None:
    """Offers to train what was chosen and is not there, and follows the training."""
    job = st.session_state.get(JOB)
    if job is not None and not job.running:
        del st.session_state[JOB]
        if job.error is not None and not job.cancelled:
            st.error(f"{job.label}: {job.error}", icon=":material/error:")
        elif job.error is None and st.session_state.get(KEY) == job.about:
            on_ready()
    chosen = st.session_state.get(KEY, FIRST)
    if is_ready(chosen):
        return
    one = LINEARIZATIONS[chosen]
    st.info(
        f"**{one.title}** is trained once, on the people who also taught the network what a face "
        f"is: {one.wait} on two cores. Until then the page shows "
        f"**{LINEARIZATIONS[FIRST].title.lower()}**.",
        icon=":material/model_training:",
    )
    if JOB in st.session_state:
        jobs.watch(JOB)
    else:
        st.button("Prepare", on_click=_begin, args=(chosen,), icon=":material/play_arrow:")
    if problem := st.session_state.pop(f"{JOB}_problem", None):
        st.error(problem, icon=":material/error:")


def _begin(kind: str) -> None:
    try:
        jobs.start(
            JOB,
            LINEARIZATIONS[kind].title,
            kind,
            lambda on_step: demo_feature_map(kind, on_step),
        )
    except ForgetError as error:
        st.session_state[f"{JOB}_problem"] = str(error)

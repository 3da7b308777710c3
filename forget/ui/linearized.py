"""How the faces are linearized: the choice, what it means, and making what has to be made."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from forget.errors import ForgetError
from forget.linearizations import LINEARIZATIONS
from forget.pretrained import demo_feature_map
from forget.progress import OnStep
from forget.ui import jobs, mufac
from forget.ui.cached import FIRST, is_ready

__all__ = ["EMBEDDER", "MUFAC", "Network", "in_use", "pick", "prepare"]

KEY = "linearized_at"
JOB = "prepare_linearization"


@dataclass(frozen=True)
class Network:
    """A network whose last step is linearized, with its own choice in the session's state.

    Arguments:
        name: Ends the keys of that choice.
        is_ready: Whether a kind can be shown at once.
        make: Makes a kind; told of progress.
        offer: Says what has to be made, and how long that takes.
    """

    name: str
    is_ready: Callable[[str], bool]
    make: Callable[[str, OnStep], object]
    offer: Callable[[str], str]

    @property
    def key(self) -> str:
        """Where the session's state holds the choice."""
        return f"{KEY}{self.name}"

    @property
    def job(self) -> str:
        """Where it holds the work in the background."""
        return f"{JOB}{self.name}"


def _offer(kind: str) -> str:
    one = LINEARIZATIONS[kind]
    return (
        f"**{one.title}** is trained once, on the people who also trained the network: "
        f"{one.wait} on two cores. Until then the page shows "
        f"**{LINEARIZATIONS[FIRST].title.lower()}**."
    )


EMBEDDER = Network("", is_ready, lambda kind, on_step: demo_feature_map(kind, on_step), _offer)
MUFAC = Network(
    "_mufac",
    lambda kind: mufac.bundle(kind) is not None,
    lambda kind, on_step: mufac.make(kind, on_step),
    mufac.offer,
)


def in_use(network: Network = EMBEDDER) -> str:
    """The chosen linearization, or the first one while the chosen one has to be made."""
    chosen = st.session_state.get(network.key, FIRST)
    return chosen if network.is_ready(chosen) else FIRST


def pick(network: Network, on_change: Callable[[], None]) -> None:
    """Lets the visitor choose."""
    st.selectbox(
        "Linearized at",
        list(LINEARIZATIONS),
        format_func=lambda kind: LINEARIZATIONS[kind].title,
        key=network.key,
        on_change=on_change,
        persist_state="session",
        help="  \n".join(f"**{one.title}**: {one.says}" for one in LINEARIZATIONS.values()),
    )


def prepare(network: Network, on_ready: Callable[[], None]) -> None:
    """Offers to make what was chosen and is not there, and follows the work."""
    job = st.session_state.get(network.job)
    if job is not None and not job.running:
        del st.session_state[network.job]
        if job.error is not None and not job.cancelled:
            st.error(f"{job.label}: {job.error}", icon=":material/error:")
        elif job.error is None and st.session_state.get(network.key, FIRST) == job.about:
            on_ready()
    if problem := st.session_state.pop(f"{network.job}_problem", None):  # told once
        st.error(problem, icon=":material/error:")
    chosen, working = st.session_state.get(network.key, FIRST), network.job in st.session_state
    if not network.is_ready(chosen):
        st.info(network.offer(chosen), icon=":material/model_training:")
        if not working:
            args = (network, chosen)
            st.button("Prepare", on_click=_begin, args=args, icon=":material/play_arrow:")
    if working:  # also where another choice has been made since
        jobs.watch(network.job)


def _begin(network: Network, kind: str) -> None:
    label = f"Preparing the {LINEARIZATIONS[kind].title.lower()}"
    try:
        jobs.start(network.job, label, kind, lambda on_step: network.make(kind, on_step))
    except ForgetError as error:
        st.session_state[f"{network.job}_problem"] = str(error)

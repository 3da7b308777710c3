"""Choosing: which faces to work on, and who is to be forgotten."""

from collections.abc import Sequence

import streamlit as st

from forget.errors import ForgetError
from forget.likeness import nearest_people
from forget.ui import goals, linearized, mufac, own
from forget.ui.beforehand import warnings
from forget.ui.browse import GROUPS, browse
from forget.ui.cached import FIRST, demo
from forget.ui.goals import GOALS, SUPPRESS
from forget.ui.parts import people_row, photograph, plain
from forget.ui.reveal import asked
from forget.ui.visit import (
    PEOPLE,
    Visit,
    forget_chosen,
    made_of_faces,
    problem,
    turn_goal,
    use,
    visit,
)
from forget.unlearning.contract import Scope
from forget.unlearning.guarantees import guarantee_for

__all__ = ["data", "people", "preview"]

ORL, OWN = "ORL faces", "My own photographs"
REQUEST = made_of_faces("forget_request")  # whom the last request was about


def data() -> None:
    """Lets the visitor choose faces, and how they are linearized."""
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    source = left.radio(
        "Faces",
        (ORL, mufac.TITLE, OWN),
        horizontal=True,
        key="faces_source",
        on_change=_turn,
        persist_state="session",
    )
    if source == mufac.TITLE:
        with right:
            place = st.container()
        _mufac(place)
        return
    with right:
        linearized.pick(linearized.EMBEDDER, _turn)
    linearized.prepare(linearized.EMBEDDER, _turn)
    if source == OWN:
        own.draw()


def _mufac(place: st.delta_generator.DeltaGenerator) -> None:
    """Turns to MUFAC, or offers to make what is not there; until then to the ORL faces."""
    if not mufac.is_here():
        mufac.missing()
        _show_orl()
        return
    try:
        if mufac.bundle(FIRST) is not None:  # else there is nothing to choose yet
            with place:
                linearized.pick(linearized.MUFAC, _turn)
        linearized.prepare(linearized.MUFAC, _turn)
        bundle = mufac.bundle(linearized.in_use(linearized.MUFAC))
    except ForgetError as error:
        st.error(str(error), icon=":material/error:")
        bundle = None
    if bundle is None:
        _show_orl()
        return
    if visit().bundle is not bundle:
        use(bundle)
    mufac.about(bundle)


def people(now: Visit) -> None:
    """Draws the goal, the list of names, the button, what it guarantees, and the gallery."""
    faces = now.bundle.faces
    st.radio(
        "Goal",
        list(GOALS),
        captions=[goal.says for goal in GOALS.values()],
        horizontal=True,
        key=goals.KEY,
        on_change=turn_goal,
        persist_state="session",
    )
    left, middle, right = st.columns([5, 3, 2], vertical_alignment="bottom")
    chosen = left.multiselect(
        "Choose by name",
        now.model.people,
        format_func=faces.title,
        key=PEOPLE,
        placeholder="or click the faces below",
        persist_state="session",
    )
    shown = "All"
    if faces.core:
        shown = middle.radio("Show", GROUPS, horizontal=True, key="group")
    right.button(
        now.goal.verb,
        type="primary",
        icon=":material/person_remove:",
        disabled=not chosen,
        on_click=_forget,
        width="stretch",
    )
    _line(now, chosen)
    browse(now, "gallery", str(shown))


def preview(now: Visit) -> None:
    """Shows the chosen people's photographs and who is nearest to them."""
    chosen: Sequence[str] = st.session_state[PEOPLE]
    if not chosen:
        return
    bundle = now.bundle
    known = frozenset(now.model.people)
    enrolled = [i for i, person in enumerate(bundle.faces.labels) if person in known]
    labels = [bundle.faces.labels[i] for i in enrolled]
    features = bundle.features[enrolled]
    st.header("Chosen")
    for said in warnings(bundle, now.model.people, chosen):
        st.warning(said, icon=":material/warning:")
    for person in chosen[:3]:
        st.markdown(f"**{plain(bundle.faces.title(person))}**")
        with st.container(horizontal=True, gap="small"):
            for index in bundle.faces.of(person)[:12]:
                photograph(bundle, int(index))
        near = nearest_people(features, labels, person)
        if near:
            st.caption("Nearest people, with similarity (cosine, 1 at most)")
            people_row(bundle, near)
    if len(chosen) > 3:
        st.caption(f"and {len(chosen) - 3} more")


def _forget() -> None:
    """Meets the request, and keeps whom it was about, for a problem belongs to them alone."""
    st.session_state[REQUEST] = frozenset(st.session_state[PEOPLE])
    forget_chosen()
    if not problem():
        asked()


def _line(now: Visit, chosen: Sequence[str]) -> None:
    """One line in a fixed place, what pressing guarantees or what to do; and what went wrong."""
    if problem() and st.session_state.get(REQUEST) == frozenset(chosen):
        st.error(problem(), icon=":material/error:")
    if chosen and now.goal is SUPPRESS:
        st.markdown(_hides(now, len(now.forgotten) + len(chosen)))
    elif chosen:
        st.markdown(_guarantees(now, chosen))
    elif now.effect is not None:
        names = plain(", ".join(now.bundle.faces.title(person) for person in now.forgotten))
        st.markdown(f"{now.goal.done.capitalize()}: **{names}**. [See what changed](#proof)")
    else:
        st.markdown(f"Click one or several faces, then press {now.goal.verb}.")


def _guarantees(now: Visit, chosen: Sequence[str]) -> str:
    guarantee = guarantee_for(now.model, now.bundle.split, chosen, now.bundle.shared)
    if guarantee.scope is Scope.MODEL:
        said = ":material/verified: This will be **exact, for the whole model**: none of "
        said += "these photographs is among those that the network was trained on."
    else:
        said = ":material/warning: This will be **exact for the readout only**: "
        said += f"{plain(guarantee.because)}."
    if guarantee.caveat:
        said += f" :material/warning: {plain(guarantee.caveat)}"
    return said


def _hides(now: Visit, hidden: int) -> str:
    """What suppressing so many people promises, and whether others will suffer."""
    room = now.bundle.room
    said = (
        ":material/visibility_off: This will **guarantee nothing**: the model stops recognising "
        "them, and keeps what tells who they are. By a cautious estimate it bears "
        f"{room.people} suppressed {'person' if room.people == 1 else 'people'} before others "
        "suffer"
    )
    if hidden > room.people:
        return f"{said}; :material/warning: this makes it **{hidden}**."
    return f"{said}."


def _turn() -> None:
    """Turns to the faces of the visitor's choice; to MUFAC, which may take longer, `data` does."""
    source = st.session_state["faces_source"]
    if source == OWN and own.KEY in st.session_state:
        own.turn(linearized.in_use())
    elif source != mufac.TITLE:
        _show_orl()


def _show_orl() -> None:
    try:
        bundle = demo(linearized.in_use())
    except ForgetError:
        return  # what is missing is said where the page asks for the visit
    if visit().bundle is not bundle:
        use(bundle)

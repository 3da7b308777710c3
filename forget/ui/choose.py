"""Choosing: which faces to work on, and who is to be forgotten."""

from collections.abc import Sequence

import streamlit as st

from forget.effect import nearest_people
from forget.methods.method import Scope, guarantee_for
from forget.ui import linearized, own
from forget.ui.cached import demo
from forget.ui.gallery import Face, gallery
from forget.ui.parts import people_row, photograph, plain
from forget.ui.visit import PEOPLE, Visit, forget_chosen, problem, use

__all__ = ["data", "faces_of", "people", "preview"]

ORL, OWN = "ORL faces", "My own photographs"
GROUPS = ("All", "Added", "Core")


def data() -> None:
    """Lets the visitor choose faces, and how they are linearized."""
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    left.radio(
        "Faces",
        (ORL, OWN),
        horizontal=True,
        key="faces_source",
        on_change=_turn,
        persist_state="session",
    )
    with right:
        linearized.pick(_turn)
    linearized.prepare(_turn)
    if st.session_state["faces_source"] == OWN:
        own.draw()


def people(now: Visit) -> None:
    """Draws the list of names, the button, what it will guarantee, and the gallery."""
    faces = now.bundle.faces
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
        "Forget",
        type="primary",
        icon=":material/person_remove:",
        disabled=not chosen,
        on_click=forget_chosen,
        width="stretch",
    )
    _line(now, chosen)
    gallery(faces_of(now, str(shown)), PEOPLE, key="gallery")


def preview(now: Visit) -> None:
    """Shows the chosen people's photographs and who looks like them."""
    chosen: Sequence[str] = st.session_state[PEOPLE]
    if not chosen:
        return
    bundle = now.bundle
    enrolled = [i for i, person in enumerate(bundle.faces.labels) if person in now.model.people]
    labels = [bundle.faces.labels[i] for i in enrolled]
    st.header("Chosen")
    for person in chosen[:3]:
        st.markdown(f"**{plain(bundle.faces.title(person))}**")
        with st.container(horizontal=True, gap="small"):
            for index in bundle.faces.of(person)[:12]:
                photograph(bundle, int(index))
        near = nearest_people(bundle.features[enrolled], labels, person)
        if near:
            st.caption("People who look alike, with similarity (cosine)")
            people_row(bundle, near)
    if len(chosen) > 3:
        st.caption(f"and {len(chosen) - 3} more")


def _line(now: Visit, chosen: Sequence[str]) -> None:
    """One line in a fixed place: a problem, what pressing guarantees, or what to do."""
    if problem():
        st.error(problem(), icon=":material/error:")
    elif chosen:
        guarantee = guarantee_for(now.model, now.bundle.split, chosen)
        if guarantee.scope is Scope.MODEL:
            said = ":material/verified: This will be **exact, for the whole model**: the feature "
            said += "map was trained on other people."
        else:
            said = ":material/warning: This will be **exact for the readout only**: "
            said += f"{plain(guarantee.because)}."
        if guarantee.caveat:
            said += f" :material/warning: {plain(guarantee.caveat)}"
        st.markdown(said)
    elif now.effect is not None:
        names = plain(", ".join(now.bundle.faces.title(person) for person in now.forgotten))
        st.markdown(f"Forgotten: **{names}**. [See what changed](#proof)")
    else:
        st.markdown("Click one or several faces, then press Forget.")


def faces_of(now: Visit, shown: str = "All") -> list[Face]:
    """Everybody of the visitor's data set for the gallery, added people first."""
    faces = now.bundle.faces
    groups = {"All": (*faces.added, *faces.core), "Added": faces.added, "Core": faces.core}
    return [
        Face(
            person,
            faces.title(person),
            now.bundle.portraits[person],
            "core" if person in faces.core else "added",
            person in now.forgotten,
        )
        for person in groups[shown]
    ]


def _turn() -> None:
    kind = linearized.in_use()
    if st.session_state["faces_source"] == ORL:
        use(demo(kind))
    elif own.KEY in st.session_state:
        own.turn(kind)

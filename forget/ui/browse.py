"""Everybody of a data set as pictures to choose from: found by name, a page at a time."""

import hashlib

import streamlit as st

from forget.data.dataset import FaceDataset
from forget.ui.gallery import Face, gallery
from forget.ui.parts import plain
from forget.ui.visit import PEOPLE, Visit

__all__ = ["GROUPS", "PAGE", "browse"]

GROUPS = ("All", "Added", "Core")
PAGE = 40  # people on a page
_ASKS = {"mufac": "family or person, such as F0046"}  # by source of the photographs


def browse(now: Visit, key: str, group: str = "All") -> None:
    """Draws everybody of the visitor's data set, added people first.

    Arguments:
        now: Whose faces, and who of them was forgotten.
        key: Of the gallery; the search and the page have keys that begin with it.
        group: One of `GROUPS`.
    """
    faces = now.bundle.faces
    wanted, text = _group(faces, group), ""
    if len(faces.identities) > PAGE:
        found, turner = st.columns([2, 3], vertical_alignment="bottom")
        text = _search(now, key, found)
        matching = frozenset(faces.search(text))
        wanted = [person for person in wanted if person in matching]
        with turner:
            listed = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
            wanted = _turned(wanted, f"{key}_page_{listed}")
    core, gone = frozenset(faces.core), frozenset(now.forgotten)
    shown = [
        Face(
            person,
            faces.title(person),
            now.bundle.portrait(person),
            "core" if person in core else "added",
            person in gone,
        )
        for person in wanted
    ]
    if not shown:
        where = "" if group == "All" else f" among the {group.lower()} people"
        st.markdown(f"Nobody{where} has **{plain(text)}** in their name: try a part of it.")
    gallery(shown, PEOPLE, key=key, selectable=now.model.people, word=now.goal.done)


def _group(faces: FaceDataset, group: str) -> list[str]:
    return {
        "All": [*faces.added, *faces.core],
        "Added": list(faces.added),
        "Core": list(faces.core),
    }[group]


def _search(now: Visit, key: str, place: st.delta_generator.DeltaGenerator) -> str:
    text = place.text_input(
        "Search",
        key=f"{key}_search",
        placeholder=_ASKS.get(now.bundle.source, "a part of a name"),
        icon=":material/search:",
        persist_state="session",
    )
    return str(text or "").strip()


def _turned(people: list[str], key: str) -> list[str]:
    """The people on the page that the visitor turned to; each list has a key of its own."""
    pages = max(-(-len(people) // PAGE), 1)
    first = (int(st.session_state.get(key, 1)) - 1) * PAGE
    last = min(first + PAGE, len(people))
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.markdown(f"{first + 1} to {last} of {len(people)}", width="content")
            st.pagination(pages, key=key, persist_state="session")
        else:
            st.markdown("1 person" if len(people) == 1 else f"{len(people)} people")
    return people[first:last]

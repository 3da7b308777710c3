"""The script of the gallery's browser tests: grey portraits, a list of names, the gallery."""

import numpy as np
import streamlit as st

from forget.ui.gallery import Face, gallery, portrait

HOSTILE = "<img src=x onerror=\"document.title='hacked'\"> & Co"


@st.cache_data(max_entries=1)
def portraits() -> list[str]:
    """Returns forty ovals on grey, one brighter than the other."""
    y, x = np.mgrid[-1:1:112j, -1:1:92j]
    oval = (x / 0.6) ** 2 + (y / 0.75) ** 2 < 1
    return [portrait(np.where(oval, 110 + 3 * i, 60 + i).astype(np.uint8)) for i in range(40)]


def names() -> dict[str, str]:
    """Returns the name of every person by id, the last one hostile."""
    return {f"s{i:02d}": f"Person {i}" for i in range(1, 40)} | {"<b>40</b>": HOSTILE}


def reset() -> None:
    st.session_state["chosen"] = []


def forget() -> None:
    st.session_state["gone"] |= set(st.session_state["chosen"])
    st.session_state["chosen"] = []


st.set_page_config(page_title="Gallery", layout="wide")
st.session_state.setdefault("gone", set())
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
gone, known = st.session_state["gone"], names()

st.title("Who should be forgotten?")
st.multiselect(
    "Choose by name", [p for p in known if p not in gone], key="chosen", format_func=known.get
)
with st.container(horizontal=True):
    st.button("Reset", on_click=reset)
    st.button("Forget", on_click=forget, type="primary")
# Added people are the second half of the photographs and come first, as on the real page.
order = list(known)[20:] + list(known)[:20]
pictures = dict(zip(known, portraits(), strict=True))
gallery(
    [
        Face(p, known[p], pictures[p], "core" if p < "s21" and p[0] == "s" else "added", p in gone)
        for p in order
    ],
    selection_key="chosen",
    key="faces",
)
st.caption(f"Chosen: {', '.join(st.session_state['chosen']) or 'nobody'}")

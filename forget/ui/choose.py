"""Choosing: which faces to work on, and who is to be forgotten."""

from collections.abc import Sequence

import streamlit as st

from forget.data.dataset import FaceDataset
from forget.data.folder import load_uploads
from forget.effect import nearest_people
from forget.errors import ForgetError
from forget.linear.leave_one_out import leave_one_out
from forget.methods.method import Scope, guarantee_for
from forget.ui.cached import Bundle, bundle_of, demo, feature_map, portraits
from forget.ui.gallery import Face, gallery
from forget.ui.parts import people_row, photograph
from forget.ui.visit import PEOPLE, Visit, forget_chosen, problem, use

__all__ = ["data", "people", "preview"]

ORL, OWN = "ORL faces", "My own photographs"
GROUPS = ("All", "Added", "Core")


def data() -> None:
    """Lets the visitor choose between the demo faces and photographs of their own."""
    st.radio(
        "Faces",
        (ORL, OWN),
        horizontal=True,
        key="faces_source",
        on_change=_turn,
        persist_state="session",
    )
    if st.session_state["faces_source"] == OWN:
        _own()


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
    gallery(_faces(now, str(shown)), PEOPLE, key="gallery")


def preview(now: Visit) -> None:
    """Shows the chosen people's photographs and who looks like them."""
    chosen: Sequence[str] = st.session_state[PEOPLE]
    if not chosen:
        return
    bundle = now.bundle
    st.header("Chosen")
    for person in chosen[:3]:
        st.markdown(f"**{bundle.faces.title(person)}**")
        with st.container(horizontal=True, gap="small"):
            for index in bundle.faces.of(person):
                photograph(st, bundle, int(index))
        st.caption("People who look alike, with similarity")
        people_row(bundle, nearest_people(bundle.features, bundle.faces.labels, person))
    if len(chosen) > 3:
        st.caption(f"and {len(chosen) - 3} more")


def _line(now: Visit, chosen: Sequence[str]) -> None:
    """One line in a fixed place: a problem, what pressing guarantees, or what to do."""
    if problem():
        st.error(problem(), icon=":material/error:")
    elif chosen:
        guarantee = guarantee_for(now.model, now.bundle.split, chosen)
        if guarantee.scope is Scope.MODEL:
            st.markdown(
                ":material/verified: This will be **exact, for the whole model**: the feature "
                "map was trained on other people."
            )
        else:
            st.markdown(
                f":material/warning: This will be **exact for the readout only**: "
                f"{guarantee.reason.split('; ', 1)[-1]}"
            )
    elif now.effect is not None:
        names = ", ".join(now.bundle.faces.title(person) for person in now.forgotten)
        st.markdown(f"Forgotten: **{names}**. [See what changed](#proof)")
    else:
        st.markdown("Click one or several faces, then press Forget.")


def _faces(now: Visit, shown: str) -> list[Face]:
    faces = now.bundle.faces
    pictures = portraits(faces, now.bundle.model.statistics.digest())
    groups = {"All": (*faces.added, *faces.core), "Added": faces.added, "Core": faces.core}
    return [
        Face(
            person,
            faces.title(person),
            pictures[person],
            "core" if person in faces.core else "added",
            person in now.forgotten,
        )
        for person in groups[shown]
    ]


def _turn() -> None:
    if st.session_state["faces_source"] == ORL:
        use(demo())
    elif "own" in st.session_state:
        use(st.session_state["own"][1])


def _own() -> None:
    """Takes a zip or a folder of people and fits a model of them, in this session only."""
    st.caption(
        "One folder per person, each with at least 2 photographs cropped to the face (jpg, png, "
        "pgm, webp). They stay in this session and are gone when you close the page."
    )
    kind = st.radio("As", ("A zip file", "A folder"), horizontal=True, key="own_kind")
    if kind == "A folder":
        given = st.file_uploader(
            "Folder of people",
            type=["jpg", "jpeg", "png", "pgm", "webp"],
            accept_multiple_files="directory",
            key="own_folder",
        )
    else:
        one = st.file_uploader("Zip of folders", type="zip", key="own_zip")
        given = [one] if one else []
    if given:
        _take(given)
    elif "own" not in st.session_state:
        st.info("No photographs yet: the ORL faces stay on the page.")
    if "own" in st.session_state:
        _about_own(*st.session_state["own"][1:])


def _take(given: Sequence[st.runtime.uploaded_file_manager.UploadedFile]) -> None:
    """Fits a model of new uploads; the same ones are not fitted twice."""
    ids = tuple(sorted(file.file_id for file in given))
    if st.session_state.get("own", (None,))[0] == ids:
        return
    if st.session_state.get("own_refused", (None,))[0] == ids:
        st.error(st.session_state["own_refused"][1], icon=":material/error:")
        return
    try:
        with st.spinner("Reading the photographs and fitting"):
            faces = load_uploads(((file.name, file.getvalue()) for file in given), given[0].name)
            bundle = bundle_of(faces, feature_map())
            accuracy = leave_one_out(
                bundle.model.rule, bundle.model.statistics.space, bundle.rows, faces.labels
            )
    except ForgetError as error:
        st.session_state["own_refused"] = (ids, str(error))
        st.error(str(error), icon=":material/error:")
        return
    st.session_state["own"] = (ids, bundle, accuracy)
    use(bundle)
    st.rerun()


def _about_own(bundle: Bundle, accuracy: float) -> None:
    faces: FaceDataset = bundle.faces
    st.markdown(
        f"**{faces.name}**: {len(faces.identities)} people, {len(faces.images)} photographs. "
        f"Identified when each photograph is left out in turn: **{accuracy:.1%}** "
        f"(chance {1 / len(faces.identities):.1%})."
    )
    if faces.skipped:
        with st.expander(f"{len(faces.skipped)} left out"):
            for line in faces.skipped:
                st.text(line)

"""A visitor's own photographs: taken in, fitted and judged, in this session only."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from forget.data.dataset import FaceDataset
from forget.data.folder import load_uploads
from forget.errors import ForgetError
from forget.linear.feature_map import FeatureMap
from forget.linear.leave_one_out import leave_one_out
from forget.progress import OnStep, silent
from forget.ui.cached import Bundle, bundle_of, feature_map
from forget.ui.linearized import in_use
from forget.ui.parts import plain
from forget.ui.visit import leave, use

__all__ = ["KEY", "Own", "draw", "turn"]

KEY = "own"
_REFUSED = "own_refused"  # ids of uploads that failed, and why, so as not to try them again
_ROUND = "own_round"
_FITTED = "own_fitted"  # by linearization, so that turning back costs nothing
JUDGED = 1000  # photographs that are left out in turn, at most
TYPES = ["jpg", "jpeg", "png", "pgm", "webp"]


@dataclass(frozen=True, eq=False)
class Own:
    """Photographs that were taken in.

    Arguments:
        bundle: The people and their model.
        accuracy: Share of photographs identified, each left out in turn.
        kind: How they are linearized.
    """

    bundle: Bundle
    accuracy: float
    kind: str


def draw() -> None:
    """Takes a zip or a folder of people, and tells what came of it."""
    st.caption(
        "One folder per person, each with at least 2 photographs cropped to the face (jpg, png, "
        "pgm, webp). They stay in this session and are gone when you close the page."
    )
    kind = st.radio("As", ("A zip file", "A folder"), horizontal=True, key="own_kind")
    if kind == "A folder":
        given = st.file_uploader(
            "Folder of people",
            type=TYPES,
            accept_multiple_files="directory",
            key=f"own_folder_{st.session_state.setdefault(_ROUND, 0)}",
        )
    else:
        key = f"own_zip_{st.session_state.setdefault(_ROUND, 0)}"
        one = st.file_uploader("Zip of folders", type="zip", key=key)
        given = [one] if one else []
    if given:
        _take(given)
    if KEY in st.session_state:
        _about(st.session_state[KEY])
    elif not given:
        st.info("No photographs yet: the ORL faces stay on the page.")


def turn(kind: str) -> None:
    """Turns to the visitor's own photographs, linearized in some way."""
    own: Own = st.session_state[KEY]
    if own.kind != kind:
        fitted: dict[str, Own] = st.session_state.setdefault(_FITTED, {own.kind: own})
        if kind not in fitted:
            with st.spinner("Fitting your photographs"):
                fitted[kind] = _judged(own.bundle.faces, kind)
        st.session_state[KEY] = own = fitted[kind]
    use(own.bundle)


def _take(given: Sequence[UploadedFile]) -> None:
    """Fits a model of new uploads and lets go of the files; tells why where that fails."""
    files = tuple(sorted(file.file_id for file in given))
    if st.session_state.get(_REFUSED, (None, ""))[0] != files:
        try:
            fitted = _fitted(given)
        except ForgetError as error:
            st.session_state[_REFUSED] = (files, str(error))
        else:
            _let_go()
            st.session_state[KEY] = fitted
            st.session_state[_ROUND] += 1  # a new uploader, empty, instead of a list of files
            use(st.session_state[KEY].bundle)
            st.rerun()
    st.error(st.session_state[_REFUSED][1], icon=":material/error:")


def _fitted(given: Sequence[UploadedFile]) -> Own:
    bar = st.progress(0.0, "Reading the photographs")

    def step(done: int, total: int, note: str = "") -> None:
        bar.progress(done / total, f"{note or 'photographs judged'}: {done} of {total}")

    # A folder's files are named by their path in it, a zip by itself.
    name = given[0].name.split("/")[0] if "/" in given[0].name else given[0].name
    try:
        faces = load_uploads(((file.name, file.getvalue()) for file in given), name)
        return _judged(faces, in_use(), step)
    finally:
        bar.empty()


def _judged(faces: FaceDataset, kind: str, on_step: OnStep = silent) -> Own:
    bundle = bundle_of(faces, _nameless(feature_map(kind)), on_step)
    model, rows, images = bundle.model, bundle.rows, faces.images
    targets = model.feature_map.targets(images) if model.statistics.space.targets else None
    space = model.statistics.space
    accuracy = leave_one_out(model.rule, space, rows, faces.labels, JUDGED, on_step, targets)
    return Own(bundle, accuracy, kind)


def _nameless(network: FeatureMap) -> FeatureMap:
    """The same, whose record holds photographs alone: in other data its names are other people."""
    mine = copy(network)
    if mine.record is not None:
        mine.record = replace(mine.record, people=frozenset())
    return mine


def _about(own: Own) -> None:
    faces = own.bundle.faces
    people, photographs = len(faces.identities), len(faces.images)
    judged = "each photograph" if photographs <= JUDGED else f"each of {JUDGED:,} photographs"
    st.markdown(
        f"**{plain(faces.name)}**: {people} people, {photographs:,} photographs. Identified when "
        f"{judged} is left out in turn: **{own.accuracy:.1%}** (chance {1 / people:.1%})."
    )
    if faces.skipped:
        with st.expander(f"{len(faces.skipped)} left out"):
            for line in faces.skipped[:200]:
                st.text(line)
    st.button("Remove my photographs", on_click=_remove, icon=":material/delete:")


def _remove() -> None:
    st.session_state["faces_source"] = "ORL faces"
    _let_go()


def _let_go() -> None:
    """Drops the photographs that are there, and all that was made of them."""
    own: Own | None = st.session_state.pop(KEY, None)
    fitted = st.session_state.pop(_FITTED, {} if own is None else {own.kind: own})
    for one in fitted.values():
        leave(one.bundle, in_use())

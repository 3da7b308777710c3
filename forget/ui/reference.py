"""What an audit is read beside: a model fitted or trained again without the people, or a file."""

from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from forget.auditing.reference import check_reference
from forget.errors import ForgetError
from forget.linear.archive import model_from_bytes
from forget.linear.model import LinearModel
from forget.linearizations import LINEARIZATIONS, kind_of
from forget.methods.refit import refit
from forget.pretrained import demo_facts
from forget.progress import OnStep
from forget.reference import train_without
from forget.ui.cached import FIRST
from forget.ui.goals import SUPPRESS
from forget.ui.parts import plain
from forget.ui.visit import Visit, made_of_faces
from forget.unlearning.contract import Scope

__all__ = ["KEY", "Chosen", "choose"]

KEY = "audit_reference"
# The last upload: its id, and the model or why it is none.
READ = made_of_faces("audit_reference_read")
REFIT = "Fitted again without them"
TRAINED = "Network and all trained again without them"
FILE = "A model from a file"
NOTHING = "No reference"


@dataclass(frozen=True)
class Chosen:
    """A reference that was chosen; equal ones are the same.

    Arguments:
        title: Which of the ways.
        upload: Of a file, what tells it from others; else empty.
        name: Of a file, what it is called.
        model: Of a file, what was read from it.
    """

    title: str
    upload: str = ""
    name: str = ""
    model: LinearModel | None = field(default=None, compare=False, repr=False)

    @property
    def beside(self) -> str:
        """Where the audit stands then, in words."""
        if self.title == NOTHING:
            return "without a reference"
        what = plain(self.name) if self.title == FILE else self.title.lower()
        return f"beside a reference ({what})"

    def make(self, now: Visit, on_step: OnStep) -> LinearModel | None:
        """The model; made in the background, so it calls nothing of Streamlit.

        Raises:
            ForgetError: It cannot be made.
        """
        original, faces = now.bundle.model, now.bundle.faces
        if self.title == REFIT:
            return refit(original, faces, now.forgotten)
        if self.title == TRAINED:
            return train_without(original, now.bundle.split.forgetting(now.forgotten), 0, on_step)
        return self.model


def choose(now: Visit) -> Chosen | None:
    """Draws the choice, and what it means; None while a file is missing or is none."""
    core = [person for person in now.forgotten if person in now.bundle.faces.core]
    ways = [REFIT, *([TRAINED] if core and now.bundle.source == "orl" else []), FILE, NOTHING]
    if st.session_state.get(KEY) not in ways:
        st.session_state[KEY] = REFIT
    title = st.selectbox("Beside a reference", ways, key=KEY, persist_state="session", width=420)
    if title == FILE:
        return _from_file(now)
    st.caption(_says(title, now))
    return Chosen(title)


def _says(title: str, now: Visit) -> str:
    if title == NOTHING:
        return "The forgotten are compared with people who were never there, and with no model."
    if title == TRAINED:
        return (
            "The network is trained again from the photographs of the core people who are left, "
            "and everybody who stays is fitted on it: the only model that never saw them. "
            f"{_how_long(now)}"
        )
    if now.goal is SUPPRESS:
        return (
            "The readout solved again from the features of everybody who stays, with nothing "
            "erased: a model that never enrolled them. Suppression is not meant to equal it, and "
            "the numbers show where it does not."
        )
    effect = now.effect
    said = (
        "The readout solved again from the stored features of everybody who stays. Integers add "
        "up to the same sums whether somebody was taken out or never put in, and the readout is a "
        "function of the sums: this is the same model, bit for bit, made in milliseconds, and "
        "every number must be equal. One that is not would be an error."
    )
    if effect is not None and effect.guarantee.scope is Scope.READOUT:
        said += " It shares the network, so it cannot tell what the network keeps of them."
    return said


def _how_long(now: Visit) -> str:
    kind, facts = kind_of(now.bundle.model.feature_map), demo_facts()
    seconds = facts["seconds"]["training everything"]
    wait = LINEARIZATIONS[kind].wait if kind != FIRST else ""
    more = f", and {wait} more for the linearization" if wait else ""
    return f"It takes about {seconds:.0f} s ({facts['machine']}){more}."


def _from_file(now: Visit) -> Chosen | None:
    st.caption(
        "A model that was made without them and saved by `forget.save_model` or downloaded here. "
        "It is read without running anything in it, and stays in this session."
    )
    given = st.file_uploader("Reference model", type="safetensors", key="audit_reference_file")
    if given is None:
        return _kept(now)
    file = (given.file_id, now.forgotten, id(now.bundle))
    if st.session_state.get(READ, (None,))[0] != file:
        st.session_state[READ] = (file, given.name, _read(given, now))
    return _kept(now)


def _kept(now: Visit) -> Chosen | None:
    """The file that was read last, which outlives a look at other pages."""
    file, name, found = st.session_state.get(READ, (None, "", None))
    if file is None:
        return None
    if isinstance(found, LinearModel) and file[1:] != (now.forgotten, id(now.bundle)):
        st.caption(f"{plain(name)} was read for other people: bring the file again.")
        return None
    if isinstance(found, LinearModel):
        st.markdown(f":material/check: {plain(name)}: a model of {len(found.people)} people")
        return Chosen(FILE, file[0], name, found)
    st.error(found, icon=":material/error:")
    return None


def _read(given: UploadedFile, now: Visit) -> LinearModel | str:
    try:
        model = model_from_bytes(given.getvalue(), given.name)
        check_reference(model, now.forgotten, now.bundle.faces, given.name)
    except ForgetError as error:
        return str(error)
    return model

"""MUFAC for all visitors: whether it is here, what has to be made first, and what is loaded."""

import threading
from pathlib import Path

import streamlit as st

from forget.data.downloads import CATALOGUE
from forget.data.sources import APP_DATA
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.linearizations import LINEARIZATIONS
from forget.prepared import COMMAND, HOME, Prepared, is_prepared, load_prepared, prepare
from forget.progress import OnStep, silent
from forget.ui.cached import FIRST, Bundle

__all__ = [
    "DOWNLOAD",
    "TITLE",
    "about",
    "bundle",
    "installed",
    "is_here",
    "make",
    "missing",
    "offer",
]

TITLE = "MUFAC families"
DOWNLOAD = "python -m forget download mufac"
LENGTH = "10 to 20 minutes on two cores, once"  # the training of the network
# On two cores, with the features of all photographs.
WAITS = {
    "penultimate": "about a minute",
    "tangent": "about two minutes",
    "linearizer": "about four minutes",
    "linearizer-image": "ten to fifteen minutes",
}

_LOADING = threading.Lock()
_PREPARED: dict[Path, Prepared] = {}  # one for all kinds: it holds everybody's photographs
_BUNDLES: dict[tuple[Path, str], Bundle] = {}


def is_here(name: str = "mufac") -> bool:
    """Whether the data set lies in app_data, as an archive or unpacked."""
    return (APP_DATA / name).is_dir() or (APP_DATA / f"{name}.zip").is_file()


def bundle(kind: str) -> Bundle | None:
    """The people and their model, if that takes seconds; None if something must be made first.

    Raises:
        ForgetError: What is kept, or the archive, cannot be read.
    """
    if not (is_here() and is_prepared(HOME)):
        return None
    if (HOME, kind) not in _BUNDLES:
        with st.spinner("Loading the people of MUFAC and the model that knows them"), _LOADING:
            if (HOME, kind) not in _BUNDLES:
                prepared = _prepared()
                kept = prepared.kept(kind)
                if kept is not None:
                    _BUNDLES[HOME, kind] = _bundle(prepared, *kept)
    return _BUNDLES.get((HOME, kind))


def make(kind: str, on_step: OnStep = silent) -> Bundle:
    """Trains what is not there, computes features, fits, and keeps it for all visitors.

    Raises:
        ForgetError: MUFAC is not there, or what is kept cannot be read.
    """
    if not is_prepared(HOME):
        _PREPARED[HOME] = prepare(folder=HOME, on_step=on_step)
    prepared = _prepared(on_step)
    _BUNDLES[HOME, kind] = made = _bundle(prepared, *prepared.fitted(kind, on_step))
    return made


def offer(kind: str) -> str:
    """What has to be made before a kind can be shown, and how long that takes."""
    if not is_prepared(HOME):
        again = (
            " A training that was stopped is kept: Prepare goes on from its last whole epoch."
            if (HOME / "unfinished.pt").is_file()
            else ""
        )
        return (
            "A network is trained on half of the people of MUFAC, so that everybody else can be "
            f"taken out of the whole model. That takes about {LENGTH}, and goes on while you look "
            f"at other pages.{again}\n\nThe same in a terminal: `{COMMAND}`. Until then the ORL "
            "faces stay on the page."
        )
    wait = WAITS.get(kind, LINEARIZATIONS[kind].wait)
    if kind == FIRST:
        return (
            "The features of all photographs of MUFAC are computed, and kept: "
            f"{wait} on two cores, once. Until then the ORL faces stay on the page."
        )
    return (
        f"**{LINEARIZATIONS[kind].title}** is made on the people who also taught the network, "
        f"and fitted to everybody: {wait} on two cores the first time. Until then the page shows "
        f"**{LINEARIZATIONS[FIRST].title.lower()}**."
    )


def missing() -> None:
    """Says that the data set is not here, why, and how to get it."""
    source = CATALOGUE["mufac"]
    st.info(
        f"**MUFAC is not here**: {source.title}. It does not come with this app, because its "
        f"photographs must not be passed on ({source.licence}). To get it ({source.size}):\n\n"
        f"`{DOWNLOAD}`\n\nUntil then the ORL faces stay on the page.",
        icon=":material/download:",
    )


def about(shown: Bundle) -> None:
    """States how well the model tells people apart, before anybody is forgotten."""
    faces, (share, judged) = shown.faces, shown.identified
    people = len(faces.identities)
    st.markdown(
        f"**MUFAC**: {people} people, {len(faces.added)} of them added, {len(faces.images):,} "
        f"photographs. Identified, of {judged:,} held-out photographs of added people: "
        f"**{share:.1%}** (chance {1 / people:.1%}). The network learned to tell ages, so it "
        "tells people apart only modestly."
    )


def installed() -> str:
    """What of it is here, and the command that gets the rest, as one item of a list."""
    if not is_here():
        return f"- **{TITLE}**: not here. Get the data set with `{DOWNLOAD}`, then `{COMMAND}`."
    if not is_prepared(HOME):
        return (
            f"- **{TITLE}**: the data set is here, its network is not prepared. Prepare it on the "
            f"page *Forget people*, or with `{COMMAND}` (about {LENGTH})."
        )
    return f"- **{TITLE}**: the data set is here, its network is prepared (`{COMMAND}`)."


def _prepared(on_step: OnStep = silent) -> Prepared:
    if HOME not in _PREPARED:
        _PREPARED[HOME] = load_prepared(folder=HOME, on_step=on_step)
    return _PREPARED[HOME]


def _bundle(prepared: Prepared, model: LinearModel, rows: Rows) -> Bundle:
    return Bundle(prepared.faces, model, rows, "mufac").warm()

"""A gallery of faces to choose people from, in step with a native list of names."""

import base64
import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forget.errors import PhotographError
from forget.ui.tiles import with_tiles

__all__ = ["Face", "gallery", "portrait"]

SIZE = (92, 112)  # pixels, width and height of a picture in the gallery


@dataclass(frozen=True)
class Face:
    """Says how one person appears in the gallery.

    Arguments:
        person: The id of the person, as it stands in the shared selection.
        name: What is written under the picture.
        portrait: The picture as a data URL, see :func:`portrait`.
        group: Whether the person was added to the model or is one of its core people.
        forgotten: Whether the model has forgotten the person, who then cannot be chosen.
    """

    person: str
    name: str
    portrait: str
    group: Literal["added", "core"]
    forgotten: bool

    def __post_init__(self) -> None:
        if not self.portrait.startswith("data:image/"):
            raise PhotographError(
                "a portrait that starts with data:image/",
                repr(self.portrait[:24]),
                "Make it with forget.ui.gallery.portrait.",
            )


def portrait(image: NDArray[np.uint8]) -> str:
    """Returns a photograph as a WEBP data URL of about 2 kB.

    Arguments:
        image: Grey values in [0, 255], (112, 92), or RGB, (112, 92, 3); another size is scaled
            and cut about its centre.

    Example:
        >>> portrait(np.zeros((112, 92), np.uint8))[:23]
        'data:image/webp;base64,'
    """
    picture = Image.fromarray(image)
    if picture.size != SIZE:
        picture = ImageOps.fit(picture, SIZE)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=80, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def gallery(
    faces: Sequence[Face],
    selection_key: str,
    key: str,
    selectable: Collection[str] | None = None,
    word: str = "forgotten",
) -> None:
    """Draws the faces as a list of checkboxes with pictures.

    The choice is `st.session_state[selection_key]`, a list of person ids. It may also be the
    `key` of a multiselect, which must be drawn before the gallery.

    The browser shows a click at once and sends it with a revision number. It keeps the click on
    top of whatever the server says until the server has answered with that revision, so fast
    clicks are neither lost nor undone on the screen, and changes from elsewhere are shown too.
    Portraits travel once: with every click the browser names the digest of those it shows, and
    the server remembers all digests, so that turning back to a page sends nothing.

    Arguments:
        faces: The people in the order of their pictures; in each group all have one legend.
        selection_key: Where the session state holds the choice.
        key: The key of this gallery; `<key>_seen` in the session state is used as well.
        selectable: Who can be chosen, also by a click that arrives after its picture went; by
            default everybody shown who is not forgotten.
        word: What stands where the face of a forgotten person was.
    """
    portraits = [face.portrait for face in faces]
    digest = hashlib.sha256("\n".join(portraits).encode()).hexdigest()
    seen = st.session_state.get(f"{key}_seen", _Seen())
    data = {
        "groups": _groups(faces),
        "word": word,
        "forgotten": [face.person for face in faces if face.forgotten],
        "chosen": list(st.session_state.get(selection_key, [])),
        "revision": seen.revision,
        "digest": digest,
        "portraits": None if digest in seen.digests else portraits,
    }
    if selectable is None:
        selectable = [face.person for face in faces if not face.forgotten]
    pick = partial(_pick, key, selection_key, frozenset(selectable))
    _component(key=key, data=data, on_picked_change=pick)


@dataclass(frozen=True)
class _Seen:
    """The last click of a browser that reached the server, and the portraits it holds."""

    revision: int = 0
    digests: frozenset[str] = frozenset()


def _pick(key: str, selection_key: str, selectable: frozenset[str]) -> None:
    """Brings the clicks since the last answer into the shared selection."""
    picked = st.session_state[key]["picked"]
    chosen = dict.fromkeys(st.session_state.get(selection_key, []))
    for person, on in picked["changes"]:
        if on and person in selectable:
            chosen.setdefault(person)
        else:
            chosen.pop(person, None)
    st.session_state[selection_key] = list(chosen)
    seen, digest = st.session_state.get(f"{key}_seen", _Seen()), str(picked["digest"])
    # Without a digest the browser asks for portraits that it was believed to hold.
    held = seen.digests | {digest} if digest else frozenset()
    st.session_state[f"{key}_seen"] = _Seen(int(picked["revision"]), held)


def _groups(faces: Sequence[Face]) -> list[dict[str, object]]:
    """Returns the groups that have faces, each with its legend; faces carry their position."""
    members = {
        group: [(i, f.person, f.name) for i, f in enumerate(faces) if f.group == group]
        for group in ("added", "core")
    }
    core = len(members["core"])
    who = f"These {core}" if core > 1 else "This one"
    legends = {"added": "Added people", "core": f"{who} also trained the network"}
    return [{"legend": legends[g], "faces": found} for g, found in members.items() if found]


_component = st.components.v2.component(
    "forget_gallery",
    html='<div class="tiles"></div><p class="count" role="status" aria-live="polite"></p>',
    css=with_tiles("gallery.css"),
    js=with_tiles("gallery.js"),
)

"""Pictures of which one is chosen, by a click or with the arrow keys."""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from forget.ui.tiles import with_tiles

__all__ = ["Picture", "drawable", "enlarged", "pictures"]

SHARP = 64  # pixels; smaller images are enlarged with hard edges, so that each pixel shows
SIDE = 192  # pixels of an enlarged image, about


@dataclass(frozen=True)
class Picture:
    """Says how one picture appears among the others.

    Arguments:
        value: What is stored when it is chosen.
        name: What is written under it.
        alt: What a screen reader says instead of it.
        url: The picture as a data URL, see :func:`drawable`.
        sharp: Whether its pixels have hard edges.
    """

    value: int
    name: str
    alt: str
    url: str
    sharp: bool


def drawable(image: NDArray[np.uint8]) -> str:
    """Returns an image as a data URL: small ones without loss.

    Arguments:
        image: (height, width) or (height, width, 1), grey, or (height, width, 3), RGB.

    Example:
        >>> drawable(np.zeros((8, 8, 1), np.uint8))[:22]
        'data:image/png;base64,'
    """
    kind, options = ("PNG", {}) if max(image.shape[:2]) <= SHARP else ("WEBP", {"quality": 85})
    file = io.BytesIO()
    _opened(image).save(file, kind, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(file.getvalue()).decode()


def enlarged(image: NDArray[np.uint8]) -> Image.Image:
    """Returns an image as `drawable` takes it at about 192 pixels, small ones with hard edges."""
    picture = _opened(image)
    times = max(1, SIDE // max(picture.size))
    size = (picture.width * times, picture.height * times)
    return picture.resize(size, Image.Resampling.NEAREST)


def pictures(shown: Sequence[Picture], selection_key: str, key: str, legend: str) -> None:
    """Draws pictures as a group of radio buttons.

    The choice is `st.session_state[selection_key]`, the value of one of them.

    Arguments:
        shown: The pictures in their order.
        selection_key: Where the session state holds the choice.
        key: The key of this group.
        legend: What the group is called.
    """
    told = [asdict(one) for one in shown]
    data = {
        "legend": legend,
        "pictures": told,
        "digest": hashlib.sha256(repr(told).encode()).hexdigest(),
        "chosen": st.session_state.get(selection_key),
    }
    values = frozenset(one.value for one in shown)
    _component(key=key, data=data, on_picked_change=partial(_pick, key, selection_key, values))


def _pick(key: str, selection_key: str, values: frozenset[int]) -> None:
    """Stores a click, unless the picture is not among those shown any more."""
    picked = st.session_state[key]["picked"]
    if picked in values:
        st.session_state[selection_key] = picked


def _opened(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(
        np.ascontiguousarray(image[..., 0] if image.shape[2:] == (1,) else image)
    )


_component = st.components.v2.component(
    "forget_pictures",
    html='<div class="tiles"></div>',
    css=with_tiles("pictures.css"),
    js=with_tiles("pictures.js"),
)

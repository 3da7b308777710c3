"""Small pieces that many pages draw: words, photographs, people in a row."""

import re
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from forget.likeness import Ranked
from forget.ui.cached import Bundle

__all__ = ["counted", "faded", "people_row", "photograph", "plain"]


def plain(text: str) -> str:
    """Text that Markdown shows as it is: names come from visitors."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~])", r"\\\1", text)


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things, in the singular where it is one: "1 photograph", "2 photographs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def photograph(bundle: Bundle, index: int) -> None:
    """Draws one photograph of a data set."""
    title = bundle.faces.title(bundle.faces.labels[index])
    st.image(bundle.faces.images[index], alt=f"Photograph of {title}", width=64)


def people_row(bundle: Bundle, ranked: Ranked, digits: int = 2) -> None:
    """Draws people in a row, each with a portrait and a score."""
    with st.container(horizontal=True, gap="small"):
        for person, score in ranked:
            title = bundle.faces.title(person)
            st.image(
                bundle.faces.images[bundle.faces.of(person)[0]],
                alt=f"Portrait of {title}",
                caption=f"{plain(title)}  \n{score:.{digits}f}",
                width=80,
            )


def faded(images: Sequence[np.ndarray], opacity: Sequence[float], gap: int = 12) -> Image.Image:
    """Portraits side by side, each over transparency with its own opacity.

    Arguments:
        images: All (height, width), or all (height, width, 3).
        opacity: Of each, in [0, 1].
        gap: Between two of them, pixels.
    """
    height, width = images[0].shape[:2]
    mode = "LA" if images[0].ndim == 2 else "RGBA"
    strip = Image.new(mode, (len(images) * (width + gap) - gap, height))
    for i, (image, share) in enumerate(zip(images, opacity, strict=True)):
        picture = Image.fromarray(image)
        picture.putalpha(round(255 * share))
        strip.paste(picture, (i * (width + gap), 0))
    return strip

"""Photographs side by side, with a word below each."""

from collections.abc import Collection, Sequence
from html import escape

import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from forget.charts.people import COLOURS
from forget.errors import ForgetError

__all__ = ["portraits"]

WIDTH = 900  # pixels of a whole row
GAP = 0.08  # of a column
LINE = 18  # pixels of the words below


def portraits(
    images: NDArray, titles: Sequence[str], marked: Collection[int] = (), across: int = 8
) -> go.Figure:
    """Draws photographs in rows; some are faded, and their words in the warning colour.

    Arguments:
        images: Photographs, (n, height, width), grey, or (n, height, width, 3), RGB, uint8.
        titles: What to write below each, n of them.
        marked: Places of those that are faded.
        across: Photographs in a row.

    Raises:
        ForgetError: No photograph, or other titles than photographs.
    """
    if not len(images) or len(titles) != len(images):
        got = f"{len(titles)} titles of {len(images)} photographs"
        raise ForgetError("photographs, and a title of each", got, "Choose some photographs.")
    tall = images.shape[1] / images.shape[2]
    rows = -(-len(images) // across)
    side = WIDTH / across  # pixels of a column
    row = tall * (1 - GAP) + LINE / side
    figure = go.Figure()
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        x, y = place % across, -row * (place // across)
        gone = place in marked
        figure.add_layout_image(
            source=Image.fromarray(image),
            **{"x": x, "y": y, "xref": "x", "yref": "y"},
            **{"sizex": 1 - GAP, "sizey": tall * (1 - GAP)},
            opacity=0.35 if gone else 1.0,
        )
        figure.add_annotation(
            **{"x": x + (1 - GAP) / 2, "y": y - tall * (1 - GAP), "yanchor": "top"},
            text=escape(title),
            showarrow=False,
            font={"size": 11, **({"color": COLOURS["forgotten"]} if gone else {})},
        )
    columns = min(across, len(images))
    figure.update_xaxes(visible=False, range=[0, columns])
    figure.update_yaxes(visible=False, range=[-row * rows, 0])
    margin = {side: 0 for side in "lrtb"}
    size = {"width": round(columns * side), "height": round(row * rows * side)}
    return figure.update_layout(**size, margin=margin)

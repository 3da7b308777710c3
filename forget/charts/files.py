"""Figures to files: interactive pages that need no network, and pictures drawn by a browser."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from forget.errors import ForgetError

__all__ = ["FORMATS", "write_page", "write_pictures"]

FORMATS = ("png", "svg", "pdf")  # of pictures
WIDTH = 1000  # pixels
SCALE = 2  # pixels of a PNG for each of them
LIBRARY = "plotly.min.js"


def write_page(path: Path, figure: go.Figure) -> None:
    """Writes an interactive page, and the plotly library once beside it.

    Each page would be 5 MB with the library inside, and 12 kB are enough with it beside.

    Raises:
        ForgetError: The folder cannot be written to.
    """
    page = pio.to_html(figure, include_plotlyjs="directory", config={"displaylogo": False})
    page = page.replace("<head>", f"<head><title>{escape(path.stem)}</title>", 1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        library, code = path.with_name(LIBRARY), get_plotlyjs().encode()
        if not library.is_file() or library.read_bytes() != code:
            library.write_bytes(code)
    except OSError as error:
        raise ForgetError(
            f"a folder that can be written to at {path.parent}", str(error), "Choose another."
        ) from error


def write_pictures(figures: Mapping[Path, go.Figure]) -> None:
    """Writes pictures, 1000 pixels wide, in the formats that the endings of the paths name.

    Raises:
        ForgetError: There is no Chrome or Chromium, or it failed.
    """
    if not figures:
        return
    try:
        pio.write_images(
            fig=list(figures.values()),
            file=list(figures),
            width=WIDTH,
            height=[figure.layout.height for figure in figures.values()],
            scale=SCALE,
        )
    except (RuntimeError, ValueError, OSError, ImportError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ForgetError(
            "a Chrome or Chromium that draws pictures",
            lines[0].rstrip(".:") if lines else type(error).__name__,
            "Install one (apt-get install chromium on Debian and Ubuntu, or plotly_get_chrome "
            "anywhere), or set BROWSER_PATH to the one you have.",
        ) from error

"""One picture of many: groups of images side by side, with a word under each image."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["GROUPS", "MEMBERS", "contact_sheet"]

GROUPS = 24  # on one sheet
MEMBERS = 8  # images of one group, and of a row
TILE = 112  # pixels, width and height of an image
GAP = 8  # pixels
LINE = 13  # pixels, height of a line of the caption
LETTERS = 20  # of a line of the caption
FRAME = (150, 150, 150)

Tile = tuple[NDArray[np.uint8], str]


def contact_sheet(groups: Sequence[Sequence[Tile]]) -> bytes:
    """Draws at most 24 groups of images, 8 images of each, framed, as a PNG.

    Arguments:
        groups: For each group its images, (height, width) or (height, width, 1 or 3), with a
            caption of up to two lines.
    """
    shown = [group[:MEMBERS] for group in groups[:GROUPS]]
    rows = _rows([len(group) for group in shown])
    row, column = TILE + 2 * LINE + 2 * GAP, TILE + GAP
    width = max([sum(len(shown[g]) for g in line) for line in rows], default=1)
    sheet = Image.new("RGB", (width * column + GAP, len(rows) * row + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for down, line in enumerate(rows):
        across, top = 0, GAP + down * row
        for group in (shown[g] for g in line):
            left = GAP + across * column
            right = left + len(group) * column - GAP
            frame = (left - 3, top - 3, right + 2, top + TILE + 2 * LINE + 2)
            draw.rectangle(frame, outline=FRAME)
            for k, tile in enumerate(group):
                _draw(sheet, draw, (left + k * column, top), tile)
            across += len(group)
    out = BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _rows(sizes: Sequence[int]) -> list[list[int]]:
    """Which groups stand in which row: as many as fit, in their order."""
    rows: list[list[int]] = []
    used = MEMBERS
    for group, size in enumerate(sizes):
        if used + size > MEMBERS:
            rows.append([])
            used = 0
        rows[-1].append(group)
        used += size
    return rows


def _draw(sheet: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], tile: Tile) -> None:
    pixels, caption = tile
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    image = image.convert("RGB")
    image.thumbnail((TILE, TILE))
    sheet.paste(image, at)
    font = ImageFont.load_default(11)
    for line, text in enumerate(caption.splitlines()[:2]):
        place = (at[0], at[1] + TILE + line * LINE)
        draw.text(place, text[:LETTERS], fill="black", font=font)

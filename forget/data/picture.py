"""One picture in colour, as classifiers see it: decoded safely, upright, RGB and of one size."""

from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forget.data.photograph import MAX_BYTES, MAX_PIXELS
from forget.errors import PhotographError

__all__ = ["Picture", "read_picture"]

FORMATS = ("JPEG", "PNG", "PPM", "WEBP")  # no other decoder of Pillow sees untrusted bytes
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr", "CMYK")  # 8 bits

EXPECTED = "a JPEG, PNG, PPM or WebP picture"
REMEDY = "Copy the file again from where it came."


class Picture(NamedTuple):
    """One decoded picture and what was done to it.

    Arguments:
        pixels: (height, width, 3), uint8, RGB.
        resized: Whether it had another size.
        converted: Whether it had other colours than 8-bit RGB.
    """

    pixels: NDArray[np.uint8]
    resized: bool
    converted: bool


def read_picture(data: bytes, name: str, size: tuple[int, int]) -> Picture:
    """Decodes one picture: EXIF orientation, then RGB, then its centre at the wanted size.

    An RGB picture that already has the size comes back bit for bit. Another one is cropped to
    the wanted shape around its centre and resized with antialiasing (bicubic). Grey and CMYK
    become RGB; transparent pixels are laid over white.

    Arguments:
        data: The file.
        name: What the message calls the file.
        size: Height and width to return, pixels.

    Raises:
        PhotographError: The file is not a whole 8-bit picture of sensible size; `got` starts
            with the name.
    """
    if not data or len(data) > MAX_BYTES:
        got = "an empty file" if not data else f"more than {MAX_BYTES // 10**6} MB"
        raise PhotographError(EXPECTED, f"{name}: {got}", REMEDY)
    try:
        return _decode(data, size)
    except MemoryError:
        raise
    except Exception as error:  # on hostile bytes Pillow raises nearly everything
        raise PhotographError(EXPECTED, f"{name}: {_reason(error)}", REMEDY) from error


def _reason(error: Exception) -> str:
    return error.got if isinstance(error, PhotographError) else "damaged, cut off or no picture"


def _decode(data: bytes, size: tuple[int, int]) -> Picture:
    with Image.open(BytesIO(data), formats=FORMATS) as image:  # reads the header only
        if image.width * image.height > MAX_PIXELS:
            raise PhotographError(EXPECTED, f"{image.width} x {image.height} pixels", REMEDY)
        if image.mode not in MODES:
            raise PhotographError(EXPECTED, f"{image.mode} colours", REMEDY)
        image.load()
        upright = ImageOps.exif_transpose(image)
    converted = upright.mode != "RGB"
    if upright.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    rgb = upright.convert("RGB")
    wanted = (size[1], size[0])
    resized = rgb.size != wanted
    if resized:
        rgb = ImageOps.fit(rgb, wanted, Image.Resampling.BICUBIC)
    return Picture(np.array(rgb, dtype=np.uint8), resized, converted)

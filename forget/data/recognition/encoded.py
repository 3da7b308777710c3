"""One encoded face as pixels: RGB, at the size that it has, decoded within bounds."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forget.data.photograph import MAX_BYTES, MAX_PIXELS
from forget.errors import PhotographError

__all__ = ["decode_face", "encoded_size", "read_encoded"]

FORMATS = ("JPEG", "PNG", "PPM", "WEBP", "BMP")  # no other decoder of Pillow sees such bytes
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr", "CMYK")  # 8 bits

EXPECTED = "a JPEG, PNG, PPM, WebP or BMP image"
REMEDY = "Copy the file again from where it came."


def decode_face(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decodes an image and turns it upright.

    Arguments:
        data: The encoded image.
        name: What the message calls it.

    Returns:
        The pixels, (height, width, 3), RGB.

    Raises:
        PhotographError: Not a whole 8-bit image of at most 40 megapixels and 50 MB; `got`
            starts with the name.
    """
    try:
        with _opened(data) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
        return np.array(upright.convert("RGB"), dtype=np.uint8)
    except MemoryError:
        raise
    except Exception as error:  # on hostile bytes Pillow raises nearly everything
        raise _refusal(error, name) from error


def encoded_size(data: bytes, name: str) -> tuple[int, int]:
    """Height and width of an encoded image as its header tells, pixels; nothing is decoded.

    Raises:
        PhotographError: As `decode_face` does, damage behind the header excepted.
    """
    try:
        with _opened(data) as image:
            return image.height, image.width
    except MemoryError:
        raise
    except Exception as error:  # on hostile bytes Pillow raises nearly everything
        raise _refusal(error, name) from error


def read_encoded(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        PhotographError: It is not there, cannot be read or has more than 50 MB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        got = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise PhotographError("a readable image", got, "Check the path and the folder.") from error
    if len(data) > MAX_BYTES:
        raise PhotographError(EXPECTED, f"{path}: more than {MAX_BYTES // 10**6} MB", REMEDY)
    return data


def _opened(data: bytes) -> Image.Image:
    if not data or len(data) > MAX_BYTES:
        got = "no bytes" if not data else f"more than {MAX_BYTES // 10**6} MB"
        raise PhotographError(EXPECTED, got, REMEDY)
    image = Image.open(BytesIO(data), formats=FORMATS)  # reads the header only
    if image.width * image.height > MAX_PIXELS:
        raise PhotographError(EXPECTED, f"{image.width} x {image.height} pixels", REMEDY)
    if image.mode not in MODES:
        raise PhotographError(EXPECTED, f"{image.mode} colours", REMEDY)
    return image


def _refusal(error: Exception, name: str) -> PhotographError:
    known = isinstance(error, PhotographError)
    got = error.got if known else "damaged, cut off or no image"
    return PhotographError(EXPECTED, f"{name}: {got}", REMEDY)

"""One photograph as the model sees it: decoded safely, upright, grey and of one size."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from forget.errors import PhotographError

__all__ = ["MAX_BYTES", "MAX_PIXELS", "MIN_SIDE", "SIZE", "read_photograph"]

SIZE = (112, 92)  # height and width of what the model sees, pixels
MIN_SIDE = 16  # pixels; below it there is no face to see
MAX_PIXELS = 40_000_000  # the best phone cameras; a decoded one takes 160 MB
MAX_BYTES = 50_000_000
MAX_COMMENTS = 100  # in a plain-text PGM; Pillow takes minutes over one made of comments

FORMATS = ("JPEG", "PNG", "PPM", "WEBP")  # no other decoder of Pillow sees untrusted bytes
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr")  # 8 bits, not CMYK

EXPECTED = "a JPEG, PNG, PGM or WebP photograph"
SAVE_AGAIN = "Open it in an image editor and save it again as an 8-bit RGB JPEG or PNG."


def read_photograph(data: bytes, name: str, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Decodes one photograph: EXIF orientation, centre crop, grey, resized with antialiasing.

    A grey photograph that already has the size comes back bit for bit. Transparent pixels are
    laid over white; of a file with several pictures (MPO, by stereo cameras and some phones) the
    first is the photograph.

    Arguments:
        data: The file.
        name: What the message calls the file.
        size: Height and width to return, pixels.

    Returns:
        The photograph, (height, width), uint8.

    Raises:
        PhotographError: The file is not a whole, still, 8-bit photograph of sensible size; `got`
            starts with the name.
    """
    if not data:
        raise PhotographError(EXPECTED, f"{name}: an empty file", "Copy the file again.")
    if len(data) > MAX_BYTES:
        raise PhotographError(
            f"a file of at most {MAX_BYTES // 10**6} MB",
            f"{name}: more than that",
            "Save it smaller.",
        )
    if data[:2] in (b"P1", b"P2", b"P3") and data.count(b"#") > MAX_COMMENTS:
        raise PhotographError(EXPECTED, f"{name}: mostly comments", SAVE_AGAIN)
    try:
        return _decode(data, name, size)
    except (PhotographError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, above ours
        raise _too_large(name, "far more") from error
    except UnidentifiedImageError as error:
        raise PhotographError(
            EXPECTED, f"{name}: no JPEG, PNG, PGM or WebP", SAVE_AGAIN
        ) from error
    except Exception as error:  # on hostile bytes Pillow raises nearly everything
        raise PhotographError(EXPECTED, f"{name}: damaged or cut off", SAVE_AGAIN) from error


def _decode(data: bytes, name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    with Image.open(BytesIO(data), formats=FORMATS) as image:  # reads the header only
        _check_header(image, name)
        image.load()
        image = ImageOps.exif_transpose(image)
    image = image.convert("RGBA" if image.has_transparency_data else "L")
    image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.BICUBIC)
    if image.mode == "RGBA":  # laid over white after resizing, which weighs colours by alpha
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("L")
    return np.array(image, dtype=np.uint8)


def _check_header(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    if min(width, height) < MIN_SIDE:
        raise PhotographError(
            f"a photograph of at least {MIN_SIDE} pixels on each side",
            f"{name}: {width} x {height} pixels",
            "Take a larger copy.",
        )
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise PhotographError(
            "a single picture", f"{name}: an animation", "Save one frame of it as JPEG or PNG."
        )
    if image.mode not in MODES or _is_deep(image):
        depth = "16-bit" if image.mode in MODES else image.mode
        raise PhotographError("8-bit grey or RGB colours", f"{name}: {depth} colours", SAVE_AGAIN)


def _is_deep(image: Image.Image) -> bool:
    # Pillow reduces 16-bit RGB to 8 bits without a word; only the decoder's arguments tell:
    # the raw mode "RGB;16B" of a PNG, (raw mode, maxval) of a PPM.
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if any(isinstance(a, str) and ";16" in a for a in arguments):
            return True
        if image.format == "PPM" and any(isinstance(a, int) and a > 255 for a in arguments):
            return True
    return False


def _too_large(name: str, got: str) -> PhotographError:
    limit = f"a photograph of at most {MAX_PIXELS // 10**6} megapixels"
    return PhotographError(limit, f"{name}: {got}", "Save it smaller.")

"""Laws of read_photograph: one size, grey, exact where it can be, and no other error."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from forget.data import photograph
from forget.data.photograph import SIZE, read_photograph
from forget.errors import PhotographError


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return Image.fromarray(pixels)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG written by hand; its pixels are missing when it is large."""
    row = 1 + width * depth // 8 * {0: 1, 2: 3}[colour]
    pixels = zlib.compress(bytes(row * height if width * height < 10**6 else 0))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def two_frames(kind: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:])


grey = arrays(np.uint8, SIZE)


@given(grey, st.sampled_from(["PNG", "PPM"]))
@settings(max_examples=20)
def test_grey_of_the_right_size_comes_back_bit_for_bit(
    pixels: NDArray[np.uint8], kind: str
) -> None:
    np.testing.assert_array_equal(
        read_photograph(encode(Image.fromarray(pixels), kind), "a"), pixels
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_opaque_colours_that_are_grey_are_exact_too(mode: str) -> None:
    image = noise(SIZE[1], SIZE[0])
    np.testing.assert_array_equal(
        read_photograph(encode(image.convert(mode)), "a"), np.array(image)
    )


@given(
    st.integers(16, 200),
    st.integers(16, 200),
    st.sampled_from(
        [("1", "PNG"), ("L", "JPEG"), ("LA", "PNG"), ("P", "PNG"), ("RGB", "JPEG")]
        + [("RGB", "WEBP"), ("RGBA", "WEBP"), ("RGBA", "PNG"), ("RGB", "PPM"), ("1", "PPM")]
    ),
    st.sampled_from([SIZE, (16, 16), (50, 20)]),
)
@settings(max_examples=40)
def test_every_size_and_mode_becomes_the_same_shape(
    width: int, height: int, file: tuple[str, str], size: tuple[int, int]
) -> None:
    mode, kind = file
    image = read_photograph(encode(noise(width, height).convert(mode), kind), "a", size)
    assert image.shape == size and image.dtype == np.uint8
    assert image.flags.writeable and image.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # the inverse of the turn that the tag asks for
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = noise(SIZE[1], SIZE[0])
    stored = upright.transpose(turn[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(stored.convert("RGB"), kind, exif=exif, **options)
    np.testing.assert_array_equal(read_photograph(data, "a"), np.array(upright))


def test_the_centre_is_kept() -> None:
    wide = Image.new("L", (500, 112))
    wide.paste(255, ((500 - 92) // 2, 0, (500 + 92) // 2, 112))
    assert (read_photograph(encode(wide), "a") == 255).all()


def test_resizing_averages() -> None:
    board = np.indices((4 * SIZE[0], 4 * SIZE[1])).sum(axis=0) % 2 * 255
    image = read_photograph(encode(Image.fromarray(board.astype(np.uint8))), "a")
    assert abs(image.astype(int) - 127).max() <= 2  # nearest neighbours would give 0 or 255


@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (128, 127), (255, 0)])
@pytest.mark.parametrize("side", [60, 300])
def test_transparency_is_laid_over_white(alpha: int, expected: int, side: int) -> None:
    image = read_photograph(encode(Image.new("RGBA", (side, side), (0, 0, 0, alpha))), "a")
    assert (image == expected).all()


def test_transparent_palette_and_grey_are_laid_over_white() -> None:
    palette, black = Image.new("P", (50, 50)), Image.new("L", (50, 50))
    for image in (palette, black):
        assert (read_photograph(encode(image, transparency=0), "a") == 255).all()


@pytest.mark.parametrize("maxval", [1, 7, 100, 254])
def test_a_pgm_is_scaled_to_its_maxval(maxval: int) -> None:
    data = b"P5\n# made by hand\n92 112\n%d\n" % maxval + bytes([maxval]) * (92 * 112)
    assert (read_photograph(data, "a") == 255).all()


def test_plain_pgm_is_read_but_not_when_made_of_comments() -> None:
    assert (read_photograph(b"P2 20 20 9\n" + b"9 " * 400, "a") == 255).all()
    with pytest.raises(PhotographError, match="comments"):
        read_photograph(b"P2 20 20 9\n" + b"#\n" * 1000 + b"9 " * 400, "a")


def test_of_several_pictures_of_a_camera_the_first_is_taken() -> None:
    first = noise(92, 112)
    data = encode(first, "MPO", save_all=True, append_images=[noise(40, 40)], quality=100)
    assert abs(read_photograph(data, "a").astype(int) - np.array(first)).max() <= 8


REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"hello" * 100, "no JPEG, PNG, PGM or WebP"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG, PNG, PGM or WebP"),
    "gif": (encode(noise(30, 30), "GIF"), "no JPEG, PNG, PGM or WebP"),
    "bmp": (encode(noise(30, 30), "BMP"), "no JPEG, PNG, PGM or WebP"),
    "tiff": (encode(noise(30, 30), "TIFF"), "no JPEG, PNG, PGM or WebP"),
    "zero-sized": (b"P5 0 10 255\n", "no JPEG, PNG, PGM or WebP"),
    "negative": (b"P5 -30 -30 255\n", "no JPEG, PNG, PGM or WebP"),
    "narrow": (encode(noise(15, 99)), "15 x 99"),
    "huge": (png(20_000, 20_000), "40 megapixels"),
    "large": (png(8_000, 5_001), "40 megapixels"),
    "long": (png(2**31 - 1, 16), "40 megapixels"),
    "animated png": (two_frames("PNG"), "animation"),
    "animated webp": (two_frames("WEBP"), "animation"),
    "cmyk": (encode(Image.new("CMYK", (30, 30)), "JPEG"), "CMYK"),
    "pnm cmyk": (b"P0CMYK 20 20 255\n" + bytes(1600), "CMYK"),
    "float": (b"Pf 20 20 -1.0\n" + bytes(1600), "F colours"),
    "16-bit png": (encode(Image.fromarray(np.zeros((30, 30), np.uint16))), "16"),
    "16-bit rgb png": (png(30, 30, depth=16), "16-bit"),
    "16-bit pgm": (b"P5 20 20 65535\n" + bytes(800), "8-bit"),
    "12-bit pgm": (b"P5 20 20 4095\n" + bytes(800), "8-bit"),
    "16-bit ppm": (b"P6 20 20 65535\n" + bytes(2400), "16-bit"),
    "9-bit ppm": (b"P6 20 20 256\n" + bytes(2400), "16-bit"),
    "plain 16-bit ppm": (b"P3 20 20 300\n" + b"1 " * 1200, "16-bit"),
    "text bomb": (
        png(30, 30, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))),
        "damaged",
    ),
    "cut header": (png(30, 30)[:20], "damaged"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_photograph_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(PhotographError, match=reason) as caught:
        read_photograph(data, "anna/7.png")
    assert caught.value.got.startswith("anna/7.png: ")
    assert caught.value.expected and caught.value.remedy


@pytest.mark.parametrize(
    ("kind", "lost"), [("JPEG", 40), ("PNG", 40), ("PPM", 1), ("WEBP", 20), ("JPEG", 900)]
)
def test_a_file_that_was_cut_off_is_refused(kind: str, lost: int) -> None:
    with pytest.raises(PhotographError):
        read_photograph(encode(noise(92, 112), kind)[:-lost], "a")


def test_a_file_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(noise(30, 30))
    monkeypatch.setattr(photograph, "MAX_BYTES", len(data))
    read_photograph(data, "a")
    with pytest.raises(PhotographError, match="MB"):
        read_photograph(data + b"\0", "a")


@pytest.mark.parametrize("size", [(20_000, 20_000), (8_000, 5_001)])
def test_a_huge_picture_is_refused_before_it_is_decoded(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: ImageFile.ImageFile) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    with pytest.raises(PhotographError, match="megapixels"):
        read_photograph(png(*size), "a")


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_not_the_fault_of_the_file_passes(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(error):
        read_photograph(b"x", "a")


SEEDS = [
    encode(noise(24, 24), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
    encode(noise(24, 24), "JPEG", progressive=True),
    encode(noise(24, 24).convert("P"), "PNG", transparency=0),
    encode(noise(24, 24), "PNG", pnginfo=PngImagePlugin.PngInfo()),
    encode(noise(24, 24), "PPM"),
    b"P2 16 16 9\n" + b"9 " * 256,
    encode(noise(24, 24), "WEBP"),
    encode(noise(24, 24).convert("RGBA"), "WEBP", lossless=True),
    encode(noise(24, 24), "MPO", save_all=True, append_images=[noise(24, 24)]),
    two_frames("PNG"),
    two_frames("WEBP"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        # Headers decide most: half of the damage is done to the first 64 bytes.
        end = draw(st.sampled_from([64, len(data)]))
        at = draw(st.integers(0, min(end, len(data))))
        match draw(st.sampled_from(["replace", "insert", "cut", "drop"])):
            case "replace":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case "insert":
                data[at:at] = draw(st.binary(max_size=8))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 8))]
    return bytes(data)


@given(st.one_of(damaged(), st.binary(max_size=200)))
@settings(max_examples=400)
@pytest.mark.filterwarnings("ignore")
def test_hostile_bytes_give_a_photograph_or_a_photograph_error(data: bytes) -> None:
    try:
        assert read_photograph(data, "a").shape == SIZE
    except PhotographError as error:
        assert error.got.startswith("a: ")


def test_no_global_setting_of_pillow_is_changed() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS == int(1024 * 1024 * 1024 // 4 // 3)

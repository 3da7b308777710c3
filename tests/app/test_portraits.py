"""Portraits are drawn alike from grey and from colour photographs."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from forget.ui.gallery import SIZE, portrait
from forget.ui.parts import faded
from forget.ui.pictures import drawable, enlarged


def opened(url: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(url.partition(",")[2])))


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(112, 92), (112, 92, 3), (128, 128), (128, 128, 3)])
def test_a_portrait_has_one_size_and_keeps_its_colours(shape: tuple[int, ...]) -> None:
    image = np.broadcast_to(
        np.uint8([200, 60, 30])[: shape[2] if shape[2:] else 1], (*shape[:2], 3)
    )
    image = image if shape[2:] else image[..., 0]
    picture = opened(portrait(image)).convert("RGB")
    assert picture.size == SIZE
    wanted = [200, 60, 30] if shape[2:] else [200, 200, 200]
    assert np.abs(np.asarray(picture).mean((0, 1)) - wanted).max() < 4


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3)])
def test_portraits_fade_without_a_change_of_colour(shape: tuple[int, ...]) -> None:
    images = pixels(3, *shape)
    strip = np.asarray(faded(list(images), [1.0, 0.5, 0.0], gap=2))
    assert strip.shape[:2] == (9, 3 * 7 + 2 * 2)
    for k, alpha in enumerate((255, 128, 0)):
        part = strip[:, 9 * k : 9 * k + 7]
        assert np.array_equal(part[..., :-1].reshape(images[k].shape), images[k])
        assert (part[..., -1] == alpha).all()
    assert (strip[:, 7:9] == 0).all()


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3)])
def test_pictures_are_grey_or_coloured(shape: tuple[int, ...]) -> None:
    image = pixels(*shape)
    flat = image[..., 0] if shape[2:] == (1,) else image
    assert np.array_equal(np.asarray(opened(drawable(image))), flat)
    assert np.array_equal(np.asarray(enlarged(image))[::24, ::24], flat)

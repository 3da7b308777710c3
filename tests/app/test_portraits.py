"""Portraits, grey and coloured, and the faces that a model is asked to draw from memory."""

import base64
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from visitor import FORGET, forget, opened, words

from forget.data.dataset import FaceDataset
from forget.linear.backbone import backbone_of
from forget.linear.feature_map import Penultimate
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.ui import choose, remembers
from forget.ui.cached import bundle_of
from forget.ui.gallery import SIZE, portrait
from forget.ui.parts import faded
from forget.ui.pictures import drawable, enlarged


def decoded(url: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(url.partition(",")[2])))


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(112, 92), (112, 92, 3), (128, 128), (128, 128, 3)])
def test_a_portrait_has_one_size_and_keeps_its_colours(shape: tuple[int, ...]) -> None:
    image = np.broadcast_to(
        np.uint8([200, 60, 30])[: shape[2] if shape[2:] else 1], (*shape[:2], 3)
    )
    image = image if shape[2:] else image[..., 0]
    picture = decoded(portrait(image)).convert("RGB")
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
    assert np.array_equal(np.asarray(decoded(drawable(image))), flat)
    assert np.array_equal(np.asarray(enlarged(image))[::24, ::24], flat)


REMEMBERS = "pages/what_it_remembers.py"


def captions(at: AppTest) -> list[str]:
    """The words below the pictures."""
    return [image.caption for one in at.get("image") for image in one.proto.imgs]


def test_it_begins_with_somebody_who_did_not_teach_the_network() -> None:
    at = opened(REMEMBERS)
    assert at.selectbox(key="remembered_person").value == "s21"
    assert "left out" not in words(at)
    at = forget(at.switch_page(FORGET).run(), "s02", "s34").switch_page(REMEMBERS).run()
    assert at.selectbox(key="remembered_person").value == "s34"


def test_a_core_person_is_drawn_by_a_decoder_that_never_saw_them() -> None:
    at = opened(REMEMBERS)
    at.selectbox(key="remembered_person").select("s01").run()
    assert "Person 1 is of the core and was left out of the fit" in words(at)
    assert "no better than the average face" in words(at)
    bundle = at.session_state["visit"].bundle
    pixels = bundle.faces.images[bundle.split.train_of(["s01"])].mean(0)
    feature = bundle.features[bundle.split.train_of(["s01"])].mean(0, keepdims=True)
    off = {
        who: np.abs(remembers._drawer(bundle, who)(feature)[0] - pixels).mean()
        for who in ("s01", "s34")
    }
    assert off["s34"] < 10 < 20 < off["s01"]  # the decoder of others has seen Person 1


def test_an_inverse_is_judged_on_the_photographs_of_its_own_model(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    backbone = backbone_of(feature_map.network)
    settings = LinearizerSettings(
        level="image", couplings=2, keep=(2, 3, 4), dimension=20, every=1, bank=14
    )
    core = backbone.prepare(orl.images[:14])
    latents = train_linearizer(backbone, lambda _: core.split(7), 2, feature_map.record, settings)
    for people in (("s01", "s21", "s34"), ("s21",)):
        bundle = bundle_of(replace(orl.only(people), core=()), latents)
        drawer = remembers._drawer(bundle, "s21")
        measured = [one > 0 for one in drawer.errors]
        assert measured == [len(people) > 1] * 2
        assert ("levels of 255" in drawer.says) == (len(people) > 1)


def test_the_stranger_is_somebody_who_is_not_in_the_model() -> None:
    at = opened(REMEMBERS)
    assert "**Person 40**, somebody else, who is in it" in captions(at)
    assert "somebody who was never in it: the average of everybody in it" in captions(at)
    forget(at.switch_page(FORGET).run(), "s34", "s35").switch_page(REMEMBERS).run()
    assert "**Person 35**, forgotten too" in captions(at)
    assert "somebody who was never in it: the same average" in captions(at)
    at.selectbox(key="remembered_person").select("s21").run()
    assert "**Person 34**, forgotten" in captions(at)
    assert "what it holds now" in captions(at)


def test_core_pictures_under_another_name_are_told(orl: FaceDataset) -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, person in (("anna", "s01"), ("bo", "s33")):
            for i in orl.of(person)[:4]:
                picture = BytesIO()
                Image.fromarray(orl.images[i]).save(picture, "PNG")
                archive.writestr(f"{name}/{i}.png", picture.getvalue())
    at = opened(FORGET)
    next(one for one in at.radio if one.label == "Faces").set_value(choose.OWN).run()
    at.file_uploader[0].upload("mine.zip", file.getvalue()).run()
    at = at.switch_page(REMEMBERS).run()
    at.selectbox(key="remembered_person").select("anna").run()
    assert "it would draw them from nothing" in words(at)
    assert "taught the network" in words(at)
    at.selectbox(key="remembered_person").select("bo").run()
    assert "from nothing" not in words(at)

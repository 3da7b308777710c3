"""Conventions: every pixel arrives where the network wants it, and nothing else is accepted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models.face_networks import photographs

from forget.errors import CheckpointError, PhotographError
from forget.models.channel_order import channel_means, trained_order
from forget.models.convention import Convention
from forget.models.dialects import CONVENTIONS, Dialect


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=CONVENTIONS)
def test_every_pixel_is_where_it_belongs(convention: Convention) -> None:
    images = photographs()
    found = convention.input(images)
    assert found.shape == (2, 3, convention.height, convention.width)
    assert found.dtype == torch.float32 and found.is_contiguous()
    aside = (112 - convention.width) // 2
    for n, channel, row, column in [(0, 0, 0, 0), (1, 2, 111, 95), (1, 1, 50, 7), (0, 2, 3, 90)]:
        colour = channel if convention.order == "rgb" else 2 - channel
        grey = float(images[n, row, column + aside, colour])
        wanted = (grey - convention.offset) / convention.scale
        assert float(found[n, channel, row, column]) == pytest.approx(wanted, abs=1e-6)


def test_the_published_conventions() -> None:
    ends = np.zeros((2, 112, 112, 3), np.uint8)
    ends[1] = 255
    ranges = {d: CONVENTIONS[d].input(ends)[:, 0, 0, 0].tolist() for d in CONVENTIONS}
    assert ranges[Dialect.ARCFACE] == ranges[Dialect.ADAFACE] == [-1, 1]
    assert ranges[Dialect.MAGFACE] == [0, 1]
    assert ranges[Dialect.MOBILEFACENET] == [-127.5 / 128, 127.5 / 128]
    orders = {d.value: c.order for d, c in CONVENTIONS.items()}
    assert orders == {
        "arcface_torch": "rgb",
        "adaface": "bgr",
        "magface": "bgr",
        "mobilefacenet": "rgb",
    }


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:0],
        lambda x: x[:, ::-1],
        lambda x: x[..., ::-1],
        lambda x: x[:, :, ::-1],
        lambda x: np.asfortranarray(x),
    ],
)
def test_views_are_read_as_their_copies(view: object, order: str) -> None:
    seen = view(photographs())  # type: ignore[operator]
    convention = Convention(order)
    assert torch.equal(convention.input(seen), convention.input(seen.copy()))


def test_a_narrow_crop_is_the_middle_of_a_wide_one() -> None:
    narrow, images = CONVENTIONS[Dialect.MOBILEFACENET], photographs()
    assert torch.equal(narrow.input(images), narrow.input(images[:, :, 8:104]))


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (np.zeros((1, 112, 112, 3), np.float32), "as they are"),
        (np.zeros((1, 112, 112), np.uint8), "three channels"),
        (np.zeros((112, 112, 3), np.uint8), "three channels"),
        (np.zeros((1, 3, 112, 112), np.uint8), "Align"),
        (np.zeros((1, 112, 112, 4), np.uint8), "Align"),
        (np.zeros((1, 112, 96, 3), np.uint8), "Align"),
        (np.zeros((1, 128, 128, 3), np.uint8), "Align"),
    ],
)
def test_other_photographs_are_refused(wrong: np.ndarray, remedy: str) -> None:
    with pytest.raises(PhotographError, match="RGB photographs") as caught:
        Convention().input(wrong)
    assert remedy in caught.value.remedy and str(wrong.shape) in caught.value.got


@pytest.mark.parametrize("convention", [*CONVENTIONS.values(), Convention("bgr", 1.5, 3)])
def test_a_convention_survives_json(convention: Convention) -> None:
    assert Convention.from_json(json.loads(json.dumps(convention.to_json()))) == convention


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


@given(
    st.one_of(
        PLAIN,
        st.lists(PLAIN, max_size=3),
        st.fixed_dictionaries({name: PLAIN for name in Convention().to_json()}),
    )
)
def test_json_is_a_convention_or_refused(plain: object) -> None:
    try:
        found = Convention.from_json(plain)
    except CheckpointError:
        return
    assert found.to_json() == plain and found.scale > 0 and found.height * found.width > 0


@pytest.mark.parametrize(
    "wrong",
    [{"order": "gbr"}, {"scale": 0.0}, {"offset": float("nan")}, {"width": 0}, {"height": 9**9}],
)
def test_impossible_conventions_are_refused(wrong: dict) -> None:
    with pytest.raises(CheckpointError, match="order rgb or bgr"):
        replace(Convention(), **wrong)


@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_a_first_layer_remembers_the_colour(colour: list[float], seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(16, 3, 3, 3))
    mean = np.einsum("kcij,c->k", weights, np.array(colour))
    means, misfit = channel_means(weights, mean)
    np.testing.assert_allclose(means, colour, atol=1e-7)
    assert np.isnan(misfit) or misfit < 1e-9 or np.abs(colour).max() < 1e-6
    gap = (colour[0] - colour[2]) * 100
    order = trained_order(weights, mean, 100)
    assert order == (None if abs(gap) < 4.99 else "rgb" if gap > 0 else "bgr") or (
        abs(abs(gap) - 5) < 0.02
    )
    assert trained_order(weights[:, ::-1], mean, 100) == {"rgb": "bgr", "bgr": "rgb"}.get(
        order or ""
    )


def test_a_first_layer_without_a_memory_tells_nothing() -> None:
    draw = np.random.default_rng(0)
    weights = draw.normal(size=(64, 3, 3, 3))
    assert trained_order(weights, np.zeros(64), 128) is None
    assert trained_order(weights, draw.normal(size=64) * 9, 128) is None  # no colour fits
    assert trained_order(weights[:, :1], np.ones(64), 128) is None

"""What a model holds of a person is drawn from its sums, by a decoder that knows only the core."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import forget
from forget.charts.recall import share_bars
from forget.data.dataset import FaceDataset
from forget.errors import PhotographError
from forget.linear.backbone import FaceNetwork
from forget.linear.model import LinearModel
from forget.linear.recall import (
    RIDGE,
    InverseDrawer,
    PixelDecoder,
    average,
    held,
    main_directions,
    shares,
)
from forget.models.convention import Convention


def sample(n: int = 9, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    z = random.normal(size=(n, d))
    images = 120 + 20 * (z @ random.normal(size=(d, 30))).reshape(n, 6, 5)
    return z, np.clip(images, 0, 255).astype(np.uint8)


def test_the_decoder_is_the_dense_ridge_regression() -> None:
    z, images = sample()
    decoder = PixelDecoder.fit(z, images, list("aaabbbccc"))
    centred, pixels = z - z.mean(0), images.reshape(9, 30) - images.reshape(9, 30).mean(0)
    ridge = RIDGE * (centred**2).sum(1).mean()
    dense = np.linalg.solve(centred.T @ centred + ridge * np.eye(4), centred.T @ pixels).T
    np.testing.assert_allclose(decoder.weights, dense, rtol=1e-8, atol=1e-10)
    drawn = decoder(z).astype(float)
    assert np.abs(drawn - images).mean() < 0.6 * np.abs(images - images.mean(0)).mean()
    # Judged on people it was not fitted on: the features say nearly everything here.
    ours, plain = decoder.errors
    assert 0 < ours < plain
    assert f"{ours:.1f} levels of 255" in decoder.says
    far = decoder(1e6 * z)
    assert far.min() == 0
    assert far.max() == 255


def test_a_decoder_that_leaves_somebody_out_has_not_seen_them() -> None:
    z, images = sample()
    labels = list("aaabbbccc")
    whole = PixelDecoder.fit(z, images, labels)
    without = whole.leaving_out(z, images, labels, "b")
    changed = images.copy()
    changed[3:6] = 255 - changed[3:6]
    np.testing.assert_array_equal(without(z), whole.leaving_out(z, changed, labels, "b")(z))
    others = np.r_[:3, 6:9]
    again = PixelDecoder.fit(z[others], images[others], list("aaaccc"))
    np.testing.assert_array_equal(without(z), again(z))
    assert without.errors == whole.errors


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((20.0, 40.0), "It hints, no more"),
        ((39.0, 40.0), "hardly better than the average face"),
        ((41.6, 40.7), "no better than the average face"),
        ((np.nan, np.nan), "was not measured"),
    ],
)
def test_what_a_decoder_says_of_itself_depends_on_its_errors(
    errors: tuple[float, float], said: str
) -> None:
    decoder = PixelDecoder(np.zeros(2), np.zeros((3, 3)), np.zeros((9, 2)), errors)
    assert said in decoder.says
    assert ("illustration" in decoder.says) == ("better" in said)
    assert "nan" not in decoder.says


def test_colour_photographs_are_drawn_in_colour() -> None:
    z, images = sample()
    grey = PixelDecoder.fit(z, images, list("aaabbbccc"))
    colour = PixelDecoder.fit(z, images.reshape(9, 2, 5, 3), list("aaabbbccc"))
    assert colour.picture.shape == (2, 5, 3)
    np.testing.assert_array_equal(colour(z[:4]), grey(z[:4]).reshape(4, 2, 5, 3))
    np.testing.assert_allclose(colour.errors, grey.errors, rtol=1e-12)
    assert colour(z[:0]).shape == (0, 2, 5, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_inverse_draws_in_the_colours_of_its_images(channels: int) -> None:
    extended = torch.rand((2, channels, 8, 8), generator=torch.Generator().manual_seed(0))
    g_x = SimpleNamespace(inverse=lambda seen: extended)
    f = SimpleNamespace(operator=torch.eye(4), g_x=g_x)
    latents = SimpleNamespace(linearizer=lambda head: f, backbone=None)
    model = SimpleNamespace(feature_map=latents, head=None)
    drawn = InverseDrawer(model, (6, 5))(np.zeros((2, 4)))
    wanted = np.rint(extended[:, :, :6, :5].double().numpy() * 255).astype(np.uint8)
    assert drawn.shape == (2, 6, 5) if channels == 1 else (2, 6, 5, 3)
    assert np.array_equal(drawn, wanted[:, 0] if channels == 1 else wanted.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_an_inverse_draws_what_a_face_network_reads_as_photographs(order: str) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    convention = Convention(order)
    backbone = FaceNetwork.__new__(FaceNetwork)  # no weights are needed for what is tested
    backbone.backbone = SimpleNamespace(convention=convention)
    g_x = SimpleNamespace(inverse=lambda seen: convention.input(faces))
    f = SimpleNamespace(operator=torch.eye(4), g_x=g_x)
    latents = SimpleNamespace(linearizer=lambda head: f, backbone=backbone)
    drawer = InverseDrawer(SimpleNamespace(feature_map=latents, head=None), (112, 112))
    assert np.array_equal(drawer(np.zeros((2, 4))), faces)


@pytest.mark.parametrize("features", [np.zeros((0, 4)), np.zeros((8, 4))])
def test_a_decoder_needs_a_feature_for_each_photograph(features: np.ndarray) -> None:
    _, images = sample()
    with pytest.raises(PhotographError, match="each with its feature"):
        PixelDecoder.fit(features, images[: len(features) and 9], ["a"] * len(features))


def test_what_is_held_is_the_mean_and_goes_with_the_person(
    model: LinearModel, orl: FaceDataset
) -> None:
    rows = model.feature_map.grid.real(model.store["s34"].rows)
    np.testing.assert_allclose(held(model.statistics, "s34"), rows.mean(0), atol=1e-12)
    after = forget.unlearn(model, orl, ["s34"]).model
    assert held(after.statistics, "s34") is None
    left = np.concatenate([after.store[p].rows for p in after.people])
    grid = model.feature_map.grid
    np.testing.assert_allclose(average(after.statistics), grid.real(left).mean(0), atol=1e-12)


def test_a_persons_share_of_the_sums_is_large_where_they_live_and_nothing_afterwards(
    model: LinearModel, orl: FaceDataset
) -> None:
    rows = model.feature_map.grid.real(model.store["s34"].rows)
    directions = main_directions(rows, 5)
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-12)
    before = shares(model.statistics, rows, directions)
    assert ((before > 0) & (before <= 1)).all()
    assert before[0] > 3 * 7 / 280  # their share of all photographs, three times over
    after = forget.unlearn(model, orl, ["s34"]).model
    assert (shares(after.statistics, rows[:0], directions) == 0).all()
    # All people's shares along one direction make the whole.
    everybody = [
        shares(model.statistics, model.feature_map.grid.real(model.store[p].rows), directions)
        for p in model.people
    ]
    np.testing.assert_allclose(np.sum(everybody, axis=0), 1, atol=1e-9)


def test_bars_show_before_and_now() -> None:
    alone, both = share_bars([0.5, 0.2], None), share_bars([0.5, 0.2], [0.0, 0.0])
    assert [bar.name for bar in alone.data] == ["in the model"]
    assert [bar.name for bar in both.data] == ["before", "now"]
    assert list(both.data[1].y) == [0.0, 0.0]

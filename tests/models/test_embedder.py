"""Laws of the embedder: unit length, mirror invariance, and a network that is left alone."""

import json

import numpy as np
import pytest
import torch

from forget.errors import PhotographError
from forget.linear.backbone import EmbedderBackbone
from forget.models.embedder import Embedder, embed, shrink

HEIGHT, WIDTH = Embedder.size


@pytest.fixture(scope="module")
def network() -> Embedder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Embedder(width=4, dimension=16)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, HEIGHT, WIDTH), dtype=np.uint8)


def test_embeddings_have_length_1(network: Embedder, images: np.ndarray) -> None:
    z = embed(network, images)
    assert z.shape == (7, network.dimension)
    assert z.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-6)


def test_a_mirror_image_has_the_same_embedding(network: Embedder, images: np.ndarray) -> None:
    np.testing.assert_allclose(
        embed(network, images[..., ::-1]), embed(network, images), atol=1e-6
    )


def test_batches_do_not_matter(network: Embedder, images: np.ndarray) -> None:
    np.testing.assert_allclose(embed(network, images, 3), embed(network, images), atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_alone(network: Embedder, images: np.ndarray, training: bool) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train(training)
    embed(network, images)
    assert all(module.training is training for module in network.modules())
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_forward_is_the_encoding_of_the_halved_image(
    network: Embedder, images: np.ndarray
) -> None:
    pixels = torch.from_numpy(images)[:, None] / 255
    small = shrink(pixels)
    blocks = pixels.reshape(7, 1, HEIGHT // 2, 2, WIDTH // 2, 2).mean((3, 5))
    torch.testing.assert_close(small, blocks)
    network.eval()
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), network.encode(small))


def test_light_that_scales_the_whole_image_hardly_matters(network: Embedder) -> None:
    ramp = np.linspace(40, 120, WIDTH).astype(np.uint8)
    image = np.broadcast_to(ramp, (HEIGHT, WIDTH))[None] + np.eye(HEIGHT, WIDTH, dtype=np.uint8)
    np.testing.assert_allclose(embed(network, image * 2), embed(network, image), atol=0.05)


def test_the_network_is_rebuilt_from_json(network: Embedder, images: np.ndarray) -> None:
    again = Embedder(**json.loads(json.dumps(network.config)))
    again.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(embed(again, images), embed(network, images))


def test_no_photographs_no_embeddings(network: Embedder) -> None:
    assert embed(network, np.empty((0, HEIGHT, WIDTH), np.uint8)).shape == (0, 16)


def test_an_empty_photograph_is_finite(network: Embedder) -> None:
    assert np.isfinite(embed(network, np.zeros((1, HEIGHT, WIDTH), np.uint8))).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 112, 112), np.uint8), np.zeros((1, HEIGHT, WIDTH), np.float32)]
)
def test_other_photographs_are_refused(network: Embedder, wrong: np.ndarray) -> None:
    with pytest.raises(PhotographError, match="112, 92"):
        embed(network, wrong)


@pytest.mark.parametrize("shape", [(2, 128, 128, 3), (2, HEIGHT, WIDTH, 3), (0, 64, 64, 3)])
def test_colour_photographs_are_refused_with_what_to_do(
    network: Embedder, shape: tuple[int, ...]
) -> None:
    images = np.zeros(shape, np.uint8)
    for read in (
        lambda: embed(network, images),
        lambda: EmbedderBackbone(network).prepare(images),
    ):
        with pytest.raises(PhotographError, match="grey photographs") as caught:
            read()
        assert f"colour photographs of shape {shape}" in caught.value.got
        assert "Make them grey" in caught.value.remedy and "92 x 112" in caught.value.remedy


def test_the_default_network_is_small() -> None:
    assert sum(p.numel() for p in Embedder().parameters()) < 450_000

"""Laws of the classifiers: settings build them again, and they read images as published."""

import pytest
import torch
from torchvision.models import resnet18

from forget.errors import CheckpointError
from forget.models.classifier import ARCHITECTURES, Classifier, build

EXAMPLES = {
    "convnet": ({"architecture": "convnet", "classes": 3, "channels": 1, "side": 8}, (1, 8, 8)),
    "resnet18": ({"architecture": "resnet18", "classes": 3, "stem": "small"}, (3, 32, 32)),
}
EXAMPLES["unit readout"] = (
    {"architecture": "unit readout", "base": EXAMPLES["convnet"][0], "classes": 3},
    (1, 8, 8),
)
every = pytest.mark.parametrize("name", ARCHITECTURES)


def example(name: str) -> tuple[Classifier, torch.Tensor]:
    config, shape = EXAMPLES[name]
    torch.manual_seed(0)
    return build(config).eval(), torch.rand(2, *shape)


@every
def test_settings_and_parameters_build_it_again(name: str) -> None:
    network, images = example(name)
    again = build(network.config, network.state_dict()).eval()
    assert torch.equal(network(images), again(images))


@every
def test_logits_are_read_off_the_features(name: str) -> None:
    network, images = example(name)
    features = network.features(images)
    assert features.shape == (2, network.dimension)
    assert torch.equal(network.classify(features), network(images))
    assert network(images).shape == (2, 3)


def test_what_a_unit_readout_reads_has_length_one() -> None:
    network, images = example("unit readout")
    read = network.features(images)
    assert torch.allclose(read.norm(dim=1), torch.ones(2))
    hidden = network.base.features(images)
    assert torch.allclose(read[:, :-1] * 2**0.5, torch.nn.functional.normalize(hidden))


def test_the_large_stem_is_torchvisions() -> None:
    published = resnet18(num_classes=8).eval()
    ours = build({"architecture": "resnet18", "classes": 8}, published.state_dict()).eval()
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(ours(images), published(images), atol=1e-5)


def test_normalisation_comes_before_the_first_convolution() -> None:
    plain, images = example("resnet18")
    config = {**plain.config, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
    ours = build(config, plain.state_dict()).eval()
    mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
    by_hand = (images - mean[:, None, None]) / std[:, None, None]
    assert torch.allclose(ours(images), plain(by_hand), atol=1e-5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architecture": "vgg"}, "convnet, resnet18"),
        ({}, "convnet, resnet18"),
        ({"architecture": "convnet", "depth": 3}, "with its settings"),
        ({"architecture": "resnet18", "stem": "medium"}, "'large' or 'small'"),
    ],
)
def test_unknown_settings_are_told(config: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        build(config)


def test_parameters_of_another_network_are_told() -> None:
    network, _ = example("convnet")
    with pytest.raises(CheckpointError, match="Missing key|size mismatch"):
        build(EXAMPLES["resnet18"][0], network.state_dict())
    state = dict(network.state_dict())
    state["extra"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match="extra"):
        build(network.config, state)

"""The face networks: as large as published, and equal to their formula in float64."""

import numpy as np
import pytest
import torch
from models.face_networks import ADAFACE, MAGFACE, Improved, iresnet, mobile, normalised
from torch import nn
from torch.nn import functional

from forget.errors import ForgetError
from forget.models.iresnet import STAGES, IResNet
from forget.models.mobilefacenet import MobileFaceNet

# Keys, with the counters of batches, and parameters, as published.
SIZES = {
    (18, False): (187, 24_025_600),
    (34, False): (331, 34_139_328),
    (50, False): (475, 43_590_848),
    (100, False): (925, 65_156_160),
    (200, False): (1807, 118_833_920),
    (18, True): (179, 24_020_352),
    (34, True): (323, 34_134_080),
    (50, True): (467, 43_585_600),
    (100, True): (917, 65_150_912),
}


def counted(network: nn.Module) -> tuple[int, int]:
    return len(network.state_dict()), sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("depth", "strided"), SIZES)
def test_networks_have_the_published_sizes(depth: int, strided: bool) -> None:
    with torch.device("meta"):
        network = IResNet(depth, strided=strided, affine=not strided)
        assert counted(network) == SIZES[depth, strided]
        if strided:
            assert counted(Improved(depth, 512)) == SIZES[depth, strided]
        else:
            assert counted(IResNet(depth, **MAGFACE)) == SIZES[depth, strided]


def test_the_small_network_has_the_published_size() -> None:
    with torch.device("meta"):
        assert counted(MobileFaceNet()) == (333, 999_552)


def formula(network: IResNet, x: np.ndarray, eps: float) -> np.ndarray:
    """The network from its parameters alone, in float64, operation by operation."""
    state = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}

    def layer(name: str) -> dict[str, np.ndarray]:
        return {
            key.rpartition(".")[2]: v for key, v in state.items() if key.startswith(name + ".")
        }

    def conv(x: np.ndarray, name: str, stride: int = 1, padding: int = 1) -> np.ndarray:
        weight = torch.from_numpy(layer(name)["weight"])
        return functional.conv2d(torch.from_numpy(x), weight, None, stride, padding).numpy()

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return normalised(x, layer(name), eps)

    def prelu(x: np.ndarray, name: str) -> np.ndarray:
        slope = layer(name)["weight"].reshape(1, -1, 1, 1)
        return np.maximum(x, 0) + slope * np.minimum(x, 0)

    x = prelu(norm(conv(x, "conv1"), "bn1"), "prelu")
    for stage, count in enumerate(STAGES[18]):
        for index in range(count):
            name, stride = f"layer{stage + 1}.{index}", 1 if index else 2
            y = conv(norm(x, f"{name}.bn1"), f"{name}.conv1")
            y = prelu(norm(y, f"{name}.bn2"), f"{name}.prelu")
            y = norm(conv(y, f"{name}.conv2", stride), f"{name}.bn3")
            if layer(f"{name}.downsample.0"):
                short = conv(x, f"{name}.downsample.0", stride, 0)
                x = y + norm(short, f"{name}.downsample.1")
            else:
                x = y + x[:, :, ::stride, ::stride]
    flat = norm(x, "bn2").reshape(len(x), -1)
    return norm(flat @ layer("fc")["weight"].T + layer("fc")["bias"], "features")


@pytest.mark.parametrize("settings", [{}, ADAFACE, MAGFACE], ids=["arcface", "adaface", "magface"])
def test_a_network_is_its_formula(settings: dict) -> None:
    network = iresnet(**settings).double()
    x = torch.rand(1, 3, 112, 112, dtype=torch.float64, generator=torch.manual_seed(3))
    with torch.inference_mode():
        found = network(x).numpy()
    wanted = formula(network, x.numpy(), settings.get("eps", 1e-5))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


def test_another_eps_gives_other_embeddings() -> None:
    x = torch.rand(1, 3, 112, 112, generator=torch.manual_seed(3))
    with torch.inference_mode():
        one, other = iresnet()(x), iresnet(**MAGFACE)(x)
    assert not torch.allclose(one, other, rtol=1e-6, atol=0)


@pytest.mark.parametrize("make", [iresnet, mobile])
def test_the_settings_build_the_same_names(make: type) -> None:
    network = make()
    with torch.device("meta"):
        again = type(network)(**network.config)
    assert list(again.state_dict()) == list(network.state_dict())
    weights, mean = network.first_layer()
    assert weights.shape == (64, 3, 3, 3) and mean.shape == (64,)


@pytest.mark.parametrize(
    "wrong", [{"depth": 51}, {"dimension": 0}, {"dimension": 1.5}, {"eps": 0.0}, {"eps": 2.0}]
)
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with torch.device("meta"), pytest.raises(ForgetError, match="depth of|dimension of"):
        IResNet(**wrong)
    with torch.device("meta"), pytest.raises(ForgetError, match="dimension of"):
        MobileFaceNet(0)

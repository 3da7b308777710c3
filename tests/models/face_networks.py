"""What tests of face networks share: random ones, and how other projects would save them."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from forget.models.iresnet import STAGES, WIDTHS, IResNet
from forget.models.mobilefacenet import MobileFaceNet

Arrays = dict[str, np.ndarray]
DIMENSION = 8  # of the small networks, whose linear map would weigh half of them otherwise
MAGFACE = {"eps": 2e-5}
ADAFACE = {"strided": True, "affine": False}


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter and statistic drawn, so that no two of them may be exchanged unseen."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=draw)
        elif tensor.is_floating_point() and tensor.ndim < 2:
            tensor.uniform_(-0.5, 1.5, generator=draw)
        elif tensor.is_floating_point():
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=draw)
    return network.eval().requires_grad_(False)


def iresnet(**settings: object) -> IResNet:
    return randomised(IResNet(18, DIMENSION, **settings))  # type: ignore[arg-type, return-value]


def mobile() -> MobileFaceNet:
    return randomised(MobileFaceNet(DIMENSION))  # type: ignore[return-value]


def arrays(network: nn.Module) -> Arrays:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def photographs(n: int = 2, width: int = 112) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 112, width, 3), dtype=np.uint8)


class Improved(nn.Module):
    """AdaFace's network, written from its description: numbered layers, pooling as a shortcut."""

    def __init__(self, depth: int, dimension: int) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        )
        self.body = nn.ModuleList(self.blocks(depth))
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(512 * 49, dimension),
            nn.BatchNorm1d(dimension, affine=False),
        )

    @staticmethod
    def blocks(depth: int) -> Iterator[nn.ModuleDict]:
        before = 64
        for count, after in zip(STAGES[depth], WIDTHS, strict=True):
            for stride in [2] + [1] * (count - 1):
                skip: nn.Module = nn.MaxPool2d(1, stride)
                if before != after:
                    conv = nn.Conv2d(before, after, 1, stride, bias=False)
                    skip = nn.Sequential(conv, nn.BatchNorm2d(after))
                way = nn.Sequential(
                    nn.BatchNorm2d(before),
                    nn.Conv2d(before, after, 3, 1, 1, bias=False),
                    nn.BatchNorm2d(after),
                    nn.PReLU(after),
                    nn.Conv2d(after, after, 3, stride, 1, bias=False),
                    nn.BatchNorm2d(after),
                )
                yield nn.ModuleDict({"res_layer": way, "shortcut_layer": skip})
                before = after

    def forward(self, x: Tensor) -> Tensor:
        x = self.input_layer(x)
        for block in self.body:
            x = block["res_layer"](x) + block["shortcut_layer"](x)
        return self.output_layer(x)


def prefixed(prefix: str, state: Mapping[str, np.ndarray], **more: np.ndarray) -> Arrays:
    return {prefix + name: tensor for name, tensor in state.items()} | more


def normalised(x: np.ndarray, layer: Mapping[str, np.ndarray], eps: float) -> np.ndarray:
    """Batch normalisation with fixed statistics, channels second."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var = (layer[f"running_{one}"].reshape(shape) for one in ("mean", "var"))
    y = (x - mean) / np.sqrt(var + eps)
    if "weight" in layer:
        y = y * layer["weight"].reshape(shape) + layer["bias"].reshape(shape)
    return y

"""Networks that name the class of an image, and whose last hidden layer can be read."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from forget.errors import CheckpointError

__all__ = ["ARCHITECTURES", "Classifier", "ConvNet", "ResNet18", "UnitReadout", "build"]


class Classifier(nn.Module):
    """Maps images (n, channels, h, w) in [0, 1] to logits (n, classes).

    `config` holds the arguments that build the same network again; `dimension` is the length of
    what `features` returns.
    """

    config: dict[str, Any]
    dimension: int

    @property
    def stages(self) -> list[nn.Module]:
        """The parts that have parameters, from the image to the logits."""
        return [part for part in self.children() if any(True for _ in part.parameters())]

    def features(self, images: Tensor) -> Tensor:
        """The last hidden layer, (n, dimension), of images (n, channels, h, w) in [0, 1]."""
        raise NotImplementedError

    def classify(self, features: Tensor) -> Tensor:
        """Logits (n, classes) of features (n, dimension)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.classify(self.features(images))


class ConvNet(Classifier):
    """Two strided convolutions and two linear layers, for digits; 422,250 parameters at 28 pixels.

    Arguments:
        classes: Number of classes.
        channels: Channels of an image.
        side: Height and width of an image, pixels, at least 4.
    """

    def __init__(self, classes: int = 10, channels: int = 1, side: int = 28) -> None:
        super().__init__()
        self.config = {"architecture": "convnet", "classes": classes}
        self.config |= {"channels": channels, "side": side}
        self.dimension = 128
        self.body = nn.Sequential(
            *_halving(channels, 32, kernel=5),
            *_halving(32, 64, kernel=3),
            nn.Flatten(),
            nn.Linear(64 * (-(-side // 4)) ** 2, self.dimension),
            nn.ReLU(),
        )
        self.last = nn.Linear(self.dimension, classes)

    @property
    def stages(self) -> list[nn.Module]:
        """Each convolution with its normalisation, then each linear layer."""
        one, two, hidden = self.body[0:3], self.body[3:6], self.body[7]
        return [one, two, hidden, self.last]

    def features(self, images: Tensor) -> Tensor:
        """The last hidden layer, (n, 128)."""
        return self.body(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.last(features)


class ResNet18(Classifier):
    """torchvision's ResNet-18, with the same names of parameters, and a stem for small images.

    References:
        | Deep Residual Learning for Image Recognition (He et al., 2016)

    Arguments:
        classes: Number of classes.
        stem: "large": 7 x 7 convolution with stride 2, as published; "small": 3 x 3 with stride 1,
            for images of some 32 pixels. Both are followed by the published max pooling.
        mean: Subtracted from each channel of an image in [0, 1].
        std: Then each channel is divided by it.
    """

    def __init__(
        self,
        classes: int = 8,
        stem: str = "large",
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        self.config = {"architecture": "resnet18", "classes": classes, "stem": stem}
        self.config |= {"mean": list(mean), "std": list(std)}
        self.dimension = 512
        self.mean, self.std = tuple(mean), tuple(std)
        published = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        if stem == "small":
            published.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(published.conv1.weight, mode="fan_out", nonlinearity="relu")
        elif stem != "large":
            raise CheckpointError("the stem 'large' or 'small'", repr(stem), "Choose one of them.")
        for name, part in published.named_children():
            self.add_module(name, part)

    def features(self, images: Tensor) -> Tensor:
        """The last hidden layer, (n, 512)."""
        x = images
        if any(self.mean) or set(self.std) != {1.0}:
            mean, std = (x.new_tensor(v)[:, None, None] for v in (self.mean, self.std))
            x = (x - mean) / std
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.avgpool(x).flatten(1)

    def classify(self, features: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.fc(features)


class UnitReadout(Classifier):
    """Another network with a linear readout of its last hidden layer, scaled to length 1.

    A constant is appended to the scaled layer before the readout, and both share the length, so
    that what is read has length 1 too.

    Arguments:
        base: Settings of the network.
        classes: Number of classes.
    """

    def __init__(self, base: Mapping[str, Any], classes: int) -> None:
        super().__init__()
        self.config = {"architecture": "unit readout", "base": dict(base), "classes": classes}
        self.base = build(base)
        self.dimension = self.base.dimension + 1
        self.readout = nn.Linear(self.dimension, classes, bias=False)

    def features(self, images: Tensor) -> Tensor:
        """What is read, (n, dimension), of length 1."""
        hidden = self.base.features(images)
        units = hidden / hidden.norm(dim=1, keepdim=True).clamp(min=torch.finfo(hidden.dtype).tiny)
        ones = torch.ones_like(units[:, :1])
        return torch.cat([units, ones], 1) / 2**0.5

    def classify(self, features: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.readout(features)


ARCHITECTURES: dict[str, type[Classifier]] = {
    "convnet": ConvNet,
    "resnet18": ResNet18,
    "unit readout": UnitReadout,
}


def build(config: Mapping[str, Any], state: Mapping[str, Tensor] | None = None) -> Classifier:
    """A network from its settings, with these parameters or with new ones.

    Raises:
        CheckpointError: No such architecture, settings it does not take, or parameters of another.
    """
    settings = dict(config)
    name = settings.pop("architecture", None)
    try:
        network = ARCHITECTURES[name](**settings)
    except (KeyError, TypeError) as error:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(
            f"one of the architectures {known} with its settings",
            f"{dict(config)}",
            "Correct the settings.",
        ) from error
    if state is not None:
        try:
            network.load_state_dict(dict(state), strict=True)
        except RuntimeError as error:
            lines = str(error).splitlines()
            raise CheckpointError(
                f"the parameters of {dict(config)}",
                "others (" + " ".join(line.strip() for line in lines[1:3])[:300] + ")",
                "Use the weights that belong to these settings.",
            ) from error
    return network.to(memory_format=torch.channels_last)


def _halving(before: int, after: int, kernel: int) -> tuple[nn.Module, ...]:
    """A convolution with stride 2; the normalisation then costs a quarter."""
    convolution = nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU()

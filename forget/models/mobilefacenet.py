"""MobileFaceNet: a million parameters that turn a face of 112 x 96 pixels into a point of R^d."""

from typing import Any

from torch import Tensor, nn

from forget.errors import ForgetError

__all__ = ["MobileFaceNet"]

# Expansion, channels, blocks, stride of the first of them.
BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
GRID = (7, 6)  # rows, columns of the last grid: 112 x 96 pixels, halved four times


class Convolution(nn.Module):
    """A convolution, batch normalisation and, unless it is linear, an activation.

    Arguments:
        before: Channels of the input.
        after: Channels of the output.
        kernel: Height and width, pixels.
        stride: Pixels.
        padding: Pixels on each side.
        depthwise: Whether every channel has a kernel of its own.
        linear: Whether no activation follows.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        groups = before if depthwise else 1
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(after)
        self.prelu: nn.Module = nn.Identity() if linear else nn.PReLU(after)

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Widens pixel by pixel, filters every channel, narrows; adds its input where it fits.

    References:
        | MobileNetV2: Inverted Residuals and Linear Bottlenecks (Sandler et al., 2018), section 3

    Arguments:
        before: Channels of the input (n, before, h, w).
        after: Channels of the output (n, after, ceil(h / stride), ceil(w / stride)).
        stride: Of the filter, pixels.
        expansion: How many times wider it is inside.
    """

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.adds = stride == 1 and before == after
        self.conv = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileFaceNet(nn.Module):
    """Maps faces to raw embeddings by inverted residuals and one filter over the whole last grid.

    Parameters are named as in the public PyTorch networks of 112 x 96 pixels.

    References:
        | MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile Devices
        | (Chen et al., 2018), table 1

    Arguments:
        dimension: Length d of the embedding.

    Raises:
        ForgetError: No such dimension.
    """

    size = (112, 96)  # height, width in pixels

    def __init__(self, dimension: int = 128) -> None:
        super().__init__()
        if type(dimension) is not int or dimension < 1:
            raise ForgetError("a dimension of at least 1", str(dimension)[:50], "Change it.")
        self.config: dict[str, Any] = {"dimension": dimension}
        self.dimension = dimension
        self.conv1 = Convolution(3, 64, 3, stride=2, padding=1)
        self.dw_conv1 = Convolution(64, 64, 3, padding=1, depthwise=True)
        blocks, before = [], 64
        for expansion, after, count, stride in BOTTLENECKS:
            for index in range(count):
                blocks.append(Bottleneck(before, after, stride if index == 0 else 1, expansion))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = Convolution(before, 512, 1)
        self.linear7 = Convolution(512, 512, GRID, depthwise=True, linear=True)
        self.linear1 = Convolution(512, dimension, 1, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """Raw embeddings (n, d) of prepared faces (n, 3, 112, 96)."""
        x = self.blocks(self.dw_conv1(self.conv1(x)))  # (n, 128, 7, 6)
        return self.linear1(self.linear7(self.conv2(x))).flatten(1)

    def first_layer(self) -> tuple[Tensor, Tensor]:
        """Weights (64, 3, 3, 3) of the first convolution and mean (64,) of what it gave."""
        mean = self.conv1.bn.running_mean
        assert mean is not None  # this network keeps it
        return self.conv1.conv.weight, mean

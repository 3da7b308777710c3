"""The residual networks of ArcFace, AdaFace and MagFace: a face in, a point of R^d out."""

from typing import Any

from torch import Tensor, nn

from forget.errors import ForgetError

__all__ = ["GRID", "STAGES", "WIDTHS", "IResNet"]

STAGES = {  # blocks per stage by depth
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    200: (6, 26, 60, 6),
}
WIDTHS = (64, 128, 256, 512)  # channels of the stages
GRID = 7 * 7  # positions of the last grid: 112 pixels, halved four times


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; nothing follows their sum.

    A published network with an activation after the sum has the same names and other outputs.

    Arguments:
        before: Channels of the input (n, before, h, w).
        after: Channels of the output (n, after, ceil(h / stride), ceil(w / stride)).
        stride: Of the second convolution and of the shortcut.
        eps: Added to variances by batch normalisation.
        projected: Whether the shortcut is a 1 x 1 convolution, else it takes every `stride`-th
            pixel as it is.
    """

    def __init__(self, before: int, after: int, stride: int, eps: float, projected: bool) -> None:
        super().__init__()
        self.stride = stride
        self.bn1 = nn.BatchNorm2d(before, eps)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after, eps)
        self.prelu = nn.PReLU(after)
        self.conv2 = nn.Conv2d(after, after, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(after, eps)
        self.downsample: nn.Module | None = None
        if projected:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after, eps)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        y = self.bn3(self.conv2(y))
        if self.downsample is not None:
            return y + self.downsample(x)
        return y + x[:, :, :: self.stride, :: self.stride]


class IResNet(nn.Module):
    r"""Maps faces to raw embeddings, whose norm tells their quality in MagFace and AdaFace.

    A convolution without pooling, four stages of pre-activation blocks that each halve the image,
    and a linear map of the last grid between two batch normalisations. Parameters are named as in
    arcface_torch, whichever variant they belong to.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019)
        | section 3.1
        | Deep Residual Learning for Image Recognition (He et al., 2016)

    Arguments:
        depth: 18, 34, 50, 100 or 200.
        dimension: Length d of the embedding.
        eps: Of all batch normalisations: 1e-5 in arcface_torch and AdaFace, 2e-5 in MagFace.
        strided: Whether the shortcut into the first stage takes every second pixel as it is, as
            in AdaFace and CVLface; else it is a convolution, as in arcface_torch and MagFace.
        affine: Whether the last batch normalisation has a scale and an offset; not in AdaFace.
        dropout: Probability in training, before the linear map; 0.4 in AdaFace.

    Raises:
        ForgetError: No network of such a depth, or no sensible dimension or eps.
    """

    size = (112, 112)  # height, width in pixels

    def __init__(
        self,
        depth: int = 50,
        dimension: int = 512,
        eps: float = 1e-5,
        strided: bool = False,
        affine: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if depth not in STAGES:
            known = ", ".join(map(str, STAGES))
            raise ForgetError(f"a depth of {known}", str(depth)[:50], "Choose one of them.")
        if type(dimension) is not int or dimension < 1 or not 0 < eps < 1:
            got = f"{dimension} and {eps}"[:100]
            raise ForgetError("a dimension of at least 1, eps in (0, 1)", got, "Change them.")
        self.config: dict[str, Any] = {
            "depth": depth,
            "dimension": dimension,
            "eps": eps,
            "strided": strided,
            "affine": affine,
            "dropout": dropout,
        }
        self.dimension = dimension
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0], eps)
        self.prelu = nn.PReLU(WIDTHS[0])
        before = WIDTHS[0]
        for stage, (blocks, after) in enumerate(zip(STAGES[depth], WIDTHS, strict=True)):
            # A shortcut needs no parameters where the number of channels stays.
            projected = before != after or not strided
            first = Block(before, after, 2, eps, projected)
            rest = [Block(after, after, 1, eps, projected=False) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, *rest))
            before = after
        self.bn2 = nn.BatchNorm2d(before, eps)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(before * GRID, dimension)
        self.features = nn.BatchNorm1d(dimension, eps, affine=affine)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Raw embeddings (n, d) of prepared faces (n, 3, 112, 112)."""
        x = self.prelu(self.bn1(self.conv1(x)))  # (n, 64, 112, 112)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (n, 512, 7, 7)
        x = self.dropout(self.bn2(x).flatten(1))
        return self.features(self.fc(x))

    def first_layer(self) -> tuple[Tensor, Tensor]:
        """Weights (64, 3, 3, 3) of the first convolution and mean (64,) of what it gave."""
        mean = self.bn1.running_mean
        assert mean is not None  # this network keeps it
        return self.conv1.weight, mean

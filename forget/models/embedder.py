"""A small residual network that turns a face of 112 x 92 pixels into a point of R^d."""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from forget.errors import CheckpointError, PhotographError
from forget.models.checkpoint import Tensors

__all__ = ["VIEWS", "Embedder", "View", "check_photographs", "embed", "rebuild", "shrink"]


def shrink(images: Tensor) -> Tensor:
    """Halves height and width by averaging: (n, 1, h, w) -> (n, 1, h // 2, w // 2)."""
    return functional.avg_pool2d(images, 2)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; the shortcut averages before it strides.

    References:
        | Deep Residual Learning for Image Recognition (He et al., 2016), with the averaging
        | shortcut of Bag of Tricks for Image Classification (He et al., 2019)

    Arguments:
        before: Channels of the input (n, before, h, w).
        after: Channels of the output (n, after, ceil(h / 2), ceil(w / 2)).
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(before, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.residual = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.PReLU(after),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.activation = nn.PReLU(after)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.shortcut(x) + self.residual(x))


class Embedder(nn.Module):
    r"""Maps grey faces to raw embeddings; :func:`embed` makes them unit vectors.

    Halves the image, sets its mean to 0 and its contrast to 1, then one strided convolution, three
    residual blocks and a linear map of the last 4 x 3 grid. The embedding ends in a batch
    normalisation without learned parameters, so it is centred by constants of the training data.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019)
        | section 3.1: the embedding is a linear map of the whole last grid, then batch norm

    Arguments:
        width: Channels of the first convolution; the blocks have 2, 4 and 4 times as many.
        dimension: Length d of the embedding.
        floor: Added to the standard deviation of an image before dividing by it, in grey levels
            of [0, 1], so that an empty image stays finite.
    """

    size = (112, 92)  # height, width in pixels

    def __init__(self, width: int = 16, dimension: int = 128, floor: float = 0.05) -> None:
        super().__init__()
        self.config: dict[str, int | float] = {
            "width": width,
            "dimension": dimension,
            "floor": floor,
        }
        self.dimension, self.floor = dimension, floor
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
        )
        self.blocks = nn.Sequential(
            Residual(width, 2 * width),
            Residual(2 * width, 4 * width),
            Residual(4 * width, 4 * width),
        )
        rows, columns = (-(-side // 32) for side in self.size)  # halved five times, rounding up
        self.head = nn.Sequential(
            nn.BatchNorm2d(4 * width),
            nn.Flatten(),
            nn.Linear(4 * width * rows * columns, dimension, bias=False),
            nn.BatchNorm1d(dimension, affine=False),
        )

    def encode(self, small: Tensor) -> Tensor:
        """Raw embeddings (n, d) of images already halved, (n, 1, 56, 46)."""
        centred = small - small.mean((2, 3), keepdim=True)
        contrast = centred.square().mean((2, 3), keepdim=True).sqrt() + self.floor
        return self.head(self.blocks(self.stem(centred / contrast)))

    def forward(self, images: Tensor) -> Tensor:
        """Raw embeddings (n, d) of images (n, 1, 112, 92) in [0, 1]."""
        return self.encode(shrink(images))


class View(NamedTuple):
    """How a face is looked at: enlarged, turned and moved, as the training moves it too."""

    zoom: float = 1.0  # factor
    turn: float = 0.0  # degrees
    right: float = 0.0  # share of half the width
    down: float = 0.0  # share of half the height


# Averaging over small movements steadies a feature: on people of the core held out of a training,
# the gap between their own and strangers' scores grew from 3.5 to 4.1 standard deviations.
VIEWS = (
    View(),
    *(View(zoom=factor) for factor in (0.92, 1.08)),
    *(View(turn=degrees) for degrees in (-8.0, 8.0)),
    *(View(right=share) for share in (-0.08, 0.08)),
    *(View(down=share) for share in (-0.08, 0.08)),
)


def seen(images: Tensor, view: View) -> Tensor:
    """Images (n, 1, h, w) from another view; what lies outside repeats the border."""
    if view == View():
        return images
    aspect = images.shape[2] / images.shape[3]
    angle = math.radians(view.turn)
    cosine, sine = math.cos(angle) / view.zoom, math.sin(angle) / view.zoom
    pose = images.new_tensor(
        [[cosine, -sine * aspect, view.right], [sine / aspect, cosine, view.down]]
    )
    grid = functional.affine_grid(
        pose.expand(len(images), 2, 3), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def check_photographs(images: NDArray[np.uint8]) -> None:
    """Refuses what the embedder cannot read.

    Raises:
        PhotographError: The photographs have another shape or type than (n, 112, 92), uint8.
    """
    height, width = Embedder.size
    if images.ndim == 3 and images.shape[1:] == Embedder.size and images.dtype == np.uint8:
        return
    colour = images.ndim == 4 and images.shape[3] == 3
    raise PhotographError(
        f"grey photographs (n, {height}, {width}) of type uint8",
        f"{'colour photographs of ' if colour else ''}shape {images.shape}, {images.dtype}",
        f"{'Make them grey first, and crop' if colour else 'Crop'} and scale the faces to {width} "
        f"x {height} pixels, as forget.load_faces does with a folder of people.",
    )


@torch.inference_mode()
def embed(network: Embedder, images: NDArray[np.uint8], batch: int = 256) -> NDArray[np.float32]:
    """Unit embeddings of photographs, the same for a photograph and its mirror image.

    The raw embeddings of an image and of its mirror image, each from all `VIEWS`, are added, then
    scaled to length 1. The network runs in evaluation mode and is left in the mode it was in.

    Arguments:
        network: The trained network.
        images: Grey photographs, (n, 112, 92), uint8.
        batch: Photographs per pass.

    Returns:
        Unit vectors, (n, d), float32.

    Raises:
        PhotographError: The photographs have another shape or type.
    """
    check_photographs(images)
    device = next(network.parameters()).device
    rows = [np.empty((0, network.dimension), np.float32)]
    was_training = network.training
    network.eval()
    try:
        for start in range(0, len(images), batch):
            some = np.ascontiguousarray(images[start : start + batch])  # no negative strides
            small = shrink(torch.tensor(some, device=device)[:, None] / 255)
            both = torch.cat([small, small.flip(-1)])
            raw = sum(network.encode(seen(both, view)) for view in VIEWS)
            raw = raw[: len(small)] + raw[len(small) :]
            rows.append(functional.normalize(raw).cpu().numpy())
    finally:
        network.train(was_training)
    return np.concatenate(rows)


def rebuild(config: dict[str, Any], tensors: Tensors) -> Embedder:
    """The network of some settings with these parameters; half precision becomes single.

    Raises:
        CheckpointError: The tensors belong to another architecture.
    """
    try:
        with torch.device("meta"):  # shapes only: settings from a file must not fill the memory
            expected = Embedder(**config).state_dict()
    except (RuntimeError, TypeError, ValueError) as error:
        raise _foreign(str(error)) from error
    for name in sorted({*expected, *tensors}):
        if name not in tensors:
            raise _foreign(f"{name} is missing")
        if name not in expected:
            raise _foreign(f"{name} is not one of them")
        if tensors[name].shape != tuple(expected[name].shape):
            raise _foreign(f"{name} has shape {tensors[name].shape}")
    network = Embedder(**config)
    state = {
        name: torch.from_numpy(tensor.copy()).to(expected[name].dtype)
        for name, tensor in tensors.items()
    }
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)


def _foreign(reason: str) -> CheckpointError:
    return CheckpointError(
        "the parameters of the embedder",
        f"those of another architecture ({reason.splitlines()[0]})",
        "Load the weights that belong to this network.",
    )

r"""Maps with an exact inverse: what every block is, and the blocks that need no conditioner.

A Linearizer :math:`f = g_y^{-1} A g_x` needs two maps built from such blocks. Every block has
`forward(x)` and `inverse(y)`; a block whose `bijective` is False drops numbers, its `inverse` is a
pseudo-inverse, and for every y, :math:`g(g^+(y)) = y`. Hence :math:`g g^+ g = g` and
:math:`g^+ g g^+ = g^+`.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal

from forget.errors import FlowError

__all__ = [
    "ActNorm",
    "Channelwise",
    "Flatten",
    "Invertible",
    "Mixing",
    "Setting",
    "Shape",
    "Squeeze",
    "check_at_least",
    "check_same",
    "check_shape",
    "soft_clamp",
]

WIDEST_SCALE = 100.0  # ActNorm's scales lie between 1 / WIDEST_SCALE and WIDEST_SCALE

Shape = tuple[int, ...]  # of one x, without the axis n
Setting = int | float | bool | list[int]


class Invertible(nn.Module):
    """A map g of rows (n, d) or of images (n, c, h, w), and its inverse or pseudo-inverse.

    `block` is the name of the kind in `flows.BLOCKS`; `bijective` says whether
    `inverse(forward(x))` is x; `config` holds plain values that build the same map again, without
    its parameters.
    """

    block: str
    bijective: bool = True

    def __init__(self, **settings: Setting) -> None:
        super().__init__()
        self._settings = settings

    @property
    def config(self) -> dict[str, Any]:
        """The kind and its settings as plain JSON values."""
        return {"block": self.block, **deepcopy(self._settings)}

    def _after(self, shape: Shape) -> Shape:
        """The shape of g(x) for an x of this shape; raises FlowError if there is none."""
        raise NotImplementedError

    def _before(self, shape: Shape) -> Shape:
        """The shape of the inverse of a y of this shape; raises FlowError if there is none."""
        return self._after(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Gives g(x) of rows (n, d) or images (n, c, h, w)."""
        self._after(tuple(x.shape[1:]))
        return self._apply_to(x)

    def inverse(self, y: Tensor) -> Tensor:
        """Gives the x with g(x) = y: the only one if bijective, else the learned choice."""
        self._before(tuple(y.shape[1:]))
        return self._undo(y)

    def _apply_to(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _undo(self, y: Tensor) -> Tensor:
        raise NotImplementedError


class Channelwise(Invertible):
    """A block that takes a fixed number of channels: of rows, of images, or (None) of both."""

    image: bool | None = None

    def __init__(self, channels: int, **settings: Setting) -> None:
        super().__init__(channels=channels, **settings)
        check_at_least("channels", channels, 1)
        self.channels = channels

    def _after(self, shape: Shape) -> Shape:
        check_shape(shape, self.channels, self.image)
        return shape


class Mixing(Channelwise):
    r"""Mixes channels by a learned orthogonal matrix; for images a 1 x 1 convolution.

    .. math:: y = R x, \quad x = R^T y

    `weight` is R; an orthogonal matrix may be assigned to it, such as principal directions.

    Arguments:
        channels: d of rows (n, d), or c of images (n, c, h, w).
        seed: Of the first R, drawn evenly from all rotations.
    """

    block = "mixing"
    weight: Tensor

    def __init__(self, channels: int, seed: int = 0) -> None:
        super().__init__(channels, seed=seed)
        random = torch.Generator().manual_seed(seed)
        q, r = torch.linalg.qr(torch.randn(channels, channels, generator=random))
        q = q * r.diagonal().sign()  # else the factorisation's habits show in q
        q[:, 0] *= torch.linalg.slogdet(q).sign  # a plain determinant underflows
        self.weight = nn.Parameter(q)
        # Not "householder": it keeps signs in the parameter and truncates them to integers, so
        # that the first step with weight decay turns R into zeros. Cayley is also the fastest.
        orthogonal(self, "weight", orthogonal_map="cayley")

    def _apply_to(self, x: Tensor) -> Tensor:
        return _mix(self.weight, x)

    def _undo(self, y: Tensor) -> Tensor:
        # R is orthogonal to the precision it was stored in: in a flow that was trained in float32
        # its transpose would spoil a float64 inverse. Well conditioned, it can be inverted.
        return _mix(torch.linalg.inv(self.weight), y)


class Squeeze(Invertible):
    """Moves each 2 x 2 square of pixels into channels: (n, c, h, w) to (n, 4c, h / 2, w / 2)."""

    block = "squeeze"

    def _after(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[1] % 2 or shape[2] % 2:
            raise FlowError(
                "images (c, h, w) of even height and width",
                f"{shape}",
                "Crop or pad the images, or squeeze fewer times.",
            )
        return 4 * shape[0], shape[1] // 2, shape[2] // 2

    def _before(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[0] % 4:
            raise FlowError(
                "images (c, h, w) whose channels are a multiple of 4",
                f"{shape}",
                "Give what the forward map returned, or something of its shape.",
            )
        return shape[0] // 4, 2 * shape[1], 2 * shape[2]

    def _apply_to(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)

    def _undo(self, y: Tensor) -> Tensor:
        return F.pixel_shuffle(y, 2)


class ActNorm(Channelwise):
    r"""Shifts and scales each channel; the first training batch leaves with mean 0 and variance 1.

    .. math:: y = (x - b) \exp(\lambda \tanh(a / \lambda)), \quad \lambda = \log 100

    Only `forward` in training mode sets b and a, once; until then the map and its inverse are
    the identity. That it happened is a buffer, so that a loaded map is never set again.

    References:
        | Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma and Dhariwal, 2018)

    Arguments:
        channels: d of rows (n, d), or c of images (n, c, h, w).
    """

    block = "actnorm"
    initialised: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.shift = nn.Parameter(torch.zeros(channels))
        self.stretch = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))

    @torch.no_grad()
    def _initialise(self, x: Tensor) -> None:
        values = x.movedim(1, 0).flatten(1)  # (c, n * h * w)
        std, mean = torch.std_mean(values, dim=1, correction=0)
        if values.shape[1] < 2 or not std.isfinite().all():
            raise FlowError(
                "a first training batch of at least 2 finite values per channel",
                f"a batch of shape {tuple(x.shape)}" + (" with others" if len(x) > 1 else ""),
                "Start training with a larger batch of clean data.",
            )
        limit = math.log(WIDEST_SCALE)
        # Kept off the bounds, where the gradient of the clamp is zero.
        wanted = (-std.clamp_min(torch.finfo(std.dtype).tiny).log() / limit).clamp(-0.99, 0.99)
        self.shift.copy_(mean)
        self.stretch.copy_(limit * wanted.atanh())
        self.initialised.fill_(True)

    def _terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_scale = soft_clamp(self.stretch, math.log(WIDEST_SCALE))
        shape = (-1,) + (1,) * (x.ndim - 2)
        return log_scale.view(shape), self.shift.view(shape)

    def _apply_to(self, x: Tensor) -> Tensor:
        if self.training and not self.initialised:
            self._initialise(x)
        log_scale, shift = self._terms(x)
        return (x - shift) * log_scale.exp()

    def _undo(self, y: Tensor) -> Tensor:
        log_scale, shift = self._terms(y)
        return y * (-log_scale).exp() + shift


class Flatten(Invertible):
    """Turns images (n, c, h, w) of one shape into rows (n, c * h * w).

    Arguments:
        shape: (c, h, w).
    """

    block = "flatten"

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape=list(shape))
        self.shape = tuple(shape)

    def _after(self, shape: Shape) -> Shape:
        check_same(shape, self.shape)
        return (math.prod(shape),)

    def _before(self, shape: Shape) -> Shape:
        check_same(shape, (math.prod(self.shape),))
        return self.shape

    def _apply_to(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def _undo(self, y: Tensor) -> Tensor:
        return y.unflatten(1, self.shape)


def soft_clamp(values: Tensor, limit: float) -> Tensor:
    """Values within (-limit, limit); the identity near 0, and never without a gradient."""
    return limit * torch.tanh(values / limit)


def _mix(matrix: Tensor, x: Tensor) -> Tensor:
    """The product of a matrix (d, c) with the channels of rows (n, c) or images (n, c, h, w)."""
    return torch.einsum("dc,nc...->nd...", matrix, x)


def check_at_least(name: str, value: int, least: int) -> None:
    """Raises FlowError if there are fewer of something than a block needs."""
    if value < least:
        raise FlowError(f"at least {least} {name}", f"{value}", "Give more.")


def check_shape(shape: Shape, channels: int, image: bool | None) -> None:
    """Raises FlowError for an x that is not rows or images of so many channels."""
    ranks = {None: (1, 3), False: (1,), True: (3,)}[image]
    if len(shape) not in ranks or shape[0] != channels:
        texts = {1: f"rows ({channels},)", 3: f"images ({channels}, h, w)"}
        raise FlowError(
            " or ".join(texts[rank] for rank in ranks),
            f"{shape}",
            "Give data of that shape, or build the map for yours.",
        )


def check_same(shape: Shape, expected: Shape) -> None:
    """Raises FlowError for an x of another shape."""
    if shape != expected:
        raise FlowError(
            f"data of shape {expected}",
            f"{shape}",
            "Give data of that shape, or build the map for yours.",
        )

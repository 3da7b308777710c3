r"""Blocks in which some channels scale and shift the others by what a conditioner says of them.

The last layer of every conditioner starts at zero, so that a fresh coupling is the identity and a
fresh surjection selects coordinates. An inverse amplifies rounding geometrically in depth and in
the clamp: hence `alpha` is at most 1.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from forget.errors import FlowError
from forget.linear.linearizer.blocks import (
    Channelwise,
    Setting,
    Shape,
    check_at_least,
    check_shape,
    soft_clamp,
)

__all__ = ["Additive", "Affine", "Surjection"]


class _Coupling(Channelwise):
    """One half of the channels moves the other; `swap` changes the first half, not the second."""

    def __init__(
        self, channels: int, hidden: int, image: bool, swap: bool, terms: int, **settings: Setting
    ) -> None:
        super().__init__(channels, hidden=hidden, image=image, swap=swap, **settings)
        check_at_least("channels", channels, 2)
        self.image, self.swap = image, swap
        half = channels // 2
        self.sizes = (half, channels - half)
        fixed, changed = reversed(self.sizes) if swap else self.sizes
        random = torch.Generator().manual_seed(settings["seed"])
        self.conditioner = _conditioner(fixed, terms * changed, hidden, image, random)

    def _move(self, fixed: Tensor) -> tuple[Tensor, Tensor]:
        """The logarithm of the scale, and the shift, for the changed half."""
        raise NotImplementedError

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.split(self.sizes, dim=1)
        return (second, first) if self.swap else (first, second)

    def _join(self, fixed: Tensor, changed: Tensor) -> Tensor:
        return torch.cat((changed, fixed) if self.swap else (fixed, changed), dim=1)

    def _apply_to(self, x: Tensor) -> Tensor:
        fixed, changed = self._split(x)
        log_scale, shift = self._move(fixed)
        return self._join(fixed, changed * log_scale.exp() + shift)

    def _undo(self, y: Tensor) -> Tensor:
        fixed, changed = self._split(y)
        log_scale, shift = self._move(fixed)
        return self._join(fixed, (changed - shift) * (-log_scale).exp())


class Additive(_Coupling):
    r"""Adds a function of one half of the channels to the other half; keeps volumes.

    .. math:: y_0 = x_0, \quad y_1 = x_1 + t(x_0)

    References:
        | NICE: Non-linear Independent Components Estimation (Dinh et al., 2014)

    Arguments:
        channels: d of rows (n, d), or c of images (n, c, h, w); at least 2.
        hidden: Width of the conditioner t: three layers, 3 x 3 convolutions for images.
        image: Takes images instead of rows.
        swap: Changes the first half instead of the second.
        seed: Of the conditioner's weights.
    """

    block = "additive"

    def __init__(
        self,
        channels: int,
        hidden: int = 64,
        image: bool = False,
        swap: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(channels, hidden, image, swap, terms=1, seed=seed)

    def _move(self, fixed: Tensor) -> tuple[Tensor, Tensor]:
        return fixed.new_zeros(()), self.conditioner(fixed)


class Affine(_Coupling):
    r"""Scales and shifts one half of the channels by functions of the other half.

    .. math:: y_0 = x_0, \quad y_1 = x_1 \exp(\alpha \tanh(s(x_0) / \alpha)) + t(x_0)

    References:
        | Density estimation using Real NVP (Dinh et al., 2016)
        | Understanding and Mitigating Exploding Inverses in Invertible Neural Networks
          (Behrmann et al., 2020)

    Arguments:
        channels: d of rows (n, d), or c of images (n, c, h, w); at least 2.
        hidden: Width of the conditioner (s, t): three layers, 3 x 3 convolutions for images.
        image: Takes images instead of rows.
        swap: Changes the first half instead of the second.
        alpha: Scales lie between exp(-alpha) and exp(alpha); above 0, at most 1.
        seed: Of the conditioner's weights.
    """

    block = "affine"

    def __init__(
        self,
        channels: int,
        hidden: int = 64,
        image: bool = False,
        swap: bool = False,
        alpha: float = 0.7,
        seed: int = 0,
    ) -> None:
        _check_alpha(alpha)
        super().__init__(channels, hidden, image, swap, terms=2, alpha=alpha, seed=seed)
        self.alpha = alpha

    def _move(self, fixed: Tensor) -> tuple[Tensor, Tensor]:
        return _scale_and_shift(self.conditioner(fixed), self.alpha)


class Surjection(Channelwise):
    r"""Drops the last channels x_1 after they have moved the first, and learns to guess them.

    .. math:: y = x_0 \exp(\alpha \tanh(s(x_1) / \alpha)) + t(x_1), \quad g^+(y) = (x_0, r(y))

    where x_0 solves the first equation for :math:`x_1 = r(y)`. Whatever r is,
    :math:`g(g^+(y)) = y`; r only decides which of the many x with g(x) = y comes back.

    References:
        | Pseudo-Invertible Neural Networks (Ehrlich, Berman and Shocher, 2026)

    Arguments:
        channels: Channels that come in: d of rows (n, d), or c of images (n, c, h, w).
        keep: Channels that go out; at least 1, fewer than `channels`.
        hidden: Width of the two conditioners (s, t) and r.
        image: Takes images instead of rows.
        alpha: Scales lie between exp(-alpha) and exp(alpha); above 0, at most 1.
        seed: Of the conditioners' weights.
    """

    block = "surjection"
    bijective = False

    def __init__(
        self,
        channels: int,
        keep: int,
        hidden: int = 64,
        image: bool = False,
        alpha: float = 0.7,
        seed: int = 0,
    ) -> None:
        _check_alpha(alpha)
        if not 1 <= keep < channels:
            raise FlowError(
                f"to keep between 1 and {channels - 1} of {channels} channels",
                f"{keep}",
                "Keep fewer; to keep all of them, leave the block out.",
            )
        super().__init__(channels, keep=keep, hidden=hidden, image=image, alpha=alpha, seed=seed)
        self.keep, self.image, self.alpha = keep, image, alpha
        random, dropped = torch.Generator().manual_seed(seed), channels - keep
        self.conditioner = _conditioner(dropped, 2 * keep, hidden, image, random)
        self.guess = _conditioner(keep, dropped, hidden, image, random)

    def _after(self, shape: Shape) -> Shape:
        return self.keep, *super()._after(shape)[1:]

    def _before(self, shape: Shape) -> Shape:
        check_shape(shape, self.keep, self.image)
        return self.channels, *shape[1:]

    def _apply_to(self, x: Tensor) -> Tensor:
        kept, dropped = x[:, : self.keep], x[:, self.keep :]
        log_scale, shift = _scale_and_shift(self.conditioner(dropped), self.alpha)
        return kept * log_scale.exp() + shift

    def _undo(self, y: Tensor) -> Tensor:
        dropped = self.guess(y)
        log_scale, shift = _scale_and_shift(self.conditioner(dropped), self.alpha)
        return torch.cat(((y - shift) * (-log_scale).exp(), dropped), dim=1)


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Left to `_conditioner`: torch would draw from its global generator."""


class _Convolution(nn.Conv2d):
    def reset_parameters(self) -> None:
        """Left to `_conditioner`, too."""


def _conditioner(
    inputs: int, outputs: int, hidden: int, image: bool, random: torch.Generator
) -> nn.Sequential:
    """Three layers with ReLU between them, the last one zero; convolutions keep h and w."""
    check_at_least("hidden", hidden, 1)
    layers: list[nn.Module] = []
    for before, after in pairwise((inputs, hidden, hidden, outputs)):
        layer = _Convolution(before, after, 3, padding=1) if image else _Linear(before, after)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=random)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    nn.init.zeros_(layer.weight)
    return nn.Sequential(*layers[:-1])


def _scale_and_shift(values: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """The clamped logarithm of the scale, and the shift, from channels that hold both."""
    raw, shift = values.chunk(2, dim=1)
    return soft_clamp(raw, alpha), shift


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise FlowError(
            "a clamp alpha above 0 and at most 1",
            f"{alpha}",
            "Larger scales make inverses explode; 0.7 is a good value.",
        )

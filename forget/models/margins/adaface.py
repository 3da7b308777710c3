"""AdaFace: the margin follows the image quality, which the length of the embedding tells."""

import math

import torch
from torch import Tensor

from forget.models.margins.angles import angle
from forget.models.margins.head import MarginHead, check_radians, check_setting

__all__ = ["AdaFace"]

EDGE = 1e-3  # cosines stay this far from -1 and 1, angles from 0 and pi
SHORTEST, LONGEST = 1e-3, 100.0  # lengths are clamped to these
FIRST_MEAN, FIRST_SPREAD = 20.0, 100.0  # of the lengths, before the first batch


class AdaFace(MarginHead):
    r"""Handicaps good images by a cosine and bad ones by an angle.

    .. math:: \hat z = clip\left(h \frac{\|x\| - \mu}{\sigma + 0.001}, -1, 1\right), \quad
              t(\theta) = \cos(\theta - m \hat z) - m (1 + \hat z)

    mu and sigma are moving averages of mean and standard deviation of the lengths in a batch,
    which is counted before the margin is computed; in evaluation mode they stay. Lengths pass no
    gradient. For the worst images, z = -1, the target is ArcFace's, at z = 0 CosFace's; the best
    get the angle and twice the cosine. As published, lengths are clamped to [0.001, 100], cosines
    to 1 - 0.001 either way and angles to [0.001, pi - 0.001]. A batch of fewer than 2 embeddings
    has no standard deviation and leaves the averages alone. In a run of several processes each
    keeps its own averages unless the buffers are broadcast.

    References:
        | AdaFace: Quality Adaptive Margin for Face Recognition (Kim et al., 2022), section 3.3

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        margin: m, in radians and in units of cosine.
        concentration: h, how far a standard deviation of length reaches.
        momentum: Share of the newest batch in the moving averages.
        generator: Source of the random centres; the global one if None.
    """

    length_mean: Tensor
    length_spread: Tensor

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 64.0,
        margin: float = 0.4,
        concentration: float = 0.333,
        momentum: float = 0.01,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dimension, classes, scale, generator)
        check_radians("margin", margin)
        check_setting("concentration", concentration, 0, 100)
        check_setting("momentum", momentum, 0, 1)
        self.margin, self.concentration, self.momentum = margin, concentration, momentum
        self.register_buffer("length_mean", torch.tensor(FIRST_MEAN))
        self.register_buffer("length_spread", torch.tensor(FIRST_SPREAD))

    def cosines(self, z: Tensor) -> Tensor:
        """Cosines (n, c) of embeddings (n, d) with all centres, kept off -1 and 1."""
        return super().cosines(z).clamp(EDGE - 1, 1 - EDGE)

    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """The cosine of an angle turned by quality, less a cosine that grows with it, (n,)."""
        length = torch.linalg.vector_norm(z.detach(), dim=1).clamp(SHORTEST, LONGEST)
        if self.training:
            self._count(length[present])
        margin, quality = share * self.margin, self._quality(length)
        turned = (angle(cosine) - margin * quality).clamp(EDGE, math.pi - EDGE)
        return torch.cos(turned) - margin * (1 + quality)

    def _quality(self, length: Tensor) -> Tensor:
        standard = (length - self.length_mean) / (self.length_spread + 1e-3)
        return (self.concentration * standard).clamp(-1, 1)

    def _count(self, length: Tensor) -> None:
        if len(length) < 2:
            return
        self.length_mean.lerp_(length.mean().to(self.length_mean.dtype), self.momentum)
        self.length_spread.lerp_(length.std().to(self.length_spread.dtype), self.momentum)

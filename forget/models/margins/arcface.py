"""ArcFace: the right class must lead by an angle."""

import math
from enum import StrEnum

import torch
from torch import Tensor

from forget.errors import ForgetError
from forget.models.margins.angles import angle
from forget.models.margins.head import MarginHead, check_radians

__all__ = ["ArcFace", "Beyond"]


class Beyond(StrEnum):
    """What becomes of an angle that the margin would push beyond pi, where the cosine rises."""

    PLAIN = "plain"  # nothing: cos(angle + m) everywhere, as insightface trains today
    EASY = "easy"  # no margin where the angle is pi / 2 or more
    HARD = "hard"  # cos(angle) - m sin(m) where the angle is pi - m or more, still falling


class ArcFace(MarginHead):
    r"""Handicaps the right class by a constant angle.

    .. math:: t(\theta) = \cos(\theta + m)

    `beyond` says what happens to large angles. The gradient is that of the formula; where code
    in use passes the slope of the unchanged cosine through instead, trainings differ.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019),
        | eq. 3

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        margin: m, in radians; 0.5 is 28.6 degrees.
        beyond: "plain", "easy" or "hard".
        generator: Source of the random centres; the global one if None.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 64.0,
        margin: float = 0.5,
        beyond: Beyond | str = Beyond.PLAIN,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dimension, classes, scale, generator)
        check_radians("margin", margin)
        if beyond not in list(Beyond):
            raise ForgetError(
                f"one of {', '.join(Beyond)}", repr(beyond), "Say what becomes of large angles."
            )
        self.margin, self.beyond = margin, Beyond(beyond)

    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """The cosine of the turned angle, (n,)."""
        margin = share * self.margin
        turned = torch.cos(angle(cosine) + margin)
        if self.beyond is Beyond.EASY:
            return torch.where(cosine > 0, turned, cosine)
        if self.beyond is Beyond.HARD:
            fallback = cosine - margin * math.sin(margin)
            return torch.where(cosine > -math.cos(margin), turned, fallback)
        return turned

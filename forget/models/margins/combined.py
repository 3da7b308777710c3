"""The margin that combines a factor, an angle and a cosine."""

import torch
from torch import Tensor

from forget.models.margins.angles import angle
from forget.models.margins.head import MarginHead, check_radians, check_setting

__all__ = ["CombinedMargin"]


class CombinedMargin(MarginHead):
    r"""Multiplies the angle to the right centre, adds to it, and takes off its cosine.

    .. math:: t(\theta) = \cos(m_1 \theta + m_2) - m_3

    (1, 0.5, 0) is ArcFace, (1, 0, 0.4) is CosFace; (1, 0.3, 0.2) has been published too. Beyond
    pi the cosine rises again: an embedding far on the wrong side is then rewarded for going on.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019),
        | section 2.2

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        margins: m1, a factor of at least 1; m2, in radians; m3, in units of cosine.
        scale: s, the inverse temperature of the softmax.
        generator: Source of the random centres; the global one if None.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        margins: tuple[float, float, float] = (1.0, 0.3, 0.2),
        scale: float = 64.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dimension, classes, scale, generator)
        factor, radians, cosine = margins
        check_setting("factor m1 of the angle", factor, 1, 4)
        check_radians("margin m2", radians)
        check_setting("margin m3 in units of cosine", cosine, 0, 2)
        self.margins = margins

    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """The cosine of the stretched and turned angle, less m3, (n,)."""
        m1, m2, m3 = self.margins
        stretched = (1 + share * (m1 - 1)) * angle(cosine) + share * m2
        return torch.cos(stretched) - share * m3

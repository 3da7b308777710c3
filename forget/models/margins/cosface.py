"""CosFace: the right class must lead by a cosine."""

import torch
from torch import Tensor

from forget.models.margins.head import MarginHead, check_setting

__all__ = ["CosFace"]


class CosFace(MarginHead):
    r"""Handicaps the right class by a constant cosine.

    .. math:: t(\theta) = \cos \theta - m

    With cross-entropy on the result, an embedding must be nearer to its own centre than to any
    other by the margin m. Published networks use s = 64 and m = 0.35 or 0.4.

    References:
        | CosFace: Large Margin Cosine Loss for Deep Face Recognition (Wang et al., 2018), eq. 4

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        margin: m, in units of cosine.
        generator: Source of the random centres; the global one if None.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 16.0,
        margin: float = 0.3,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dimension, classes, scale, generator)
        check_setting("margin in units of cosine", margin, 0, 2)
        self.margin = margin

    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """The cosine less the margin, (n,)."""
        return cosine - share * self.margin

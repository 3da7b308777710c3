"""Angles from cosines whose gradients stay finite where the angle is 0 or pi."""

import torch
from torch import Tensor

__all__ = ["angle"]


def angle(cosine: Tensor) -> Tensor:
    r"""The angle in radians, in [0, pi], of each cosine.

    .. math:: \theta = atan2(\sqrt{1 - c^2}, c)

    Exact at 0 and pi, and for cosines that rounding has pushed beyond 1. There the slope
    -1 / sin is infinite; the gradient is 0 instead, for the embedding that it would move lies on
    the axis already.
    """
    # Not 0: the square root's slope there is infinite, and 0 times infinity is no number.
    least = torch.finfo(cosine.dtype).tiny
    sine = (1 - cosine.square()).clamp(min=least).sqrt()
    return torch.atan2(sine, cosine)

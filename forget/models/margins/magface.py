"""MagFace: the longer an embedding, the larger its angular margin."""

import math

import torch
from torch import Tensor

from forget.errors import ForgetError
from forget.models.margins.angles import angle
from forget.models.margins.head import MarginHead, check_radians

__all__ = ["MagFace", "least_strength"]


class MagFace(MarginHead):
    r"""Handicaps long embeddings more, and rewards length, so that length tells quality.

    .. math:: t(\theta) = \cos(\theta + m(a)) \; (\theta < \pi / 2), \quad
              m(a) = l_m + \frac{u_m - l_m}{u_a - l_a} (a - l_a), \quad
              g(a) = \frac{1}{a} + \frac{a}{u_a^2}

    a is the length of the raw embedding, clamped to [l_a, u_a]; from pi / 2 on there is no
    margin. The loss is the mean cross-entropy plus `strength` times the mean of g.

    References:
        | MagFace: A Universal Representation for Face Recognition and Quality Assessment
        | (Meng et al., 2021), eq. 3

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        lengths: l_a and u_a, in units of the raw embedding; (1, 51) for a network whose
            embeddings are about 1 long.
        margins: l_m and u_m, in radians.
        strength: lambda_g, at least what :func:`least_strength` says.
        generator: Source of the random centres; the global one if None.

    Raises:
        ForgetError: A setting out of range, or a strength under which no embedding may grow.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 64.0,
        lengths: tuple[float, float] = (10.0, 110.0),
        margins: tuple[float, float] = (0.45, 0.8),
        strength: float = 35.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dimension, classes, scale, generator)
        least = least_strength(scale, lengths, margins)
        if not least <= strength < math.inf:
            raise ForgetError(
                f"a strength of {least:.3g} or more",
                f"{strength:g}",
                "Raise it to that, or "
                "bring the margins closer: under it, short embeddings never grow longer.",
            )
        self.lengths, self.margins, self.strength = lengths, margins, strength

    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """The cosine of the angle, turned by a margin that grows with the length, (n,)."""
        turned = torch.cos(angle(cosine) + share * self._margin(self._length(z)))
        return torch.where(cosine > 0, turned, cosine)

    def regulariser(self, z: Tensor, present: Tensor) -> Tensor:
        """`strength` times the mean of g over the embeddings that have a class."""
        length = self._length(z)
        reward = 1 / length + length / self.lengths[1] ** 2
        return self.strength * (reward * present).sum() / present.sum().clamp(min=1)

    def _length(self, z: Tensor) -> Tensor:
        return torch.linalg.vector_norm(z, dim=1).clamp(*self.lengths)

    def _margin(self, length: Tensor) -> Tensor:
        (shortest, longest), (low, high) = self.lengths, self.margins
        return low + (high - low) / (longest - shortest) * (length - shortest)


def least_strength(
    scale: float, lengths: tuple[float, float], margins: tuple[float, float]
) -> float:
    r"""The strength of the regulariser from which on every embedding has a best length inside.

    .. math:: \lambda_g \ge s K \frac{u_a^2 l_a^2}{u_a^2 - l_a^2}, \quad
              K = \frac{u_m - l_m}{u_a - l_a}

    With it the loss falls at l_a, however wrong the embedding.

    References:
        | MagFace: A Universal Representation for Face Recognition and Quality Assessment
        | (Meng et al., 2021), supplement

    Arguments:
        scale: s.
        lengths: l_a and u_a, 0 < l_a < u_a.
        margins: l_m and u_m, in radians, 0 <= l_m <= u_m.

    Raises:
        ForgetError: Lengths or margins in another order, or out of range.

    Example:
        >>> round(least_strength(64, (10, 110), (0.45, 0.8)), 2)
        22.59
    """
    (shortest, longest), (low, high) = lengths, margins
    if not (0 < shortest < longest < math.inf and 0 <= low <= high):
        raise ForgetError(
            "lengths 0 < l_a < u_a and margins 0 <= l_m <= u_m",
            f"lengths {lengths} and margins {margins}",
            "Give the smaller of both first.",
        )
    check_radians("largest margin", high)
    slope = (high - low) / (longest - shortest)
    return scale * slope * longest**2 * shortest**2 / (longest**2 - shortest**2)

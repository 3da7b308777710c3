"""Noise on the weights, most where what stays does not need them."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from forget.data.partition import Partition
from forget.unlearning.contract import Guarantee, Range, Work
from forget.unlearning.course import Course
from forget.unlearning.edit import Edit
from forget.unlearning.guarantees import suppressed
from forget.unlearning.importance import squared_gradient

__all__ = ["Fisher"]


@dataclass(frozen=True)
class Fisher(Edit):
    r"""Adds Gaussian noise whose size follows the diagonal F of the Fisher matrix of what stays.

    .. math:: \theta \leftarrow \theta + \alpha F^{-1/4} \epsilon, \quad \epsilon \sim N(0, I)

    The noise on a weight is cut at its layer's root mean square, times `most`: unused weights have
    F near 0.

    References:
        | Eternal Sunshine of the Spotless Net (Golatkar, Achille and Soatto, 2020), equation 8

    Arguments:
        alpha: Size of the noise.
        most: Its largest size, relative to the weights of the layer.

    Raises:
        ForgetError: Settings that are not above 0.
    """

    alpha: float = 1e-4
    most: float = 0.5
    ranges: ClassVar = {"alpha": Range(0, above=True), "most": Range(0, above=True)}

    def steps(self, course: Course) -> int:
        """Batches of the retain set."""
        return course.batches_of(len(course.split.retain))

    def edit(self, course: Course, work: Work) -> None:
        """Draws the noise."""
        importance = squared_gradient(course, course.split.retain)
        random = torch.Generator().manual_seed(course.seed)
        with torch.no_grad():
            for name, weight in course.network.named_parameters():
                size = self.alpha * importance[name].clamp(min=1e-30) ** -0.25
                size = size.clamp(max=self.most * float((weight**2).mean().sqrt()))
                noise = torch.randn(weight.shape, generator=random).to(weight.device)
                weight.add_(size * noise)

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "blurred by noise in order to lose")

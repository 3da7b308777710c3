"""Taking what tells the images apart out of every layer's inputs, without gradients."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.unlearning.contract import Guarantee, Range, Work
from forget.unlearning.course import Course
from forget.unlearning.edit import Edit
from forget.unlearning.guarantees import suppressed
from forget.unlearning.inputs import Directions, input_directions

__all__ = ["Kodge"]


@dataclass(frozen=True)
class Kodge(Edit):
    r"""Projects weights off the directions that inputs of the forget set have for themselves.

    .. math:: W \leftarrow W (I - (I - P_r) P_f), \quad P = U \Lambda U^T, \quad
              \Lambda_{ii} = \frac{\alpha \sigma_i^2}{(\alpha - 1) \sigma_i^2 + 1}

    for each convolution and linear layer, where U and sigma are singular vectors and values of
    its inputs on samples of the forget set (f) and the retain set (r), sigma^2 adding up to 1.
    Made for whole classes: a few images of a class that stays have hardly a direction of their
    own.

    References:
        | Deep Unlearning: Fast and Efficient Gradient-free Class Forgetting (Kodge et al., 2024)

    Arguments:
        sample: Images of either set, at most.
        retain_scale: alpha of the retain set; larger spares more.
        forget_scale: alpha of the forget set; larger takes out more.

    Raises:
        ForgetError: Settings that cannot work.
    """

    sample: int = 900
    retain_scale: float = 100.0
    forget_scale: float = 3.0
    ranges: ClassVar = {"sample": Range(1), "retain_scale": Range(1), "forget_scale": Range(1)}

    def steps(self, course: Course) -> int:
        """Batches of both samples."""
        return sum(course.batches_of(len(some)) for some in self._samples(course))

    def edit(self, course: Course, work: Work) -> None:
        """Projects every layer, all from what the network saw before."""
        theirs, others = (input_directions(course, some) for some in self._samples(course))
        for name, layer in course.network.named_modules():
            if name in theirs:
                weight = layer.weight.detach()
                flat = weight.reshape(len(weight), -1).double()
                spared = flat - _projected(flat, others[name], self.retain_scale)
                taken = _projected(spared, theirs[name], self.forget_scale)
                weight.copy_((flat - taken).reshape(weight.shape))

    def _samples(self, course: Course) -> tuple[Indices, Indices]:
        draw = np.random.default_rng(course.seed)
        sets = course.split.forget, course.split.retain
        forget, retain = (np.sort(draw.permutation(one)[: self.sample]) for one in sets)
        return forget, retain

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "projected off the directions of")


def _projected(weight: Tensor, seen: Directions, alpha: float) -> Tensor:
    """W P (o, q) of a weight W (o, q), without forming P (q, q)."""
    values = seen.values / seen.values.sum().clamp(min=1e-30)
    scaled = alpha * values / ((alpha - 1) * values + 1)
    return (weight @ seen.vectors) * scaled @ seen.vectors.T

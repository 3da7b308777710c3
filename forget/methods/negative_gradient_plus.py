"""Climbing the loss of the images to forget while descending that of the others."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Pair, Phase
from forget.unlearning.contract import Guarantee, Range
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed

__all__ = ["NegativeGradientPlus"]


@dataclass(frozen=True)
class NegativeGradientPlus(Descent):
    r"""Each step has a batch of either set; an epoch passes over the retain set once.

    .. math:: \min_\theta \; E_{retain} \; CE(f_\theta(x), y)
              - \beta E_{forget} \; CE(f_\theta(x), y)

    References:
        | Towards Unbounded Machine Unlearning (Kurmanji et al., 2023), "NegGrad+"
        | "AdvNegGrad" of the MUFAC benchmark (Choi and Na, 2023), with weight 1

    Arguments:
        weight: beta, of the forget set.

    Raises:
        ForgetError: A negative weight, or other settings that cannot work.
    """

    weight: float = 1.0
    ranges: ClassVar = {"weight": Range(0)}

    def phases(self, course: Course) -> list[Phase]:
        """One over the retain set, with batches of the forget set beside."""

        def apart(network: nn.Module, pair: Pair) -> tuple[Tensor, Tensor]:
            kept, logits = cross_entropy()(network, pair.batch)
            lost, _ = cross_entropy()(network, pair.other)
            return kept - self.weight * lost, logits

        split = course.split
        return [course.paired("retain", split.retain, split.forget, apart, self.rate, self.epochs)]

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "pushed to be wrong about")

"""Dampening the weights that matter more for what goes than for everything."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Objective
from forget.unlearning.contract import Guarantee, Range, Work
from forget.unlearning.course import Course
from forget.unlearning.edit import Edit
from forget.unlearning.guarantees import suppressed
from forget.unlearning.importance import squared_gradient

__all__ = ["Ssd"]


@dataclass(frozen=True)
class Ssd(Edit):
    r"""Scales down, once, each weight whose importance for the forget set stands out.

    .. math:: \theta_j \leftarrow \min(\lambda I_j^{all} / I_j^{forget}, 1) \; \theta_j \quad
              \text{where} \quad I_j^{forget} > \alpha I_j^{all}

    References:
        | Fast Machine Unlearning without Retraining through Selective Synaptic Dampening
          (Foster, Schoepf and Brintrup, 2024)

    Arguments:
        alpha: How many times more a weight must matter for the forget set; 10 is the paper's.
        strength: lambda; smaller dampens more.

    Raises:
        ForgetError: Settings that are not above 0.
    """

    alpha: float = 10.0
    strength: float = 1.0
    objective: ClassVar[Objective] = staticmethod(cross_entropy())  # type: ignore[assignment]
    ranges: ClassVar = {"alpha": Range(0, above=True), "strength": Range(0, above=True)}

    def steps(self, course: Course) -> int:
        """Batches of both sets."""
        split = course.split
        return course.batches_of(len(split.forget)) + course.batches_of(len(split.train))

    def edit(self, course: Course, work: Work) -> None:
        """Compares importances and dampens."""
        split = course.split
        theirs = squared_gradient(course, split.forget, self.objective)
        everybody = squared_gradient(course, split.train, self.objective)
        dampened = total = 0
        with torch.no_grad():
            for name, weight in course.network.named_parameters():
                chosen = theirs[name] > self.alpha * everybody[name]
                ratio = self.strength * everybody[name] / theirs[name].clamp(min=1e-30)
                weight.copy_(torch.where(chosen, ratio.clamp(max=1) * weight, weight))
                dampened, total = dampened + int(chosen.sum()), total + weight.numel()
        work.detail["share dampened"] = dampened / total

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "dampened where it mattered most for")

"""Learning wrong classes with the salient weights alone."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from forget.methods.random_labels import RandomLabels
from forget.training import Phase
from forget.unlearning.contract import Range
from forget.unlearning.course import Course
from forget.unlearning.importance import mean_gradient

__all__ = ["SalUn"]


@dataclass(frozen=True)
class SalUn(RandomLabels):
    r"""Random labels, where only weights move whose gradient on the forget set is largest.

    .. math:: m_j = 1 \; \text{if} \; |\partial E_{forget} CE / \partial \theta_j|
              \; \text{is among the largest share, else} \; 0

    References:
        | SalUn: Empowering Machine Unlearning via Gradient-based Weight Saliency
          (Fan et al., 2024)

    Arguments:
        share: Of the weights that move, in (0, 1]; 0.5 is the paper's.

    Raises:
        ForgetError: A share of none or more than all, or other settings that cannot work.
    """

    share: float = 0.5
    ranges: ClassVar = {"share": Range(0, 1, above=True)}

    def phases(self, course: Course) -> list[Phase]:
        """One over all training images, after the weights were chosen."""
        forget = course.split.forget

        def choose() -> None:
            sizes = {name: g.abs() for name, g in mean_gradient(course, forget).items()}
            every = torch.cat([size.flatten() for size in sizes.values()])
            rank = len(every) - max(round(self.share * len(every)), 1)
            least = every.kthvalue(rank + 1).values
            course.only({name: (size >= least).float() for name, size in sizes.items()})

        course.before(course.batches_of(len(forget)), choose)
        return super().phases(course)

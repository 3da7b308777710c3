"""Climbing with salient weights, repairing with all, and following slowly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Batch, Phase
from forget.unlearning.contract import Guarantee, Range
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed
from forget.unlearning.importance import squared_gradient

__all__ = ["SfrOn"]


@dataclass(frozen=True)
class SfrOn(Descent):
    r"""Fast weights climb the loss of what goes and repair what stays; slow weights follow them.

    .. math:: \max \; E_{forget} \; c_i \, CE(f_\theta(x_i), y_i), \quad
              c_i = (1 + \ell_i)^{-\kappa}, \quad
              m_j = 1 \; \text{if} \; I_j^{forget} > \gamma I_j^{retain}

    Only salient weights (m) climb; images that are wrong already count less (c, without
    gradient). Each epoch climbs, then repairs on the retain set with all weights, and the slow
    weights move a share of the way to where that led, which takes the curvature of the retain
    loss into account without computing it. In the paper the slow weights follow after every few
    steps; here after every epoch.

    References:
        | Unified Gradient-Based Machine Unlearning with Remain Geometry Enhancement
          (Huang et al., 2024)

    Arguments:
        forget_rate: Learning rate of the climb; `rate` is that of the repair.
        kappa: How fast images that are wrong lose weight.
        gamma: How much more a weight must matter for the forget set.
        follow: Share of the way that the slow weights go, in (0, 1].

    Raises:
        ForgetError: Settings that cannot work.
    """

    forget_rate: float = 1e-3
    kappa: float = 1.0
    gamma: float = 1.0
    follow: float = 0.9
    ranges: ClassVar = {"follow": Range(0, 1, above=True), "kappa": Range(0), "gamma": Range(0)}

    def phases(self, course: Course) -> list[Phase]:
        """Climb, then repair."""
        split, slow, climbing = course.split, {}, [False]
        sizes = len(split.forget), len(split.retain)
        course.before(
            sum(map(course.batches_of, sizes)), lambda: self._choose(course, lambda: climbing[0])
        )

        def climb(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            climbing[0], logits = True, network(batch.images).float()
            losses = functional.cross_entropy(logits, batch.labels, reduction="none")
            weights = (1 + losses.detach()) ** -self.kappa
            return -(weights * losses).mean(), logits

        def repair(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            climbing[0] = False
            return cross_entropy()(network, batch)

        def remember() -> None:
            slow.update({n: p.detach().clone() for n, p in course.network.named_parameters()})

        def follow() -> None:
            for name, weight in course.network.named_parameters():
                weight.detach().lerp_(slow[name], 1 - self.follow)

        n = self.epochs
        return [
            course.phase("forget", split.forget, climb, self.forget_rate, n, begin=remember),
            course.phase("retain", split.retain, repair, self.rate, n, end=follow),
        ]

    def _choose(self, course: Course, when: Callable[[], bool]) -> None:
        theirs = squared_gradient(course, course.split.forget)
        others = squared_gradient(course, course.split.retain)
        salient = {n: (theirs[n] > self.gamma * others[n]).float() for n in theirs}
        course.only(salient, when)

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "pushed to be wrong about")

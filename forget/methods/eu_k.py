"""Training the last layers again from random weights."""

from dataclasses import dataclass

import torch
from torch import nn

from forget.methods.cf_k import CfK
from forget.training import Phase
from forget.unlearning.course import Course

__all__ = ["EuK"]


@dataclass(frozen=True)
class EuK(CfK):
    """Forgets all that the last k stages learned, and trains them on the retain set.

    What the stages below learned of the images stays.

    References:
        | Towards Adversarial Evaluations for Inexact Machine Unlearning (Goel et al., 2022)
    """

    epochs: int = 3
    rate: float = 1e-2

    def phases(self, course: Course) -> list[Phase]:
        """One over the retain set, after the stages began anew."""
        course.before(0, lambda: _renew(course.network.stages[-self.k :], course.seed))
        return super().phases(course)


def _renew(stages: list[nn.Module], seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in (part for stage in stages for part in stage.modules()):
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()

"""Training on with what stays, and with a push towards few weights."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from forget.recipe import cross_entropy
from forget.training import Batch, Phase
from forget.unlearning.contract import Range
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent

__all__ = ["L1Sparse"]


@dataclass(frozen=True)
class L1Sparse(Descent):
    r"""Fine-tunes on the retain set with a penalty on the sum of all absolute weights.

    .. math:: \min_\theta \; E_{retain} \; CE(f_\theta(x), y) + \gamma_t |\theta|_1

    The penalty falls linearly from gamma in the first epoch towards 0 after the last, the best
    schedule of the paper.

    References:
        | Model Sparsity Can Simplify Machine Unlearning (Jia et al., 2023)

    Arguments:
        penalty: gamma, of a mean loss in nats.

    Raises:
        ForgetError: A negative penalty, or other settings that cannot work.
    """

    penalty: float = 5e-5
    ranges: ClassVar = {"penalty": Range(0)}

    def phases(self, course: Course) -> list[Phase]:
        """One for each epoch, with its own penalty."""
        retain = course.split.retain
        return [
            course.phase(
                f"retain, penalty {number + 1}",
                retain,
                _penalised(self.penalty * (1 - number / self.epochs)),
                self.rate,
                self.epochs,
                first=number,
                until=number + 1,
            )
            for number in range(self.epochs)
        ]


def _penalised(penalty: float):  # noqa: ANN202 - an objective
    def objective(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        loss, logits = cross_entropy()(network, batch)
        return loss + penalty * sum(p.abs().sum() for p in network.parameters()), logits

    return objective

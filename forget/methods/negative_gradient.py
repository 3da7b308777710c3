"""Climbing the loss of the images to forget."""

from dataclasses import dataclass

from torch import Tensor, nn

from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Batch, Phase
from forget.unlearning.contract import Guarantee
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed

__all__ = ["NegativeGradient", "climbed"]


@dataclass(frozen=True)
class NegativeGradient(Descent):
    r"""Gradient ascent on the forget set; nothing repairs what else it breaks.

    .. math:: \max_\theta \; E_{(x, y) \in forget} \; CE(f_\theta(x), y)

    References:
        | Eternal Sunshine of the Spotless Net (Golatkar, Achille and Soatto, 2020), a baseline
        | "NegGrad" of the MUFAC benchmark (Choi and Na, 2023)
    """

    def phases(self, course: Course) -> list[Phase]:
        """One over the forget set."""
        return [course.phase("forget", course.split.forget, climbed, self.rate, self.epochs)]

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "pushed to be wrong about")


def climbed(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross-entropy with the opposite sign."""
    loss, logits = cross_entropy()(network, batch)
    return -loss, logits

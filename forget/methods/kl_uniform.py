"""Steps towards knowing nothing about the images to forget, then steps that repair the rest."""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.recipe import cross_entropy
from forget.training import Batch, Phase
from forget.unlearning.contract import Guarantee
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed, went_on_without

__all__ = ["KlUniform", "kl_to_uniform"]


@dataclass(frozen=True)
class KlUniform(Descent):
    r"""Alternates a forget step and a retain step, each one pass an epoch.

    .. math:: \min_\theta \; E_{x \in forget} \; KL(u \,\|\, softmax f_\theta(x)), \quad
              \min_\theta \; E_{(x, y) \in retain} \; CE(f_\theta(x), y)

    u is the uniform distribution over the classes. Each step has an optimiser of its own.

    Arguments:
        forget_rate: Learning rate of the forget step; `rate` is that of the retain step.
        forget_step: Whether there is a forget step.
        retain_step: Whether there is a retain step.

    Raises:
        ForgetError: Both steps are switched off, or other settings that cannot work.
    """

    forget_rate: float = 1e-3
    forget_step: bool = True
    retain_step: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.forget_step or self.retain_step):
            raise ForgetError(
                "a forget step or a retain step", "neither", "Switch one of them on again."
            )

    def phases(self, course: Course) -> list[Phase]:
        """The steps that are switched on."""
        split, made = course.split, []
        if self.forget_step:
            step = course.phase(
                "forget", split.forget, kl_to_uniform, self.forget_rate, self.epochs
            )
            made.append(step)
        if self.retain_step:
            made.append(
                course.phase("retain", split.retain, cross_entropy(), self.rate, self.epochs)
            )
        return made

    def promise(self, split: Partition) -> Guarantee:
        """None: suppression; without a forget step it is fine-tuning."""
        if not self.forget_step or not self.epochs:
            return went_on_without(split)
        return suppressed(split, "pushed to say nothing about")


def kl_to_uniform(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    r"""Mean over the batch of KL(u || p), nats: 0 where all classes are equally probable.

    .. math:: KL(u \,\|\, p) = -\log c - \frac1c \sum_j \log p_j
    """
    logits = network(batch.images).float()
    log_p = logits.log_softmax(1)
    return -(log_p.mean(1) + math.log(logits.shape[1])).mean(), logits

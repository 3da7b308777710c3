"""Steps towards knowing nothing about the images to forget, then steps that repair the rest."""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.methods.method import Guarantee, Kind, NetworkMethod, Scope, Work
from forget.methods.step import check_steps, step_on, went_on_without
from forget.models.classifier import Classifier
from forget.recipe import cross_entropy, sgd, shuffled
from forget.training import Batch, Phase

__all__ = ["KlUniform", "kl_to_uniform"]


@dataclass(frozen=True)
class KlUniform(NetworkMethod):
    r"""Alternates a forget step and a retain step, each one pass an epoch.

    .. math:: \min_\theta \; E_{x \in forget} \; KL(u \,\|\, softmax f_\theta(x)), \quad
              \min_\theta \; E_{(x, y) \in retain} \; CE(f_\theta(x), y)

    u is the uniform distribution over the classes.

    Arguments:
        epochs: Passes over both sets.
        batch: Images per step.
        forget_rate: Learning rate of SGD in the forget step.
        retain_rate: Learning rate of SGD in the retain step, which has an optimiser of its own.
        momentum: Of both.
        forget_step: Whether there is a forget step.
        retain_step: Whether there is a retain step.

    Raises:
        ForgetError: Both steps are switched off, or other settings that cannot work.
    """

    epochs: int = 2
    batch: int = 64
    forget_rate: float = 1e-3
    retain_rate: float = 1e-3
    momentum: float = 0.9
    forget_step: bool = True
    retain_step: bool = True

    def __post_init__(self) -> None:
        check_steps(self.epochs, self.batch, self.forget_rate, self.retain_rate)
        if not (self.forget_step or self.retain_step):
            raise ForgetError(
                "a forget step or a retain step", "neither", "Switch one of them on again."
            )

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Takes both steps with a copy of the network."""
        wanted = []
        if self.forget_step:
            wanted.append(("forget", split.forget, kl_to_uniform, self.forget_rate))
        if self.retain_step:
            wanted.append(("retain", split.retain, cross_entropy(), self.retain_rate))

        images = sum(len(indices) for _, indices, _, _ in wanted)
        work.detail["passes"] = self.epochs * images

        def phases(network: Classifier) -> list[Phase]:
            made = []
            for name, indices, objective, rate in wanted:
                batches, count = shuffled(split.data, indices, self.batch, seed, work.fabric)
                optimiser = sgd(network, rate, self.momentum)
                made.append(Phase(name, batches, count, objective, optimiser))
            return made

        return step_on(model, phases, self.epochs, work)

    def promise(self, split: Partition) -> Guarantee:
        """None: suppression; without a forget step it is fine-tuning."""
        if not self.forget_step or not self.epochs:
            return went_on_without(split)
        reason = (
            f"The network was pushed to say nothing about {split.what}; that its answers are flat "
            "does not mean that what it learned is gone."
        )
        return Guarantee(Kind.NONE, Scope.MODEL, reason)


def kl_to_uniform(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    r"""Mean over the batch of KL(u || p), nats: 0 where all classes are equally probable.

    .. math:: KL(u \,\|\, p) = -\log c - \frac1c \sum_j \log p_j
    """
    logits = network(batch.images).float()
    log_p = logits.log_softmax(1)
    return -(log_p.mean(1) + math.log(logits.shape[1])).mean(), logits

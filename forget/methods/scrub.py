"""Disobeying a teacher about what is to be forgotten, obeying it about the rest."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from forget.data.partition import Partition
from forget.metrics.accuracy import judge
from forget.models.classifier import Classifier
from forget.recipe import cross_entropy, logits_of
from forget.training import Batch, Pass, Phase
from forget.unlearning.contract import Guarantee, Work
from forget.unlearning.course import FORWARD, Course
from forget.unlearning.descent import Descent
from forget.unlearning.distill import divergence
from forget.unlearning.guarantees import suppressed

__all__ = ["Scrub"]


@dataclass(frozen=True)
class Scrub(Descent):
    r"""Alternates steps away from the original on the forget set with steps towards it elsewhere.

    .. math:: \max_\theta \; E_{forget} \; KL(t(x) \,\|\, f_\theta(x)), \quad
              \min_\theta \; E_{retain} \; \alpha KL(t(x) \,\|\, f_\theta(x))
              + \gamma CE(f_\theta(x), y)

    With rewind the epoch is returned whose error on the forget set is nearest to that which the
    last one makes on held-out images of the same classes: forgetting any further would stand out.
    A rewinding run that was killed starts again, since it chooses among all epochs.

    References:
        | Towards Unbounded Machine Unlearning (Kurmanji et al., 2023), "SCRUB" and "SCRUB+R"

    Arguments:
        alpha: Weight of the divergence on the retain set.
        gamma: Weight of the cross-entropy there.
        temperature: Of the divergence; 4 in the MUFAC benchmark.
        away: Epochs in which there are steps away; after them only the others.
        rewind: Whether an earlier epoch may be returned. Reads labels of held-out images.
    """

    epochs: int = 3
    alpha: float = 0.5
    gamma: float = 1.0
    temperature: float = 4.0
    away: int = 2
    rewind: bool = False

    def phases(self, course: Course) -> list[Phase]:
        """Steps away, then steps towards."""
        teacher, split, cost = course.original, course.split, 1 + FORWARD

        def away(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            logits = network(batch.images)
            return -divergence(teacher(batch.images), logits, self.temperature), logits

        def towards(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            loss, logits = cross_entropy()(network, batch)
            apart = divergence(teacher(batch.images), logits, self.temperature)
            return self.alpha * apart + self.gamma * loss, logits

        rate, n, until = self.rate, self.epochs, self.away
        return [
            course.phase("forget", split.forget, away, rate, n, cost=cost, until=until),
            course.phase("retain", split.retain, towards, rate, n, cost=cost),
        ]

    def descend(self, course: Course, work: Work) -> None:
        """Trains, and goes back to the best epoch."""
        if not self.rewind:
            return super().descend(course, work)
        states: list[dict[str, Tensor]] = []

        def remember(done: Pass, network: nn.Module) -> None:
            states.append(copy.deepcopy(network.state_dict()))
            if work.on_epoch:
                work.on_epoch(done, network)

        super().descend(course, replace(work, on_epoch=remember, keeper=None))
        best = self._best(course, states)
        work.detail["rewound to epoch"] = best + 1
        course.network.load_state_dict(states[best])
        return None

    def _best(self, course: Course, states: list[dict[str, Tensor]]) -> int:
        split, network = course.split, course.network
        labels = split.data.labels
        like = split.test[np.isin(labels[split.test], labels[split.forget])]
        wanted = _error(network, split, like if len(like) else split.test)
        errors = []
        for state in states:
            network.load_state_dict(state)
            errors.append(_error(network, split, split.forget))
        course.passes += FORWARD * (len(states) * len(split.forget) + len(like))
        return int(np.abs(np.array(errors) - wanted).argmin())

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "pushed away from what it said about")


def _error(network: Classifier, split: Partition, indices: np.ndarray) -> float:
    device = next(network.parameters()).device
    logits = logits_of(network, split.data, indices, device)
    return 1 - judge(logits, split.data.labels[indices]).accuracy

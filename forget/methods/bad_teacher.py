"""Learning from a teacher that knows nothing about what is to be forgotten."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from forget.data.partition import Partition
from forget.models.classifier import build
from forget.training import Pair, Phase
from forget.unlearning.contract import Guarantee, Range
from forget.unlearning.course import FORWARD, Course
from forget.unlearning.descent import Descent
from forget.unlearning.distill import divergence
from forget.unlearning.guarantees import suppressed

__all__ = ["BadTeacher"]


@dataclass(frozen=True)
class BadTeacher(Descent):
    r"""Imitates the network itself on what stays, and one of random weights on what goes.

    .. math:: \min_\theta \; E_{retain} \; KL(t(x) \,\|\, f_\theta(x)) +
              E_{forget} \; KL(b(x) \,\|\, f_\theta(x))

    References:
        | Can Bad Teaching Induce Forgetting? (Chundawat et al., 2023)

    Arguments:
        share: Of the retain set, drawn once, in (0, 1]; 0.3 is the paper's.

    Raises:
        ForgetError: A share of none or more than all, or other settings that cannot work.
    """

    share: float = 0.3
    ranges: ClassVar = {"share": Range(0, 1, above=True)}

    def phases(self, course: Course) -> list[Phase]:
        """One over a share of the retain set, with batches of the forget set beside."""
        split, good = course.split, course.original
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(course.seed)
            bad = build(course.model.config).requires_grad_(False).to(course.work.fabric.device)
        bad.eval()

        def imitate(network: nn.Module, pair: Pair) -> tuple[Tensor, Tensor]:
            logits, others = network(pair.images), network(pair.other_images)
            kept = divergence(good(pair.images), logits)
            return kept + divergence(bad(pair.other_images), others), logits

        order = np.random.default_rng(course.seed).permutation(split.retain)
        some = np.sort(order[: max(round(self.share * len(order)), 1)])
        cost = 1 + FORWARD
        return [
            course.paired("retain", some, split.forget, imitate, self.rate, self.epochs, cost=cost)
        ]

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "taught to answer like one of random weights about")

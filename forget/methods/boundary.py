"""Moving the images to forget across their nearest boundary."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional

from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Phase
from forget.unlearning.contract import Guarantee, Range
from forget.unlearning.course import FORWARD, Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed

__all__ = ["Boundary"]


@dataclass(frozen=True)
class Boundary(Descent):
    r"""Trains each image to forget towards the class that it would first be mistaken for.

    .. math:: y' = \arg\max_{j \ne y} f(x + \epsilon \, sign \, \nabla_x CE(f(x), y))_j, \quad
              \min_\theta \; E_{forget} \; CE(f_\theta(x), y')

    References:
        | Boundary Unlearning (Chen et al., 2023), "boundary shrink"

    Arguments:
        reach: epsilon, of pixels in [0, 1]; 0.1 is the paper's.

    Raises:
        ForgetError: A negative reach, or other settings that cannot work.
    """

    reach: float = 0.1
    ranges: ClassVar = {"reach": Range(0)}

    def phases(self, course: Course) -> list[Phase]:
        """One over the forget set under its nearest classes."""
        split = course.split
        labels = split.data.labels.copy()
        data = replace(split.data, labels=labels)

        def choose() -> None:
            labels[split.forget] = np.concatenate(list(self._nearest(course)))

        course.before(course.batches_of(len(split.forget)), choose)
        forget = course.phase(
            "forget", split.forget, cross_entropy(), self.rate, self.epochs, data=data
        )
        return [forget]

    def _nearest(self, course: Course) -> Iterator[np.ndarray]:
        network = course.original
        for images, labels in course.inputs(course.split.forget, 1 + FORWARD):
            seen = images.requires_grad_()
            loss = functional.cross_entropy(network(seen), labels)
            (slope,) = torch.autograd.grad(loss, seen)
            with torch.no_grad():
                logits = network((seen + self.reach * slope.sign()).clamp(0, 1))
            logits[torch.arange(len(labels)), labels] = -torch.inf
            yield logits.argmax(1).cpu().numpy()

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "pushed across its boundaries about")

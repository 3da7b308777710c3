"""Learning wrong classes for the images to forget."""

from dataclasses import dataclass, replace

import numpy as np

from forget.data.image_dataset import ImageDataset
from forget.data.partition import Partition
from forget.recipe import cross_entropy
from forget.training import Phase
from forget.unlearning.contract import Guarantee
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed

__all__ = ["RandomLabels", "mislabelled"]


@dataclass(frozen=True)
class RandomLabels(Descent):
    r"""Trains on with all images, those to forget under another class each, drawn at random.

    .. math:: \min_\theta \; E_{retain} \; CE(f_\theta(x), y) + E_{forget} \; CE(f_\theta(x), y'),
              \quad y' \ne y

    References:
        | Amnesiac Machine Learning (Graves, Nagisetty and Ganesh, 2021), "unlearning"
    """

    def phases(self, course: Course) -> list[Phase]:
        """One over all training images."""
        data, wanted = mislabelled(course.split, course.seed), course.split.train
        return [course.phase("all", wanted, cross_entropy(), self.rate, self.epochs, data=data)]

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "taught wrong answers about")


def mislabelled(split: Partition, seed: int) -> ImageDataset:
    """The data set with another class for each image to forget, all others equally probable."""
    classes = len(split.data.classes)
    labels = split.data.labels.copy()
    turned = np.random.default_rng(seed).integers(1, max(classes, 2), len(split.forget))
    labels[split.forget] = (labels[split.forget] + turned) % classes
    return replace(split.data, labels=labels)

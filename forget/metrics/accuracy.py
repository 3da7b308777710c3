"""How well logits name the classes: per image, per class and on the whole."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

__all__ = ["Judged", "judge"]


@dataclass(frozen=True, eq=False)
class Judged:
    """What logits say about images whose classes are known.

    Arguments:
        labels: The right class of each image, (n,).
        log_probability: Logarithms of the probabilities, (n, c).
    """

    labels: NDArray[np.int64] = field(repr=False)
    log_probability: NDArray[np.float64] = field(repr=False)

    @property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy of each image, (n,), nats."""
        return -self.log_probability[np.arange(len(self.labels)), self.labels]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the most probable class is the right one, (n,); no number is no answer."""
        answered = ~np.isnan(self.log_probability).any(1)
        return answered & (self.log_probability.argmax(1) == self.labels)

    @property
    def loss(self) -> float:
        """Mean cross-entropy, nats; nan without images."""
        return float(self.losses.mean()) if len(self.labels) else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of images, in [0, 1], that are named rightly; nan without images."""
        return float(self.right.mean()) if len(self.labels) else float("nan")

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """The same class by class, (c,); nan for classes without an image."""
        classes = self.log_probability.shape[1]
        images = np.bincount(self.labels, minlength=classes)
        right = np.bincount(self.labels[self.right], minlength=classes)
        return np.where(images > 0, right / np.maximum(images, 1), np.nan)


def judge(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> Judged:
    """Judges logits (n, c) against the right classes (n,), in float64."""
    return Judged(labels, log_softmax(np.asarray(logits, dtype=np.float64), axis=1))

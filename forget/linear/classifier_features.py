"""A classifier's last hidden layer as the frozen part of a linear model."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forget.linear.grid import FINE, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import TrainingRecord, fingerprint
from forget.models.classifier import Classifier, build
from forget.recipe import pixels_hidden

__all__ = ["ClassifierFeatures", "unit_rows"]


class ClassifierFeatures:
    r"""Unit-norm hidden activations and a constant, one row per image.

    .. math:: z = \tfrac{1}{\sqrt 2} (h / |h|, 1), \quad |z| = 1

    The norm is 1 whatever the data, so the grid needs no constant that was measured on anybody.
    The constant lets a ridge head have an offset.

    Arguments:
        network: The classifier; it is copied, so that later changes to it do not reach the model.
        record: Which images trained it; None where nobody knows.
    """

    grid = FINE

    def __init__(self, network: Classifier, record: TrainingRecord | None) -> None:
        self.record = record
        self._network = build(network.config, network.state_dict()).eval().requires_grad_(False)

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        kind = {"feature map": "hidden layer", **self._network.config}
        tensors = {name: t.numpy() for name, t in self._network.state_dict().items()}
        return Space(self.grid, self._network.dimension + 1, fingerprint(kind, tensors))

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Rows before the grid, (n, d + 1), of images (n, h, w, channels)."""
        return unit_rows(pixels_hidden(self._network, images))

    def rows(self, images: NDArray[np.uint8]) -> Rows:
        """Rows on the grid, (n, d + 1), of images (n, h, w, channels)."""
        return self.grid.snap(self.features(images))


def unit_rows(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hidden activations (n, d) as rows (n, d + 1) of norm 1; all zeros stay at the constant."""
    norms = np.linalg.norm(hidden, axis=1, keepdims=True)
    units = hidden / np.maximum(norms, np.finfo(np.float32).tiny)
    ones = np.ones((len(hidden), 1), dtype=np.float32)
    return np.concatenate([units, ones], axis=1) / np.sqrt(np.float32(2))

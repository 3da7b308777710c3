"""A classifier's last hidden layer as the frozen part of a linear model."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forget.linear.feature_map import no_targets
from forget.linear.grid import FINE, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
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
        side: Height and width that images are scaled to, pixels; None for as they are.
        mirror: Whether h is the mean over an image and its mirror image, as is right for faces.
    """

    kind = "hidden layer"
    grid = FINE

    def __init__(
        self,
        network: Classifier,
        record: TrainingRecord | None,
        side: int | None = None,
        mirror: bool = False,
    ) -> None:
        self.record, self.side, self.mirror = record, side, mirror
        self._network = build(network.config, network.state_dict()).eval().requires_grad_(False)

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "ClassifierFeatures":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: The tensors belong to another architecture.
        """
        read = config if "network" in config else {"network": config}
        state = {name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()}
        network = build(read["network"], state)
        return cls(network, record, read.get("side"), bool(read.get("mirror", False)))

    @property
    def network(self) -> Classifier:
        """The frozen network."""
        return self._network

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        config, tensors = self.parts
        kind = {"feature map": self.kind, **config}
        return Space(self.grid, self._network.dimension + 1, fingerprint(kind, tensors))

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Rows before the grid, (n, d + 1), of images (n, h, w, channels)."""
        return unit_rows(pixels_hidden(self._network, images, self.side, self.mirror))

    def rows(self, images: NDArray[np.uint8]) -> Rows:
        """Rows on the grid, (n, d + 1), of images (n, h, w, channels)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: NDArray[np.uint8]) -> Rows:
        """None: a row counts for its class, (n, 0)."""
        return no_targets(images)

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters of the network, enough to build it again."""
        state = self._network.state_dict()
        config = dict(self._network.config)
        if self.side is not None or self.mirror:  # else as digests from before these settings
            config = {"network": config, "side": self.side, "mirror": self.mirror}
        return config, {name: tensor.numpy() for name, tensor in state.items()}


def unit_rows(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hidden activations (n, d) as rows (n, d + 1) of norm 1; all zeros stay at the constant."""
    norms = np.linalg.norm(hidden, axis=1, keepdims=True)
    units = hidden / np.maximum(norms, np.finfo(np.float32).tiny)
    ones = np.ones((len(hidden), 1), dtype=np.float32)
    return np.concatenate([units, ones], axis=1) / np.sqrt(np.float32(2))

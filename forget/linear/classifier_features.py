"""A classifier's last hidden layer as the frozen part of a linear model."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.linear.backbone import ClassifierBackbone, read_backbone
from forget.linear.feature_map import no_targets
from forget.linear.grid import FINE, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
from forget.models.classifier import Classifier

__all__ = ["ClassifierFeatures"]


class ClassifierFeatures:
    r"""Unit-norm hidden activations, one row per image.

    .. math:: z = \tfrac{1}{\sqrt 2} (h / |h|, 1) \quad \text{or} \quad
              z = (h - \mu) / |h - \mu|, \qquad |z| = 1

    The norm is 1 whatever the data, so the grid needs no constant that was measured on anybody.
    The first form suits classes, with its offset for a ridge head; the second one people, who are
    compared by cosines.

    Arguments:
        network: The classifier; it is copied, so that later changes to it do not reach the model.
        record: Which images trained it; None where nobody knows.
        side: Height and width that images are scaled to, pixels; None for as they are.
        mirror: Whether h is the mean over an image and its mirror image, as is right for faces.
        centre: mu, the mean of h over the core, (d,); None for the first form.
    """

    kind = "hidden layer"
    grid = FINE

    def __init__(
        self,
        network: Classifier,
        record: TrainingRecord | None,
        side: int | None = None,
        mirror: bool = False,
        centre: NDArray[np.float32] | None = None,
    ) -> None:
        self.record = record
        self.backbone = ClassifierBackbone(network, side, mirror, centre)

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "ClassifierFeatures":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: The tensors belong to another architecture.
        """
        plain = config if "network" in config else {"network": config}
        one = read_backbone({"kind": ClassifierBackbone.kind, **plain}, tensors)
        return cls(one.network, record, one.side, one.mirror, one.centre)

    @property
    def network(self) -> Classifier:
        """The frozen network."""
        return self.backbone.network

    @property
    def side(self) -> int | None:
        """Height and width that images are scaled to, pixels; None for as they are."""
        return self.backbone.side

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        config, tensors = self.parts
        kind = {"feature map": self.kind, **config}
        return Space(self.grid, self.backbone.row_dimension, fingerprint(kind, tensors))

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Rows before the grid, (n, d + 1) or centred (n, d), of images (n, h, w, channels)."""
        return self.backbone.rows(images)

    def rows(self, images: NDArray[np.uint8]) -> Rows:
        """Rows on the grid, (n, d + 1) or centred (n, d), of images (n, h, w, channels)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: NDArray[np.uint8]) -> Rows:
        """None: a row counts for its class, (n, 0)."""
        return no_targets(images)

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters of the network, enough to build it again."""
        one = self.backbone
        config = dict(one.network.config)
        if one.side is not None or one.mirror:  # else as digests from before these settings
            config = {"network": config, "side": one.side, "mirror": one.mirror}
        return config, one.tensors

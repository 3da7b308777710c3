"""The embedding of a face network from elsewhere as the frozen part of a linear model."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Images
from forget.errors import CheckpointError
from forget.linear.backbone import FaceNetwork, read_backbone
from forget.linear.feature_map import no_targets
from forget.linear.grid import FINE, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
from forget.models.face_backbone import FaceBackbone

__all__ = ["FaceFeatures"]


class FaceFeatures:
    """Unit-norm embeddings, one row per aligned crop.

    Arguments:
        backbone: The network with its convention.
        record: Whose photographs trained it; None where nobody knows, as of nearly all weights
            that are given away, and then forgetting reaches the readout only.
    """

    kind = "face embedding"
    grid = FINE

    def __init__(self, backbone: FaceBackbone, record: TrainingRecord | None = None) -> None:
        self.record = record
        self.backbone = FaceNetwork(backbone)

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "FaceFeatures":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: The tensors belong to another network.
        """
        found = read_backbone(config, tensors)
        if not isinstance(found, FaceNetwork):
            raise CheckpointError("a face network", str(config.get("kind")), "Save it again.")
        return cls(found.backbone, record)

    @property
    def network(self) -> object:
        """The frozen network."""
        return self.backbone.network

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters of the network, enough to build it again."""
        return self.backbone.config, self.backbone.tensors

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        config, tensors = self.parts
        own = {"feature map": self.kind, **config}
        return Space(self.grid, self.backbone.dimension, fingerprint(own, tensors))

    def features(self, images: Images) -> NDArray[np.float32]:
        """Unit embeddings (n, d) of crops (n, height, width, 3), RGB."""
        return self.backbone.rows(images)

    def rows(self, images: Images) -> Rows:
        """Embeddings on the grid, (n, d)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: Images) -> Rows:
        """None: a row counts for its class, (n, 0)."""
        return no_targets(images)

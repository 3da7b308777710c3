"""From photographs to features: the frozen part of a linear model."""

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Images
from forget.linear.grid import FINE, Grid, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
from forget.models.embedder import Embedder, embed, rebuild

__all__ = ["FeatureMap", "Penultimate", "no_targets"]


class FeatureMap(Protocol):
    """What a linear model needs of its frozen part."""

    kind: str
    grid: Grid
    record: TrainingRecord | None

    @property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        ...

    def features(self, images: Images) -> NDArray[np.float32]:
        """Real features (n, d) of photographs (n, height, width)."""
        ...

    def rows(self, images: Images) -> Rows:
        """Features on the grid, (n, d)."""
        ...

    def targets(self, images: Images) -> Rows:
        """Real targets on their grid, (n, k); asked only where the space has some."""
        ...

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters, enough to build it again."""
        ...


def no_targets(images: Images) -> Rows:
    """The targets of rows that count for their class only, (n, 0)."""
    return np.zeros((len(images), 0), dtype=np.int16)


class Penultimate:
    """The last hidden layer of a frozen network, one row per photograph.

    Arguments:
        network: The embedder; it is copied, so that later changes to it do not reach the model.
        record: Whose photographs trained it; None where nobody knows.
    """

    kind = "penultimate"
    grid = FINE

    def __init__(self, network: Embedder, record: TrainingRecord | None) -> None:
        self.record = record
        self._tensors = {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in network.state_dict().items()
        }
        self._config = dict(network.config)
        self._network = rebuild(self._config, self._tensors)

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "Penultimate":
        """Builds the network again from what `parts` gave.

        Raises:
            CheckpointError: The tensors belong to another architecture.
        """
        return cls(rebuild(config, tensors), record)

    @property
    def network(self) -> Embedder:
        """The frozen network."""
        return self._network

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters of the network, enough to build it again."""
        return dict(self._config), dict(self._tensors)

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        kind = {"feature map": self.kind, "network": "embedder", **self._config}
        return Space(self.grid, self._network.dimension, fingerprint(kind, self._tensors))

    def features(self, images: Images) -> NDArray[np.float32]:
        """Unit-norm embeddings (n, d) of photographs (n, height, width)."""
        return embed(self._network, images)

    def rows(self, images: Images) -> Rows:
        """Embeddings on the grid, (n, d)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: Images) -> Rows:
        """None: a row counts for its class, (n, 0)."""
        return no_targets(images)

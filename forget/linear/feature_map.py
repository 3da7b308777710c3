"""From photographs to features: the frozen part of a linear model."""

from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from forget.data.dataset import Images
from forget.errors import CheckpointError
from forget.linear.grid import FINE, Grid, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
from forget.models.embedder import Embedder, embed

__all__ = ["FeatureMap", "Penultimate"]


class FeatureMap(Protocol):
    """What a linear model needs of its frozen part."""

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


class Penultimate:
    """The last hidden layer of a frozen network, one row per photograph.

    Arguments:
        network: The embedder; it is copied, so that later changes to it do not reach the model.
        record: Whose photographs trained it; None where nobody knows.
    """

    grid = FINE

    def __init__(self, network: Embedder, record: TrainingRecord | None) -> None:
        self.record = record
        self._tensors = {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in network.state_dict().items()
        }
        self._config = dict(network.config)
        self._network = _rebuilt(self._config, self._tensors)

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "Penultimate":
        """Builds the network again from what `parts` gave.

        Raises:
            CheckpointError: The tensors belong to another architecture.
        """
        return cls(_rebuilt(config, tensors), record)

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters of the network, enough to build it again."""
        return dict(self._config), dict(self._tensors)

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        kind = {"feature map": "penultimate", "network": "embedder", **self._config}
        return Space(self.grid, self._network.dimension, fingerprint(kind, self._tensors))

    def features(self, images: Images) -> NDArray[np.float32]:
        """Unit-norm embeddings (n, d) of photographs (n, height, width)."""
        return embed(self._network, images)

    def rows(self, images: Images) -> Rows:
        """Embeddings on the grid, (n, d)."""
        return self.grid.snap(self.features(images))


def _rebuilt(config: dict[str, Any], tensors: Tensors) -> Embedder:
    """The network of some settings with these parameters; half precision becomes single."""
    try:
        with torch.device("meta"):  # shapes only: settings from a file must not fill the memory
            expected = Embedder(**config).state_dict()
    except (RuntimeError, TypeError, ValueError) as error:
        raise _foreign(str(error)) from error
    for name in sorted({*expected, *tensors}):
        if name not in tensors:
            raise _foreign(f"{name} is missing")
        if name not in expected:
            raise _foreign(f"{name} is not one of them")
        if tensors[name].shape != tuple(expected[name].shape):
            raise _foreign(f"{name} has shape {tensors[name].shape}")
    network = Embedder(**config)
    state = {
        name: torch.from_numpy(tensor.copy()).to(expected[name].dtype)
        for name, tensor in tensors.items()
    }
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)


def _foreign(reason: str) -> CheckpointError:
    return CheckpointError(
        "the parameters of the embedder",
        f"those of another architecture ({reason.splitlines()[0]})",
        "Load the weights that belong to this network.",
    )

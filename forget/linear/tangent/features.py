"""The tangent space of a network as the frozen part of a linear model of people."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forget.data.dataset import Images
from forget.errors import CheckpointError, ForgetError
from forget.linear.backbone import Backbone, read_backbone
from forget.linear.feature_map import no_targets
from forget.linear.grid import FINE, Rows
from forget.linear.statistics import Space
from forget.linear.tangent.gradients import Subspace, fit_subspace, projected_gradients
from forget.linear.tangent.layers import tangent_layers, used_layers
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint

__all__ = ["Tangent", "TangentSettings"]

BATCH = 64  # images per pass


@dataclass(frozen=True)
class TangentSettings:
    """How a tangent space is chosen.

    Arguments:
        layers: Names of layers; empty for the last `depth`.
        depth: How many layers, from the last on, where none is named.
        rank: Columns of the bases of each layer.
        outputs: Directions of the hidden layer whose gradients count, r.
        share: Share of the squared norm of a row that the gradients have, in [0, 1].
        basis: "pca" of core images, or "random".
        seed: Of random bases, and of the sample that the pca is computed from.
    """

    layers: tuple[str, ...] = ()
    depth: int = 3
    rank: int = 8
    outputs: int = 4
    share: float = 0.3
    basis: str = "pca"
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and self.outputs >= 1 and self.depth >= 1):
            raise ForgetError(
                "a share from 0 to 1, at least one output and one layer",
                f"share {self.share}, {self.outputs} outputs, depth {self.depth}",
                "Correct the settings.",
            )


class Tangent:
    r"""Embedding and projected gradients of a few directions of it, one row per photograph.

    .. math:: z = (\sqrt{1 - s} \, e, \; \sqrt{s} \, \gamma / |\gamma|), \quad
              \gamma = J_r(x) - \bar J_r

    with e the features of the last layer, J_r the gradients of r fixed directions of the hidden
    layer in a subspace of the weights (`forget.linear.tangent.gradients`) and their mean over the
    core. A readout that is linear in z is, to first order, a readout of a
    network whose weights have moved.

    References:
        | Mixed-Privacy Forgetting in Deep Networks (Golatkar et al., 2021), section 3

    Arguments:
        backbone: The frozen network.
        record: Whose photographs made the network and every constant here.
        subspace: Layers and bases.
        directions: Of the hidden layer, (m, r).
        centre: Mean gradients, (r p,).
        share: Share s of the squared norm that the gradients have.
    """

    kind = "tangent"
    grid = FINE

    def __init__(
        self,
        backbone: Backbone,
        record: TrainingRecord | None,
        subspace: Subspace,
        directions: Tensor,
        centre: Tensor,
        share: float,
    ) -> None:
        self.record = record
        self._backbone, self._subspace = backbone, subspace
        self._directions, self._centre, self._share = directions, centre, float(share)

    @classmethod
    def fit(
        cls,
        backbone: Backbone,
        images: Images,
        record: TrainingRecord | None,
        settings: TangentSettings = TangentSettings(),  # noqa: B008 - frozen
    ) -> "Tangent":
        """Chooses bases, directions and centre on photographs of the core.

        Arguments:
            backbone: The frozen network.
            images: Core photographs only.
            record: The core.
            settings: How.

        Raises:
            ForgetError: No photograph, or settings that do not fit the network.
        """
        if not len(images):
            raise ForgetError("core photographs", "none", "Name the core people.")
        batches = [
            view
            for start in range(0, len(images), BATCH)
            for view in backbone.around(backbone.prepare(images[start : start + BATCH]))
        ]
        used = used_layers(backbone.network, backbone.hidden, batches[0][:1])
        layers = settings.layers or used[-settings.depth :]
        with torch.no_grad():
            hidden = torch.cat([backbone.hidden(view) for view in batches])
        _, _, main = torch.linalg.svd(hidden - hidden.mean(0), full_matrices=False)
        directions = main[: settings.outputs].T.contiguous()
        subspace = fit_subspace(
            backbone.network,
            backbone.hidden,
            batches,
            layers,
            settings.rank,
            directions,
            settings.basis,
            settings.seed,
        )
        size = directions.shape[1] * subspace.dimension
        found = cls(backbone, record, subspace, directions, torch.zeros(size), settings.share)
        found._centre = found._gradients(images).mean(0)
        return found

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "Tangent":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: Tensors that do not belong together.
        """
        network, own = {}, {}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            (network if part == "backbone" else own)[rest if part == "backbone" else name] = tensor
        backbone = read_backbone(config["backbone"], network)
        try:
            layers = [str(name) for name in config["layers"]]
            inputs = {name: _tensor(own.pop(f"inputs/{name}")) for name in layers}
            outputs = {name: _tensor(own.pop(f"outputs/{name}")) for name in layers}
            directions, centre = _tensor(own.pop("directions")), _tensor(own.pop("centre"))
            subspace = Subspace(inputs, outputs)
            _check_shapes(backbone, subspace, directions, centre)
            share = float(config["share"])
            if own or not 0 <= share <= 1:
                raise KeyError(f"{', '.join(own) or share} too much")
        except (KeyError, IndexError, ValueError, TypeError, ForgetError) as error:
            raise CheckpointError(
                "bases of the layers that the settings name",
                f"others ({error})",
                "Copy or download the file again.",
            ) from error
        return cls(backbone, record, subspace, directions, centre, share)

    @property
    def backbone(self) -> Backbone:
        """The frozen network."""
        return self._backbone

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters, enough to build it again."""
        tensors = {f"backbone/{name}": one for name, one in self._backbone.tensors.items()}
        for name in self._subspace.layers:
            tensors[f"inputs/{name}"] = self._subspace.inputs[name].cpu().numpy()
            tensors[f"outputs/{name}"] = self._subspace.outputs[name].cpu().numpy()
        tensors["directions"] = self._directions.cpu().numpy()
        tensors["centre"] = self._centre.cpu().numpy()
        config = {
            "backbone": self._backbone.config,
            "layers": list(self._subspace.layers),
            "share": self._share,
        }
        return config, tensors

    @cached_property
    def space(self) -> Space:
        """Grid, dimension and fingerprint that its rows carry."""
        config, tensors = self.parts
        dimension = self._backbone.row_dimension + len(self._centre)
        settings = {"feature map": self.kind, **config}
        return Space(self.grid, dimension, fingerprint(settings, tensors))

    def features(self, images: Images) -> NDArray[np.float32]:
        """Rows before the grid, (n, d), of norm 1."""
        first = self._backbone.rows(images)
        moved = self._gradients(images) - self._centre
        moved = torch.nn.functional.normalize(moved).numpy()
        parts = np.sqrt(1 - self._share) * first, np.sqrt(self._share) * moved
        return np.concatenate(parts, axis=1).astype(np.float32)

    def rows(self, images: Images) -> Rows:
        """Rows on the grid, (n, d)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: Images) -> Rows:
        """None: a row counts for its class, (n, 0)."""
        return no_targets(images)

    def _gradients(self, images: Images) -> Tensor:
        """Projected gradients, summed over the views of an image, (n, r p)."""
        found = [torch.zeros(0, len(self._centre))]
        for start in range(0, len(images), BATCH):
            views = self._backbone.around(self._backbone.prepare(images[start : start + BATCH]))
            found.append(sum(self._gradients_of(view) for view in views))
        return torch.cat(found)

    def _gradients_of(self, view: Tensor) -> Tensor:
        backbone = self._backbone
        _, gradients = projected_gradients(
            backbone.network, backbone.hidden, view, self._subspace, self._directions
        )
        return gradients.flatten(1)


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))


def _check_shapes(
    backbone: Backbone, subspace: Subspace, directions: Tensor, centre: Tensor
) -> None:
    for name, layer in tangent_layers(backbone.network, subspace.layers).items():
        o, q = layer.weight.flatten(1).shape
        u, v = subspace.inputs[name], subspace.outputs[name]
        if u.ndim != 2 or v.ndim != 2 or len(u) != q or len(v) != o:
            raise ValueError(f"bases {tuple(u.shape)} and {tuple(v.shape)} of {name}")
    size = (directions.shape[-1] * subspace.dimension,)
    if directions.shape[:-1] != (backbone.dimension,) or centre.shape != size:
        raise ValueError(f"directions {tuple(directions.shape)}, centre {tuple(centre.shape)}")

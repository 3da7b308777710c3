"""The tangent space of a classifier: one row an output, and one displacement for all of them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.linear.grid import Grid, Rows
from forget.linear.model import LinearModel
from forget.linear.readout import Measured, fit_readout
from forget.linear.statistics import Space
from forget.linear.tangent.displacement import Displacement
from forget.linear.tangent.features import TangentSettings
from forget.linear.tangent.gradients import Subspace, fit_subspace, projected_gradients
from forget.linear.tangent.layers import used_layers
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint
from forget.models.classifier import Classifier, build
from forget.progress import OnStep, silent
from forget.recipe import to_input

__all__ = ["TangentLabels", "fit_tangent_labels", "tangent_logits"]

BATCH = 64  # images per pass
ROOM = 1.5  # the grid reaches that much farther than the largest gradient of the core


class TangentLabels:
    r"""First-order expansion of a classifier in the weights of its last layers.

    .. math:: f(x; \theta) = f(x; w_0) + J(x) \theta, \quad
              t = \tau (e_y - 1 / c) - f(x; w_0)

    Each of the c outputs of an image gives a row, its projected gradient, with what the output
    lacks as its target; the displacement theta is shared by all outputs. The classes belong to
    the network, and stay.

    References:
        | Mixed-Privacy Forgetting in Deep Networks (Golatkar et al., 2021), section 3
        | LQF: Linear Quadratic Fine-Tuning (Achille et al., 2020), for squared loss on targets of
        | the size of logits

    Arguments:
        network: The classifier; it is copied.
        record: Which images made the network and every constant here; None where nobody knows.
        subspace: Layers and bases.
        scale: The gradient that is the grid's largest number.
        contrast: tau, how far the logit of the right class shall lie above the mean of all.
        energy: Mean squared norm of a row of the core: what ridges are measured in.
        side: Height and width that images are scaled to, pixels; None for as they are.
    """

    kind = "tangent of labels"

    def __init__(
        self,
        network: Classifier,
        record: TrainingRecord | None,
        subspace: Subspace,
        scale: float,
        contrast: float,
        energy: float,
        side: int | None = None,
    ) -> None:
        self.record, self.side, self.energy = record, side, energy
        self.grid, self.target_grid = Grid(15, scale), Grid(15, 8 * contrast)
        self.contrast = contrast
        self._subspace = subspace
        self._network = build(network.config, network.state_dict()).eval().requires_grad_(False)
        self._classes = int(network.config["classes"])

    @classmethod
    def fit(
        cls,
        network: Classifier,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        record: TrainingRecord | None,
        settings: TangentSettings = TangentSettings(rank=24, depth=4),  # noqa: B008 - frozen
        side: int | None = None,
    ) -> "TangentLabels":
        """Chooses bases, scale and contrast on images of the core.

        Arguments:
            network: Trained on the core.
            images: Of the core, (n, h, w, channels); a few hundred will do.
            labels: Their classes, (n,).
            record: The core.
            settings: Layers, rank, basis and seed.
            side: Height and width that images are scaled to, pixels.

        Raises:
            ForgetError: No image, or settings that do not fit the network.
        """
        if not len(images):
            raise ForgetError("core images", "none", "Choose a core.")
        frozen = build(network.config, network.state_dict()).eval().requires_grad_(False)
        centring = _centring(int(network.config["classes"]))
        batches = list(_views(images, side))
        # The readout comes after the hidden layer, so it is a layer like the others.
        used = used_layers(frozen, frozen, batches[0][:1])
        layers = settings.layers or used[-settings.depth :]
        subspace = fit_subspace(
            frozen,
            frozen,
            batches,
            layers,
            settings.rank,
            centring,
            settings.basis,
            settings.seed,
        )
        largest, energy, right = 0.0, 0.0, []
        for start, view in zip(range(0, len(images), BATCH), batches, strict=True):
            values, gradients = projected_gradients(frozen, frozen, view, subspace, centring)
            largest = max(largest, float(gradients.abs().max()))
            energy += float(gradients.square().sum()) / (len(images) * gradients.shape[1])
            of = torch.from_numpy(labels[start : start + len(view)])
            right.append(values.gather(1, of[:, None]))
        classes = values.shape[1]
        contrast = float(torch.cat(right).mean()) / (1 - 1 / classes)
        if not (largest > 0 and contrast > 0):
            raise ForgetError(
                "a network that tells the classes of its core apart",
                f"a mean advantage of {contrast:.3g} for the right class",
                "Train it first.",
            )
        return cls(frozen, record, subspace, ROOM * largest, contrast, energy, side)

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters, enough to tell it from others."""
        state = self._network.state_dict()
        tensors = {f"network/{name}": tensor.numpy() for name, tensor in state.items()}
        for name in self._subspace.layers:
            tensors[f"inputs/{name}"] = self._subspace.inputs[name].numpy()
            tensors[f"outputs/{name}"] = self._subspace.outputs[name].numpy()
        config = {
            "network": self._network.config,
            "layers": list(self._subspace.layers),
            "contrast": self.contrast,
            "side": self.side,
        }
        return config, tensors

    @cached_property
    def space(self) -> Space:
        """Grids, dimension and fingerprint that its rows and targets carry."""
        config, tensors = self.parts
        mark = fingerprint({"feature map": self.kind, **config}, tensors)
        return Space(self.grid, self._subspace.dimension, mark, 1, self.target_grid)

    def rows(self, images: NDArray[np.uint8]) -> Rows:
        """Always refused: an image has one row an output, see `measure`.

        Raises:
            ForgetError: Always.
        """
        raise ForgetError(
            "a feature map with one row an image",
            f"one with {self._classes}, the gradients of as many outputs",
            "Ask the model of labels for its logits: they add what the network itself says.",
        )

    def measure(self, images: NDArray[np.uint8], on_step: OnStep = silent) -> Measured:
        """Values and rows of images (n, h, w, channels)."""
        c, p = self._classes, self._subspace.dimension
        values = np.zeros((len(images), c), dtype=np.float32)
        rows = np.zeros((len(images), c, p), dtype=np.int16)
        directions, done = _centring(c)[:, :-1], 0  # centred outputs add up to 0: one is known
        for view in _views(images, self.side):
            found, gradients = (
                torch.cat([one, -one.sum(1, keepdim=True)], 1)
                for one in projected_gradients(
                    self._network, self._network, view, self._subspace, directions
                )
            )
            values[done : done + len(view)] = found.numpy()
            rows[done : done + len(view)] = self.grid.snap(gradients.numpy())
            done += len(view)
            on_step(done, len(images), "images")
        return Measured(rows, values=values)

    def lacking(self, values: NDArray[np.float32], labels: NDArray[np.int64]) -> Rows:
        """What centred logits (n, c) lack towards their targets, on the grid, (n, c, 1)."""
        wanted = np.full(values.shape, -self.contrast / self._classes)
        wanted[np.arange(len(labels)), labels] += self.contrast
        return self.target_grid.snap(wanted - values)[:, :, None]


def fit_tangent_labels(
    feature_map: TangentLabels,
    data: ImageDataset,
    measured: Measured,
    indices: Indices,
    rule: Displacement,
) -> LinearModel:
    """Fits the displacement; any image of it can be subtracted.

    Arguments:
        feature_map: What measured the images.
        data: Names and labels of the images.
        measured: Values and rows of the images, in the order of `indices`.
        indices: Which images, (n,).
        rule: Statistics to displacement.
    """
    lacking = feature_map.lacking(measured.values, data.labels[indices])
    return fit_readout(feature_map, data, replace(measured, targets=lacking), indices, rule)


def tangent_logits(model: LinearModel, measured: Measured) -> NDArray[np.float64]:
    """Logits (n, c) of measured images, the displacement of a model added."""
    n, c, p = measured.rows.shape
    change = model.score(measured.rows.reshape(n * c, p)).reshape(n, c)
    return measured.values + change


def _centring(classes: int) -> Tensor:
    return torch.eye(classes) - 1 / classes


def _views(images: NDArray[np.uint8], side: int | None) -> Iterator[Tensor]:
    for start in range(0, len(images), BATCH):
        view = to_input(images[start : start + BATCH], side)
        yield view.contiguous(memory_format=torch.channels_last)

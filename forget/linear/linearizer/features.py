"""The two latents of a Linearizer as the frozen part of a linear model of people."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from forget.data.dataset import Images
from forget.errors import CheckpointError, ForgetError
from forget.linear.backbone import Backbone, read_backbone
from forget.linear.grid import Grid, Rows
from forget.linear.heads import Head
from forget.linear.linearizer.algebra import Linearizer
from forget.linear.linearizer.checks import is_real
from forget.linear.linearizer.flows import Chain, build_flow
from forget.linear.linearizer.gauge import Gauge
from forget.linear.linearizer.sandwich import OperatorHead
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint

__all__ = ["LEVELS", "LinearizerFeatures", "student_input", "teacher_output"]

LEVELS = ("embedding", "image")
BATCH = 128  # photographs per pass
WHITE = Grid(bits=15, scale=8.0)  # latents are white on the core: 8 standard deviations
CONSTANTS = ("mean", "whitener")  # of a gauge, in a file
MULTIPLE = 8  # sides of images are extended to multiples of it, for three halvings


class LinearizerFeatures:
    r"""White latents z = g_x(input) with targets t = g_y(teacher embedding), a row a photograph.

    The teacher is the frozen network, which looks at a photograph from all its views; its
    embedding is neither centred nor scaled to norm 1. The input is the embedding of one view
    ("embedding") or the image itself ("image"), which a surjection reduces.

    Arguments:
        backbone: The frozen network.
        record: Whose photographs made the network, both maps and their gauges.
        level: "embedding" or "image".
        g_x: Of the inputs, in its gauge.
        g_y: Of the teacher's embeddings, in its gauge.
    """

    kind = "linearizer"
    grid = WHITE

    def __init__(
        self,
        backbone: Backbone,
        record: TrainingRecord | None,
        level: str,
        g_x: Gauge,
        g_y: Gauge,
    ) -> None:
        self.record, self.level = record, level
        self.g_x, self.g_y = g_x, g_y
        self._backbone = backbone

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "LinearizerFeatures":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: Tensors that do not belong together.
        """
        groups: dict[str, Tensors] = {"backbone": {}, "g_x": {}, "g_y": {}}
        try:
            for name, tensor in tensors.items():
                part, _, rest = name.partition("/")
                groups[part][rest] = tensor
            backbone = read_backbone(config["backbone"], groups["backbone"])
            g_x, g_y = (
                _gauge(config[name], groups[name], config["clipped"][name])
                for name in ("g_x", "g_y")
            )
            if config["level"] not in LEVELS:
                raise ValueError(f"level {config['level']!r}")
        except (KeyError, ValueError, TypeError, RuntimeError, ForgetError) as error:
            raise CheckpointError(
                "two maps with their gauges", f"others ({error})", "Copy the file again."
            ) from error
        return cls(backbone, record, config["level"], g_x, g_y)

    @property
    def backbone(self) -> Backbone:
        """The frozen network."""
        return self._backbone

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters, enough to build it again."""
        tensors = {f"backbone/{name}": one for name, one in self._backbone.tensors.items()}
        config: dict[str, Any] = {
            "backbone": self._backbone.config,
            "level": self.level,
            "clipped": {},
        }
        for name, gauge in (("g_x", self.g_x), ("g_y", self.g_y)):
            config[name] = gauge.g.config
            config["clipped"][name] = gauge.clipped
            own = {f"flow/{key}": tensor for key, tensor in gauge.g.state_dict().items()}
            own |= {key: getattr(gauge, key) for key in CONSTANTS}
            tensors |= {f"{name}/{key}": tensor.cpu().numpy() for key, tensor in own.items()}
        return config, tensors

    @property
    def clipped(self) -> dict[str, float]:
        """Shares of the core's latents and targets, in [0, 1], that their grid clipped."""
        return {"latents": self.g_x.clipped, "targets": self.g_y.clipped}

    @cached_property
    def space(self) -> Space:
        """Grids, dimensions and fingerprint that its rows and targets carry."""
        config, tensors = self.parts
        mark = fingerprint({"feature map": self.kind, **config}, tensors)
        return Space(self.grid, len(self.g_x.mean), mark, len(self.g_y.mean), WHITE)

    def features(self, images: Images) -> NDArray[np.float32]:
        """White latents of the inputs, (n, d)."""
        backbone, level = self._backbone, self.level
        latents = self._of(images, lambda view: self.g_x(student_input(backbone, level, view)))
        return latents.reshape(len(images), len(self.g_x.mean))

    def rows(self, images: Images) -> Rows:
        """White latents of the inputs on the grid, (n, d)."""
        return self.grid.snap(self.features(images))

    def targets(self, images: Images) -> Rows:
        """White latents of the teacher's embeddings on the grid, (n, k)."""
        backbone = self._backbone
        latents = self._of(images, lambda view: self.g_y(teacher_output(backbone, view)))
        return WHITE.snap(latents.reshape(len(images), len(self.g_y.mean)))

    def linearizer(self, head: Head, dtype: torch.dtype = torch.float32) -> Linearizer:
        """The map from inputs to embeddings that a head holds the operator of.

        Arguments:
            head: Of a `Sandwich`.
            dtype: What it computes in: float32, or float64, in which the identities of its algebra
                hold to 1e-8. Linearizers of one precision share their maps, as `then` demands.

        Raises:
            ForgetError: The head has no operator, or another dtype.
        """
        if not isinstance(head, OperatorHead):
            raise ForgetError("a head with an operator", type(head).__name__, "Use Sandwich.")
        if dtype not in (torch.float32, torch.float64):
            raise ForgetError("torch.float32 or torch.float64", f"{dtype}", "Choose one of them.")
        g_x, g_y = self._wide if dtype == torch.float64 else (self.g_x, self.g_y)
        return Linearizer(g_x, torch.from_numpy(head.operator).to(dtype), g_y)

    @cached_property
    def _wide(self) -> tuple[Gauge, Gauge]:
        with torch.inference_mode(False):  # they outlive the call
            return self.g_x.to(torch.float64), self.g_y.to(torch.float64)

    def _of(self, images: Images, latents: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
        with torch.inference_mode():
            starts = range(0, len(images), BATCH)
            views = (self._backbone.prepare(images[start : start + BATCH]) for start in starts)
            return torch.cat([torch.zeros(0), *(latents(view) for view in views)]).numpy()


def student_input(backbone: Backbone, level: str, view: Tensor) -> Tensor:
    """What a Linearizer of a level reads of prepared images (n, c, h, w).

    Returns:
        Embeddings (n, m) of the one view, or the images, extended to sides that can be halved
        three times by repeating their border.
    """
    if level == "embedding":
        return backbone.hidden(view)
    below, right = (-side % MULTIPLE for side in view.shape[2:])
    return functional.pad(view, (0, right, 0, below), mode="replicate")


def teacher_output(backbone: Backbone, view: Tensor) -> Tensor:
    """The teacher's embeddings (n, m): the mean over all ways of looking at prepared images."""
    views = backbone.around(view)
    return sum(backbone.hidden(one) for one in views) / len(views)


def _gauge(config: dict[str, Any], tensors: Tensors, clipped: float) -> Gauge:
    state = {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}
    constants = [state.pop(name) for name in CONSTANTS]
    flow: Chain = build_flow(config)
    flow.load_state_dict({name.removeprefix("flow/"): one for name, one in state.items()})
    d = len(constants[0])
    if [tuple(one.shape) for one in constants] != [(d,), (d, d)]:
        raise ValueError(f"constants of shapes {[tuple(one.shape) for one in constants]}")
    if not (is_real(clipped) and 0 <= clipped <= 1):
        raise ValueError(f"a clipped share of {clipped!r}")
    return Gauge(flow.eval().requires_grad_(False), *constants, clipped)

"""What all margin heads share: class centres, cosines, and a handicap for the right class."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from forget.errors import ForgetError

__all__ = ["SKIPPED", "MarginHead", "Scored", "check_radians", "check_setting"]

SKIPPED = -1  # label of an embedding that belongs to no class of the head


class Scored(NamedTuple):
    """The loss, a scalar, and the logits (n, c) that it was computed from."""

    loss: Tensor
    logits: Tensor


class MarginHead(nn.Module, ABC):
    r"""Scores raw embeddings against learned class centres and handicaps the right class.

    .. math:: \ell_{ij} = s \cos \theta_{ij} \; (j \ne y_i), \quad
              \ell_{i y_i} = s \, t(\theta_{i y_i})

    A head says what t is. Only the direction of a centre counts. Under autocast, and of
    half-precision embeddings, cosines are computed in the type of the centres, because a margin
    is lost in bfloat16, whose steps near 1 are 0.004.

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        generator: Source of the random centres; the global one if None.

    Raises:
        ForgetError: A setting out of range.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_setting("dimension", dimension, 1, math.inf)
        check_setting("number of classes", classes, 1, math.inf)
        check_setting("scale", scale, 1e-6, 1e6)
        self.scale = scale
        self.centres = nn.Parameter(torch.randn(classes, dimension, generator=generator))

    @abstractmethod
    def target(self, cosine: Tensor, z: Tensor, present: Tensor, share: float) -> Tensor:
        """What the right class scores instead of its cosine, before the scale.

        Arguments:
            cosine: Cosine of each embedding with the centre of its class, (n,).
            z: Raw embeddings, (n, d).
            present: Which embeddings have a class, (n,), boolean.
            share: Share of the margin, in [0, 1].
        """

    def cosines(self, z: Tensor) -> Tensor:
        """Cosines (n, c) of embeddings (n, d) with all centres."""
        return functional.normalize(z) @ functional.normalize(self.centres).T

    def regulariser(self, z: Tensor, present: Tensor) -> Tensor:
        """What is added to the mean cross-entropy of embeddings (n, d); 0 for most heads."""
        return z.new_zeros(())

    def forward(self, z: Tensor, labels: Tensor, share: float = 1.0) -> Tensor:
        """Logits (n, c) of embeddings (n, d) with labels (n,), under `share` of the margin.

        Where the label is -1 the logits are scaled cosines, without a margin.

        Raises:
            ForgetError: Embeddings, labels or share that do not fit.
        """
        self._check(z, labels, share)
        with torch.autocast(z.device.type, enabled=False):
            z = z.to(self.centres.dtype)
            cosines = self.cosines(z)
            present = labels != SKIPPED
            column = labels.clamp(min=0)[:, None]
            right = cosines.gather(1, column)[:, 0]
            handicapped = torch.where(present, self.target(right, z, present, share), right)
            return self.scale * cosines.scatter(1, column, handicapped[:, None])

    def loss(self, z: Tensor, labels: Tensor, share: float = 1.0) -> Scored:
        """Mean cross-entropy over embeddings (n, d) with labels (n,), plus the regulariser.

        Embeddings with label -1 count nowhere; the loss of none is 0.

        Raises:
            ForgetError: Embeddings, labels or share that do not fit.
        """
        logits = self(z, labels, share)
        present = labels != SKIPPED
        # A sum, not "mean": the mean over no embedding would be no number.
        total = functional.cross_entropy(logits, labels, ignore_index=SKIPPED, reduction="sum")
        with torch.autocast(z.device.type, enabled=False):
            extra = self.regulariser(z.to(self.centres.dtype), present)
        return Scored(total / present.sum().clamp(min=1) + extra, logits)

    def _check(self, z: Tensor, labels: Tensor, share: float) -> None:
        classes, dimension = self.centres.shape
        fits = z.ndim == 2 and z.shape[1] == dimension and z.is_floating_point()
        if not fits or labels.dtype != torch.int64 or labels.shape != z.shape[:1]:
            raise ForgetError(
                f"real embeddings (n, {dimension}) and int64 labels (n,)",
                f"{z.dtype} {tuple(z.shape)} and {labels.dtype} {tuple(labels.shape)}",
                "Give each embedding the index of its class.",
            )
        check_setting("share of the margin", share, 0, 1)
        # One look at the range: a label beyond it would end the whole process on a GPU.
        low, high = labels.aminmax() if len(labels) else (labels.new_zeros(()),) * 2
        if low < SKIPPED or high >= classes:
            raise ForgetError(
                f"labels from 0 to {classes - 1}, or {SKIPPED} to skip",
                f"{int(low)} to {int(high)}",
                "Number the classes from 0, or build the head for more of them.",
            )


def check_setting(name: str, value: float, low: float, high: float, remedy: str = "") -> None:
    """Refuses a setting outside of [low, high], or one that is no number.

    Raises:
        ForgetError: It is.
    """
    if not low <= value <= high or math.isinf(value):
        raise ForgetError(
            f"a {name} " + (f"from {low:g} to {high:g}" if high < math.inf else f"of {low:g} up"),
            f"{value:g}",
            remedy or "Choose one within, such as the default.",
        )


def check_radians(name: str, value: float) -> None:
    """Refuses a margin that is no acute angle in radians, such as one in degrees.

    Raises:
        ForgetError: It is none.
    """
    remedy = "Divide degrees by 57.3: 28.6 degrees are 0.5 radians."
    check_setting(f"{name} in radians", value, 0, math.pi / 2, remedy)

"""Dampening like SSD, without labels or a loss."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from forget.methods.ssd import Ssd
from forget.training import Batch, Objective

__all__ = ["LfSsd"]


def _size_of_answer(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean squared length of the logits."""
    logits = network(batch.images).float()
    return (logits**2).sum(1).mean(), logits


@dataclass(frozen=True)
class LfSsd(Ssd):
    r"""SSD with the sensitivity of the answer's length in place of that of the loss.

    .. math:: I_j = E \left( \partial |f_\theta(x)|^2 / \partial \theta_j \right)^2

    References:
        | Loss-Free Machine Unlearning (Foster, Schoepf and Brintrup, 2024)
    """

    objective: ClassVar[Objective] = staticmethod(_size_of_answer)  # type: ignore[assignment]

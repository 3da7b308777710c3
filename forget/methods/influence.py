"""One step by the influence function, its inverse curvature found by recursion."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from forget.data.partition import Partition
from forget.linear.tangent.curvature import Weights, ggn_product, movable, slope
from forget.unlearning.contract import Guarantee, Range, Work
from forget.unlearning.course import Course
from forget.unlearning.edit import Edit
from forget.unlearning.guarantees import went_on_without

__all__ = ["Influence"]

POWER = 5  # iterations that estimate the largest curvature
SLACK = 2.0  # above the estimate, since batches differ


@dataclass(frozen=True)
class Influence(Edit):
    r"""Moves to where the loss would have its minimum without the images, to first order.

    .. math:: \theta \leftarrow \theta + \frac{\eta}{|R|} (H + \delta I)^{-1}
              \sum_{i \in forget} \nabla \ell_i(\theta), \quad
              h_{k+1} = v + h_k - (H_k + \delta I) h_k / s

    with the Gauss-Newton matrix of one batch at a time for H and s above its largest eigenvalue
    (LiSSA). `newton_cg` solves the same equation with conjugate gradients, on one sample.

    References:
        | Understanding Black-box Predictions via Influence Functions (Koh and Liang, 2017)
        | Second-Order Stochastic Optimization for Machine Learning (Agarwal et al., 2017)

    Arguments:
        iterations: Of the recursion, a batch each.
        damping: delta.
        strength: eta; 1 is the formula's.

    Raises:
        ForgetError: Settings that cannot work.
    """

    iterations: int = 50
    damping: float = 1e-2
    strength: float = 1.0
    ranges: ClassVar = {
        "iterations": Range(1),
        "damping": Range(0, above=True),
        "strength": Range(0, above=True),
    }

    def steps(self, course: Course) -> int:
        """Batches of the forget set, and one for each iteration."""
        return course.batches_of(len(course.split.forget)) + POWER + self.iterations

    def edit(self, course: Course, work: Work) -> None:
        """Takes the step."""
        split, network = course.split, course.network.requires_grad_(False).eval()
        weights, draw = movable(network), np.random.default_rng(course.seed)
        pull = {name: torch.zeros_like(w) for name, w in weights.items()}
        for batch in course.inputs(split.forget):
            for name, value in slope(network, weights, batch)[0].items():
                pull[name] += value / len(split.retain)

        def curve(vector: Weights) -> Weights:
            some = draw.choice(split.retain, min(self.batch, len(split.retain)), replace=False)
            (batch,) = course.inputs(np.sort(some), 2)
            found = ggn_product(network, weights, batch.images, vector)
            return {name: value / len(some) for name, value in found.items()}

        random = torch.Generator().manual_seed(course.seed)
        vector = {n: torch.randn(w.shape, generator=random).to(w) for n, w in weights.items()}
        top = 0.0
        for _ in range(POWER):
            vector = _times(vector, 1 / max(_length(vector), 1e-30))
            vector = curve(vector)
            top = max(top, _length(vector))
        scale, found = SLACK * top + self.damping, pull
        for _ in range(self.iterations):
            bent = curve(found)
            found = {
                name: v + found[name] - (bent[name] + self.damping * found[name]) / scale
                for name, v in pull.items()
            }
        for name, weight in weights.items():
            weight.add_(found[name], alpha=self.strength / scale)

    def promise(self, split: Partition) -> Guarantee:
        """Approximate."""
        return went_on_without(split)


def _length(vector: Weights) -> float:
    return float(torch.stack([(part**2).sum() for part in vector.values()]).sum().sqrt())


def _times(vector: Weights, factor: float) -> dict[str, Tensor]:
    return {name: factor * part for name, part in vector.items()}

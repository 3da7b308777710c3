"""Newton steps of the last layers' weights, solved densely in a low-rank subspace of them."""

from dataclasses import dataclass

import torch

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.linear.tangent.curvature import Weights, ggn_dense, movable, slope_in
from forget.linear.tangent.gradients import fit_subspace, projected_gradients
from forget.linear.tangent.layers import used_layers
from forget.models.classifier import Classifier
from forget.recipe import to_input
from forget.unlearning.newton import FORWARD, NewtonMethod, Problem, Solve

__all__ = ["TangentStep"]

BASIS = 256  # images, at most, that the bases are computed from


@dataclass(frozen=True)
class TangentStep(NewtonMethod):
    r"""Solves for the step in a subspace of the weights of the last layers.

    .. math:: W + V \Theta U^T, \quad
              \theta = -(\bar H + \lambda I)^{-1} \bar g \in R^p

    U and V are the main directions of the inputs and gradients of each layer on images that
    stay; J of an image (c, p) is formed, and the network's own weights move by the result.
    `NewtonMethod` has the formulas of curvature and gradient.

    An output's gradient counts two thirds of a pass times the share of layers it goes back
    through.

    References:
        | Mixed-Privacy Forgetting in Deep Networks (Golatkar et al., 2021), section 3

    Arguments:
        depth: How many layers move, from the last on.
        rank: Columns of the bases of each layer; p is at most depth times its square.
        layers: Names of the layers instead of `depth`; empty for the last ones.

    Raises:
        ForgetError: Settings that cannot work.
    """

    depth: int = 3
    rank: int = 32
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 1 or self.rank < 1:
            got = f"depth {self.depth}, rank {self.rank}"
            raise ForgetError("at least one layer and a rank above 0", got, "Correct them.")

    def moving(self, network: Classifier, split: Partition) -> Weights:
        """Weights of the layers; a subspace has no biases."""
        chosen = self.layers or _used(network, split)[-self.depth :]
        found = movable(network, chosen)
        return {name: w for name, w in found.items() if name.endswith(".weight")}

    def batches(self, sample: int) -> tuple[int, int]:
        """The bases once, the gradients of the outputs in each round."""
        return -(-BASIS // self.batch), sample

    def solver(self, problem: Problem) -> Solve:
        """Chooses the subspace; each call linearises again and solves."""
        network, layers = problem.network, [n.removesuffix(".weight") for n in problem.weights]
        used = _used(network, problem.split)
        classes = int(network.config["classes"])
        like = next(iter(problem.weights.values()))
        outputs = torch.eye(classes).to(like)
        share = 1 - min(used.index(name) for name in layers) / len(used)
        cost = FORWARD + 2 * FORWARD * classes * share
        views = (b.images for b in problem.batches(problem.sample(BASIS, 2**32 - 1), cost))
        subspace = fit_subspace(
            network, network, views, layers, self.rank, outputs - 1 / classes, seed=problem.seed
        )

        def solve(sample: Indices, gradient: Weights) -> Weights:
            p = subspace.dimension
            curvature = torch.zeros(p, p, dtype=torch.float64, device=like.device)
            for images, _ in problem.batches(sample, cost):
                logits, found = projected_gradients(network, network, images, subspace, outputs)
                curvature += ggn_dense(logits, found)
            curvature /= len(sample)
            curvature.diagonal().add_(self.ridge)
            wanted = -slope_in(subspace, gradient).double()[:, None]
            theta = torch.cholesky_solve(wanted, torch.linalg.cholesky(curvature))[:, 0]
            moved = subspace.displacement(theta.to(like))
            pairs = zip(problem.weights.items(), moved.values(), strict=True)
            return {name: change.view_as(w) for (name, w), change in pairs}

        return solve


def _used(network: Classifier, split: Partition) -> tuple[str, ...]:
    like = next(network.parameters())
    return used_layers(network, network, to_input(split.data.images[split.retain[:1]]).to(like))

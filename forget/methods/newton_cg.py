"""Newton steps of all weights, matrix-free: conjugate gradients on curvature products."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.linear.tangent.curvature import Weights, ggn_diagonal, ggn_product, movable
from forget.models.classifier import Classifier
from forget.unlearning.newton import NewtonMethod, Problem, Solve

__all__ = ["NewtonCg"]

Vector = NDArray[np.float64]  # all moving parameters, one after the other


@dataclass(frozen=True)
class NewtonCg(NewtonMethod):
    r"""Solves for the step by preconditioned conjugate gradients, without forming a matrix.

    .. math:: (\bar H_S + \lambda I) \, \theta = -\bar g, \quad
              M = (diag \, \bar H_S + \lambda I)^{3/4}

    over weights and biases of all convolutions and linear layers; normalisation stays as it is.
    `NewtonMethod` has the formulas of curvature and gradient. A curvature product of an image
    counts 2 passes, its share of the preconditioner 1.

    References:
        | Deep learning via Hessian-free optimization (Martens, 2010), for damping and the exponent
        | New insights and perspectives on the natural gradient method (Martens, 2020)

    Arguments:
        iterations: Of conjugate gradients, in each round, at most.
        exponent: Of the preconditioner; 0 for none.
        layers: Names of the layers that move; empty for all.
        accuracy: Relative norm of the residual at which conjugate gradients end early.

    Raises:
        ForgetError: Settings that cannot work.
    """

    iterations: int = 10
    exponent: float = 0.75
    layers: tuple[str, ...] = ()
    accuracy: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations < 1 or not 0 <= self.exponent <= 1:
            got = f"{self.iterations} iterations, exponent {self.exponent}"
            expected = "at least one iteration and an exponent from 0 to 1"
            raise ForgetError(expected, got, "Correct the settings.")

    def moving(self, network: Classifier, split: Partition) -> Weights:
        """Weights and biases of the layers."""
        return movable(network, self.layers)

    def batches(self, sample: int) -> tuple[int, int]:
        """The preconditioner and every iteration pass over the sample."""
        return 0, sample * (self.iterations + bool(self.exponent))

    def solver(self, problem: Problem) -> Solve:
        """Solves with the network where it is when called."""
        weights, network = problem.weights, problem.network
        size = sum(w.numel() for w in weights.values())

        def solve(sample: Indices, gradient: Weights) -> Weights:
            def product(vector: Vector) -> Vector:
                found, moved = np.zeros(size), _unpack(vector, weights)
                for images, _ in problem.batches(sample, 2):
                    found += _pack(ggn_product(network, weights, images, moved))
                return found / len(sample) + self.ridge * vector.ravel()

            scale = self._scale(problem, sample)
            shape, real = (size, size), np.dtype(np.float64)
            theta, _ = cg(
                LinearOperator(shape, product, dtype=real),
                -_pack(gradient),
                rtol=self.accuracy,
                maxiter=self.iterations,
                M=LinearOperator(shape, lambda vector: vector.ravel() / scale, dtype=real),
            )
            return _unpack(theta, weights)

        return solve

    def _scale(self, problem: Problem, sample: Indices) -> Vector:
        """The preconditioner's diagonal, estimated."""
        found = np.zeros(sum(w.numel() for w in problem.weights.values()))
        if not self.exponent:
            return found + 1
        signs = torch.Generator().manual_seed(problem.seed)
        for images, _ in problem.batches(sample, 1):
            found += _pack(ggn_diagonal(problem.network, problem.weights, images, signs))
        return (found / len(sample) + self.ridge) ** self.exponent


def _pack(weights: Weights) -> Vector:
    return torch.cat([w.flatten() for w in weights.values()]).double().cpu().numpy()


def _unpack(vector: Vector, like: Weights) -> Weights:
    parts = torch.from_numpy(vector.ravel()).split([w.numel() for w in like.values()])
    pairs = zip(like.items(), parts, strict=True)
    return {name: part.reshape(w.shape).to(w) for (name, w), part in pairs}

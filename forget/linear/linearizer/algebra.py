"""The Linearizer: a map that is linear between the latents of two invertible maps."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from forget.errors import ForgetError

__all__ = ["Induced", "Latent", "Linearizer", "Singular"]


class Latent(Protocol):
    """A map with an inverse, or a surjection with a pseudo-inverse."""

    @property
    def bijective(self) -> bool:
        """Whether `inverse` undoes the map; a surjection's is undone by the map only."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Latents (n, d) of points (n, ...)."""
        ...

    def inverse(self, latents: Tensor) -> Tensor:
        """Points (n, ...) of latents (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class Induced:
    r"""The vector space that an invertible map makes of its points.

    .. math:: u \oplus v = g^{-1}(g(u) + g(v)), \quad a \odot u = g^{-1}(a \, g(u)), \quad
              \langle u, v \rangle_g = \langle g(u), g(v) \rangle

    References:
        | Linearizer (Berman, Hallak and Shocher, 2025), section 2
    """

    g: Latent

    def add(self, u: Tensor, v: Tensor) -> Tensor:
        """The sum of two points, (n, ...) each."""
        return self.g.inverse(self.g(u) + self.g(v))

    def scale(self, factor: float | Tensor, u: Tensor) -> Tensor:
        """Multiples of u, points (n, ...); `factor` is one number or (n, 1)."""
        return self.g.inverse(factor * self.g(u))

    def inner(self, u: Tensor, v: Tensor) -> Tensor:
        """Inner products (n,) of points (n, ...)."""
        return (self.g(u) * self.g(v)).sum(1)


class Singular(NamedTuple):
    """The singular values (r,) of an operator, and its singular vectors as points (r, ...)."""

    left: Tensor
    values: Tensor
    right: Tensor


@dataclass(frozen=True, eq=False)
class Linearizer:
    r"""A nonlinear map that is linear in the vector spaces of its two latents.

    .. math:: f = g_y^{-1} \, A \, g_x

    All algebra of the operator A is algebra of f: the methods give other Linearizers.

    References:
        | Linearizer (Berman, Hallak and Shocher, 2025), sections 2 and 3

    Arguments:
        g_x: Of the inputs, points (n, ...) to latents (n, d).
        operator: A, (k, d).
        g_y: Of the outputs, points (n, ...) to latents (n, k).

    Example:
        >>> import torch
        >>> from forget.linear.linearizer.flows import vector_flow
        >>> f = Linearizer(vector_flow(4), torch.eye(4), vector_flow(4))
        >>> f(torch.zeros(2, 4)).shape
        torch.Size([2, 4])
    """

    g_x: Latent
    operator: Tensor = field(repr=False)
    g_y: Latent

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (n, ...) of inputs (n, ...)."""
        return self.g_y.inverse(self.g_x(x) @ self.operator.T)

    @property
    def inputs(self) -> Induced:
        """The vector space of the inputs."""
        return Induced(self.g_x)

    @property
    def outputs(self) -> Induced:
        """The vector space of the outputs."""
        return Induced(self.g_y)

    def edited(self, operator: Tensor) -> "Linearizer":
        """The same with another operator (k, d).

        Raises:
            ForgetError: It has another shape.
        """
        if operator.shape != self.operator.shape:
            raise ForgetError(
                f"an operator {tuple(self.operator.shape)}",
                f"{tuple(operator.shape)}",
                "It maps the latents of the inputs to those of the outputs.",
            )
        return replace(self, operator=operator)

    def adjoint(self) -> "Linearizer":
        r"""f^T = g_x^{-1} A^T g_y, for which <f(x), y> = <x, f^T(y)> in the induced products."""
        return Linearizer(self.g_y, self.operator.T, self.g_x)

    def pinv(self, rtol: float | None = None) -> "Linearizer":
        r"""f^+ = g_x^{-1} A^+ g_y, Moore and Penrose's in the induced products.

        Arguments:
            rtol: Singular values below it times the largest count as 0; by default the precision
                of the numbers times the larger side of A.
        """
        inverse = torch.linalg.pinv(self.operator, rtol=rtol)
        return Linearizer(self.g_y, inverse, self.g_x)

    def then(self, other: "Linearizer") -> "Linearizer":
        """The composition other(f(x)), whose operator is the product.

        Raises:
            ForgetError: The other does not begin with the latent that this one ends with.
        """
        if other.g_x is not self.g_y:
            raise ForgetError(
                "a Linearizer whose inputs are these outputs (the same g)",
                "another g",
                "Build both with one and the same map in between.",
            )
        return Linearizer(self.g_x, other.operator @ self.operator, other.g_y)

    def power(self, times: int) -> "Linearizer":
        """The map applied `times` times, in one step.

        Raises:
            ForgetError: Inputs and outputs have different latents, or `times` is negative.
        """
        if self.g_x is not self.g_y or times < 0:
            raise ForgetError(
                "a Linearizer with g_x = g_y and a power from 0",
                f"power {times}" if times < 0 else "two maps",
                "Only a map of a space into itself can be repeated.",
            )
        return self.edited(torch.linalg.matrix_power(self.operator, times))

    def svd(self) -> Singular:
        """Singular values of A with the points that its singular vectors are latents of."""
        left, values, right = torch.linalg.svd(self.operator, full_matrices=False)
        return Singular(self.g_y.inverse(left.T), values, self.g_x.inverse(right))

    def without(self, basis: Tensor) -> "Linearizer":
        r"""The map behind an orthogonal projection of its input latents: A (I - Q Q^T).

        Suppression, not forgetting: Q can be read off the null space of the result.

        Arguments:
            basis: Q, (d, r), orthonormal columns.
        """
        return self.edited(self.operator - (self.operator @ basis) @ basis.T)

    def preimages(self, y: Tensor, noise: float, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """Inputs that f maps near y: the smallest one, moved within what A does not see.

        Arguments:
            y: Outputs, (n, ...).
            noise: Size of the movement; 0 for the smallest preimage itself.
            draw: Standard normal numbers in the shape of a tensor, such as `torch.randn_like`.
        """
        inverse = torch.linalg.pinv(self.operator)
        smallest = self.g_y(y) @ inverse.T
        free = draw(smallest)
        unseen = free - (free @ self.operator.T) @ inverse.T
        return self.g_x.inverse(smallest + noise * unseen)

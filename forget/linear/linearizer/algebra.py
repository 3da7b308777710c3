"""The Linearizer: a map that is linear between the latents of two invertible maps."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from forget.errors import ForgetError
from forget.linear.linearizer.checks import (
    check_basis,
    check_factor,
    check_finite,
    check_operator,
    check_points,
    check_power,
)

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
        """Multiples of u, points (n, ...).

        Arguments:
            factor: One number for all points, or one for each, (n,) or (n, 1).
            u: The points.

        Raises:
            ForgetError: `factor` has another shape.
        """
        latents = self.g(u)
        return self.g.inverse(check_factor(factor, len(latents)) * latents)

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

    Raises:
        ForgetError: The operator is not a matrix, or does not fit maps that say their dimension.

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

    def __post_init__(self) -> None:
        check_operator(self.operator, _dimension(self.g_y), _dimension(self.g_x))

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (n, ...) of inputs (n, ...).

        Raises:
            ForgetError: Inputs of another dtype than the operator, or a single one.
        """
        check_points(x, self.operator.dtype)
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
            ForgetError: It has another shape or another dtype.
        """
        check_operator(operator, *self.operator.shape, self.operator.dtype)
        return replace(self, operator=operator)

    def adjoint(self) -> "Linearizer":
        r"""f^T = g_x^{-1} A^T g_y, for which <f(x), y> = <x, f^T(y)> in the induced products."""
        return Linearizer(self.g_y, self.operator.T, self.g_x)

    def pinv(self, rtol: float | None = None) -> "Linearizer":
        r"""f^+ = g_x^{-1} A^+ g_y, Moore and Penrose's in the induced products.

        Arguments:
            rtol: Singular values below it times the largest count as 0; by default the precision
                of the numbers times the larger side of A.

        Raises:
            ForgetError: The operator holds numbers that are not finite.
        """
        check_finite("an operator", self.operator)
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
            ForgetError: Inputs and outputs have different latents, or `times` is not a whole
                number from 0.
        """
        if self.g_x is not self.g_y:
            raise ForgetError(
                "a Linearizer with g_x = g_y",
                "two maps",
                "Only a map of a space into itself can be repeated.",
            )
        check_power(times)
        return self.edited(torch.linalg.matrix_power(self.operator, times))

    def svd(self) -> Singular:
        """Singular values of A with the points that its singular vectors are latents of.

        Raises:
            ForgetError: The operator holds numbers that are not finite.
        """
        check_finite("an operator", self.operator)
        left, values, right = torch.linalg.svd(self.operator, full_matrices=False)
        return Singular(self.g_y.inverse(left.T), values, self.g_x.inverse(right))

    def without(self, basis: Tensor) -> "Linearizer":
        r"""The map behind an orthogonal projection of its input latents: A (I - Q Q^T).

        Suppression, not forgetting: Q can be read off the null space of the result.

        Arguments:
            basis: (d, r), whose columns span the subspace; Q is made orthonormal from them.

        Raises:
            ForgetError: It has another shape, or columns that depend on each other.
        """
        check_basis(basis, self.operator)
        q, _ = torch.linalg.qr(basis)
        return self.edited(self.operator - (self.operator @ q) @ q.T)

    def preimages(self, y: Tensor, noise: float, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """Inputs that f maps near y: the smallest one, moved within what A does not see.

        Arguments:
            y: Outputs, (n, ...).
            noise: Size of the movement; 0 for the smallest preimage itself.
            draw: Standard normal numbers in the shape of a tensor, such as `torch.randn_like`.

        Raises:
            ForgetError: The operator holds numbers that are not finite.
        """
        check_finite("an operator", self.operator)
        inverse = torch.linalg.pinv(self.operator)
        smallest = self.g_y(y) @ inverse.T
        free = draw(smallest)
        unseen = free - (free @ self.operator.T) @ inverse.T
        return self.g_x.inverse(smallest + noise * unseen)


def _dimension(g: Latent) -> int | None:
    """Length of a map's latents, where it says that."""
    return getattr(g, "output_dimension", None)

"""What the algebra and the settings of a Linearizer refuse, and in which words."""

import math
from numbers import Integral, Real

import torch
from torch import Tensor

from forget.errors import ForgetError

__all__ = [
    "check_basis",
    "check_factor",
    "check_finite",
    "check_operator",
    "check_points",
    "check_power",
    "is_real",
    "is_whole",
]


def check_operator(
    operator: Tensor, rows: int | None, columns: int | None, dtype: torch.dtype | None = None
) -> None:
    """Raises ForgetError for what is no matrix of real numbers (rows, columns) of a dtype.

    Arguments:
        operator: What came.
        rows: Latents of the outputs; None for any number.
        columns: Latents of the inputs; None for any number.
        dtype: None for any real one.
    """
    fits = isinstance(operator, Tensor) and operator.ndim == 2 and operator.is_floating_point()
    if fits:
        wanted = zip((rows, columns), operator.shape, strict=True)
        fits = all(one in (None, found) for one, found in wanted)
    if not fits or dtype not in (None, operator.dtype):
        shape = ", ".join("any" if one is None else str(one) for one in (rows, columns))
        raise ForgetError(
            f"an operator ({shape}) of {dtype or 'real numbers'}",
            _described(operator),
            "It maps the latents of the inputs to those of the outputs.",
        )


def check_points(points: Tensor, dtype: torch.dtype) -> None:
    """Raises ForgetError for what is no batch of points (n, ...) in the operator's precision."""
    if not isinstance(points, Tensor) or points.ndim < 2 or points.dtype != dtype:
        raise ForgetError(
            f"points (n, ...) of {dtype}", _described(points), f"Convert them with .to({dtype})."
        )


def check_finite(name: str, values: Tensor) -> None:
    """Raises ForgetError if a number is infinite or none."""
    if not values.isfinite().all():
        wrong = int((~values.isfinite()).sum())
        raise ForgetError(f"{name} of finite numbers", f"{wrong} others", "Compute it again.")


def check_factor(factor: float | Tensor, points: int) -> float | Tensor:
    """One number, or one for each point as a column; raises ForgetError for another shape."""
    single = isinstance(factor, Real) or isinstance(factor, Tensor) and factor.ndim == 0
    if single:
        return factor
    if not isinstance(factor, Tensor) or factor.shape not in ((points,), (points, 1)):
        raise ForgetError(
            f"one factor, or one for each of {points} points",
            _described(factor),
            "A factor multiplies a whole point, never a coordinate.",
        )
    # A row would multiply coordinates, without a complaint where points and latents are as many.
    return factor.reshape(points, 1)


def check_power(times: int) -> None:
    """Raises ForgetError for what is no whole number from 0."""
    if not is_whole(times, 0):
        raise ForgetError(
            "a power that is a whole number from 0",
            f"{times!r}",
            "Say how often the map is applied.",
        )


def check_basis(basis: Tensor, operator: Tensor) -> None:
    """Raises ForgetError for what does not span a subspace of an operator's input latents."""
    d = operator.shape[1]
    fits = isinstance(basis, Tensor) and basis.ndim == 2 and basis.dtype == operator.dtype
    if not fits or len(basis) != d or not 1 <= basis.shape[1] <= d:
        raise ForgetError(
            f"a basis ({d}, r) of {operator.dtype}, r from 1 to {d}",
            _described(basis),
            "Give one column for each direction.",
        )
    check_finite("a basis", basis)
    if (rank := int(torch.linalg.matrix_rank(basis))) < basis.shape[1]:
        raise ForgetError(
            f"{basis.shape[1]} columns that do not depend on each other",
            f"{rank} directions",
            "Leave out columns that the others span.",
        )


def is_whole(value: object, least: int) -> bool:
    """Whether it is a whole number from `least`; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def is_real(value: object) -> bool:
    """Whether it is a finite number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} of {value.dtype}"
    return type(value).__name__

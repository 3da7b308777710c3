"""Reals to integers and back, so that sums of products are exact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forget.errors import StatisticsError

__all__ = ["COARSE", "FINE", "Grid", "Rows"]

Rows = NDArray[np.int16]  # (n, d) grid integers


@dataclass(frozen=True)
class Grid:
    r"""Snaps real numbers to integers.

    .. math:: q = clip(rint(z / scale * 2^{bits}), -(2^{bits} - 1), 2^{bits} - 1)

    A product of two of them is below 2^(2 bits), so float64, with its 53 bits, adds up to
    2^(53 - 2 bits) products without rounding, in whatever order.

    Arguments:
        bits: Binary digits after the point, 1 to 15.
        scale: The real number that becomes 1; 1 for unit-norm features.

    Raises:
        StatisticsError: `bits` or `scale` out of range.

    Example:
        >>> Grid(bits=15).snap([[0.5, -2.0]])
        array([[ 16384, -32767]], dtype=int16)
    """

    bits: int = 15
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.bits <= 15 and np.isfinite(self.scale) and self.scale > 0):
            raise StatisticsError(
                "1 to 15 bits and a positive scale",
                f"{self.bits} bits, scale {self.scale}",
                "Use forget.linear.grid.FINE or COARSE.",
            )

    @property
    def limit(self) -> int:
        """Largest grid integer."""
        return 2**self.bits - 1

    @property
    def max_rows(self) -> int:
        """Rows whose products float64 sums exactly."""
        return 2 ** (53 - 2 * self.bits)

    def snap(self, values: ArrayLike) -> Rows:
        """Grid integers of real numbers (..., d).

        Raises:
            StatisticsError: A value is not finite.
        """
        real = np.asarray(values, dtype=np.float64)
        if not np.isfinite(real).all():
            raise StatisticsError(
                "finite features",
                f"{np.count_nonzero(~np.isfinite(real))} that are not",
                "Check the weights and the photographs.",
            )
        with np.errstate(over="ignore"):  # what overflows is clipped
            steps = np.rint(real / self.scale * 2**self.bits)
        return np.clip(steps, -self.limit, self.limit).astype(np.int16)

    def real(self, rows: Rows) -> NDArray[np.float64]:
        """The real numbers that grid integers (..., d) stand for."""
        return rows.astype(np.float64) * (self.scale / 2**self.bits)

    def clipped_share(self, values: ArrayLike) -> float:
        """Share of values, in [0, 1], that lie outside of the grid."""
        real = np.abs(np.asarray(values, dtype=np.float64)) / self.scale * 2**self.bits
        return float(np.mean(np.rint(real) > self.limit)) if real.size else 0.0


FINE = Grid(bits=15)  # exact up to 2^23 = 8,388,608 rows
COARSE = Grid(bits=12)  # exact up to 2^29 = 536,870,912 rows

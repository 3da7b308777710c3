"""Laws of the grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forget.errors import StatisticsError
from forget.linear.grid import COARSE, FINE, Grid

GRIDS = [FINE, COARSE, Grid(bits=1), Grid(bits=15, scale=3.7), Grid(bits=8, scale=1e-3)]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@given(values=arrays.arrays(np.float64, (3, 4), elements=st.floats(-0.999, 0.999)))
def test_a_snapped_value_is_half_a_step_away_at_most(grid: Grid, values: np.ndarray) -> None:
    inside = values * grid.scale * grid.limit / 2**grid.bits
    error = np.abs(grid.real(grid.snap(inside)) - inside)
    assert error.max() <= 0.5 * grid.scale / 2**grid.bits * (1 + 1e-9)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_grid_points_are_fixed_points(grid: Grid) -> None:
    rows = np.arange(-grid.limit, grid.limit + 1, max(1, grid.limit // 50), dtype=np.int16)[None]
    assert np.array_equal(grid.snap(grid.real(rows)), rows)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_values_outside_are_clipped_and_counted(grid: Grid) -> None:
    values = np.array([[-5.0, 0.0, 5.0, 0.5]]) * grid.scale
    assert grid.snap(values)[0, [0, 2]].tolist() == [-grid.limit, grid.limit]
    assert grid.clipped_share(values) == 0.5
    assert grid.clipped_share(np.zeros((0, 3))) == 0.0


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_float64_sums_the_promised_number_of_largest_products_exactly(grid: Grid) -> None:
    largest = grid.limit**2 * grid.max_rows
    assert float(largest) == largest
    assert largest <= 2**53


def test_the_known_bounds() -> None:
    assert FINE.max_rows == 2**23
    assert COARSE.max_rows == 2**29


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(StatisticsError, match="finite features"):
        FINE.snap([[0.0, bad]])


@pytest.mark.parametrize("settings", [(0, 1.0), (16, 1.0), (15, 0.0), (15, float("nan"))])
def test_grids_that_cannot_be_are_refused(settings: tuple[int, float]) -> None:
    with pytest.raises(StatisticsError):
        Grid(*settings)

"""Charts of people: what is drawn can be read off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.charts.people import SHORTEST, cost_bars

ways = st.lists(st.floats(1e-5, 1e6), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("seconds", "shares"),
    [
        ([0.0230, 0.0306], [0.68, 0.74]),  # once the first was a stub
        ([0.00058, 0.00061], [0.88, 0.89]),
        ([1.0, 1.0], [1, 1]),
    ],
)
def test_costs_that_are_alike_are_bars_that_are_alike(
    seconds: list[float], shares: list[float]
) -> None:
    figure = cost_bars({str(i): value for i, value in enumerate(seconds)})
    low, high = figure.layout.xaxis.range
    drawn = (np.log10(figure.data[0].x[::-1]) - low) / (high - low)
    assert drawn == pytest.approx(shares, abs=0.01)


@given(ways)
def test_a_time_axis_has_ticks_with_units_and_no_bar_is_a_stub(seconds: list[float]) -> None:
    figure = cost_bars({str(i): value for i, value in enumerate(seconds)})
    axis = figure.layout.xaxis
    low, high = axis.range
    assert low == int(low) and high == int(high)
    assert low + 1 <= np.log10(min(seconds)) + 1e-9 and np.log10(max(seconds)) <= high + 1e-9
    inside = [one for one in axis.tickvals if low <= np.log10(one) + 1e-9 <= high + 2e-9]
    assert 2 <= len(inside) == len(axis.tickvals) <= 5
    assert all(text.split()[1] in ("µs", "ms", "s", "h", "days") for text in axis.ticktext)


def test_ticks_say_where_they_are() -> None:
    axis = cost_bars({"a": 0.00064, "b": 14.76}).layout.xaxis
    assert axis.tickvals == (1e-5, 1e-3, 0.1, 10) and axis.range == (-5, 2)
    assert axis.ticktext == ("10 µs", "1 ms", "0.1 s", "10 s")


def test_no_time_at_all_is_drawn_as_the_shortest() -> None:
    assert list(cost_bars({"a": 0.0, "b": 1.0}).data[0].x) == [1.0, SHORTEST]

"""Figures of audits: axes that can be read however few photographs there are."""

import numpy as np
import pytest

from forget.auditing.figures import roc
from forget.metrics.detection import Detection

APART = 0.29  # decades between two labels, those between 1 and 2, or 5 and 10


def attack(others: int) -> Detection:
    scores = np.linspace(0, 1, others)
    return Detection.of(scores + 0.1, scores, (0.5, 1.0))


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (1, ["50%", "100%"]),
        (7, ["10%", "20%", "50%", "100%"]),
        (50, ["1%", "2%", "5%", "10%", "20%", "50%", "100%"]),
        (5000, ["0.01%", "0.1%", "1%", "10%", "100%"]),
    ],
)
def test_rates_are_labelled_where_there_is_room(others: int, told: list[str]) -> None:
    figure = roc(attack(others))
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert list(axis.ticktext) == told
        assert [f"{100 * one:g}%" for one in axis.tickvals] == told
        assert np.diff(np.log10(axis.tickvals)).min() > APART
        low, high = axis.range
        assert low < np.log10(0.5 / others) and 0 < high < 0.15
    assert figure.layout.margin.r > 20  # or plotly leaves out 100%

"""Curves of verification: what is drawn is what was counted, and looks the same with less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from forget.charts.thinning import thinned
from forget.charts.verification import det_curves, roc_curves, spoken_curves
from forget.errors import ForgetError
from forget.metrics.verification import Curve, error_curve


def curve(shift: float, genuine: int = 300, impostor: int = 900, seed: int = 0) -> Curve:
    draw = np.random.default_rng(seed)
    return error_curve(draw.normal(shift, 1, genuine), draw.normal(size=impostor))


def test_a_curve_is_drawn_point_by_point_on_a_logarithmic_axis() -> None:
    one = curve(2)
    guessing, drawn = roc_curves({"a<b": one}).data
    assert np.allclose(drawn.y, 1 - one.fnmr)
    assert np.allclose(drawn.x, np.maximum(one.fmr, 0.5 / 900))
    assert np.array_equal(drawn.customdata[:, 2], one.thresholds)
    assert drawn.name == "a&lt;b" and "a<b" not in drawn.hovertemplate
    assert np.array_equal(guessing.x, guessing.y)
    figure = roc_curves({"a": one})
    assert figure.layout.xaxis.type == "log" and drawn.line.shape == "hv"


def test_det_axes_are_probits_and_normal_scores_make_a_line() -> None:
    one = curve(2, 20_000, 20_000)
    figure = det_curves({"a": one})
    drawn, diagonal = figure.data
    assert np.isfinite(drawn.x).all() and np.isfinite(drawn.y).all()
    inside = (np.abs(drawn.x) < 2) & (np.abs(drawn.y) < 2)
    slope, offset = np.polyfit(drawn.x[inside], drawn.y[inside], 1)
    # FMR = Phi(-t) and FNMR = Phi(t - 2), so y = -x - 2.
    assert (slope, offset) == (pytest.approx(-1, abs=0.05), pytest.approx(-2, abs=0.05))
    ticks = dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True))
    assert ticks["0.1%"] == pytest.approx(norm.ppf(1e-3))
    assert np.array_equal(diagonal.x, diagonal.y)


def test_every_curve_has_a_part_that_can_be_seen() -> None:
    good, useless = curve(3), error_curve(np.zeros(500), np.zeros(500))
    for models in ({"a": good}, {"b": useless}, {"a": good, "b": useless}):
        figure = det_curves(models)
        (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
        for one in figure.data:
            inside = (one.x >= left) & (one.x <= right) & (one.y >= low) & (one.y <= high)
            assert inside.any(), one.name
    assert det_curves({"a": good}).layout.yaxis.range[1] == pytest.approx(norm.ppf(0.99))
    assert high > norm.ppf(0.99)


def test_models_lie_over_each_other_and_none_look_alike() -> None:
    models = {f"m{i}": curve(i / 10, 20, 20, seed=i) for i in range(30)}
    for figure in (roc_curves(models), det_curves(models)):
        drawn = [one for one in figure.data if one.name in models]
        assert [one.name for one in drawn] == list(models)
        assert len({(one.line.color, one.line.dash) for one in drawn}) == 30
        for one, other in zip(drawn, drawn[1:], strict=False):
            assert one.line.color != other.line.color and one.line.dash != other.line.dash


def test_constant_scores_can_be_drawn_and_no_model_cannot() -> None:
    constant = error_curve(np.zeros(3), np.zeros(5))
    for draw in (roc_curves, det_curves):
        assert all(np.isfinite(one.x).all() for one in draw({"same": constant}).data)
    for draw in (roc_curves, det_curves, spoken_curves):
        with pytest.raises(ForgetError, match="at least 1 model"):
            draw({})


def test_curves_are_told_in_words() -> None:
    words = spoken_curves({"A": curve(2, impostor=2000), "B": curve(1)}, fmr=1e-3)
    assert words.count("accepted at a false match rate of 0.001") == 1
    assert words.count("equal error rate") == 2 and "; B: equal" in words


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_a_thinned_curve_stays_within_a_cell(seed: int, across: int, up: int, falls: bool) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 400))
    x, y = (np.cumsum(draw.pareto(1, count) * (draw.random(count) < 0.7)) for _ in range(2))
    y = -y if falls else y
    kept = thinned(x, y, (across, up))
    assert kept[0] == 0 and kept[-1] == count - 1 and (np.diff(kept) > 0).all()
    if count <= across + up:
        assert len(kept) == count
        return
    assert len(kept) <= 2 * (across + up + 1)
    wide, high = np.ptp(x) / across, np.ptp(y) / up
    before = kept[np.searchsorted(kept, np.arange(count), side="right") - 1]
    after = kept[np.searchsorted(kept, np.arange(count))]
    for end in (before, after):  # between two drawn points that are both this near
        assert (np.abs(x - x[end]) <= wide * (1 + 1e-9) + 1e-12).all()
        assert (np.abs(y - y[end]) <= high * (1 + 1e-9) + 1e-12).all()


def test_long_curves_are_drawn_with_few_points() -> None:
    long = curve(2, 5_000, 200_000)
    assert len(long.thresholds) > 200_000
    for figure in (roc_curves({"a": long}), det_curves({"a": long})):
        (drawn,) = [one for one in figure.data if one.name == "a"]
        assert len(drawn.x) < 4_000

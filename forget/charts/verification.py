"""Errors of verification as plotly figures: ROC and DET curves of several models."""

from collections.abc import Mapping
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy.special import ndtri

from forget.charts.people import COLOURS, plain
from forget.charts.thinning import thinned
from forget.errors import ForgetError
from forget.metrics.verification import Curve, equal_error, point_at

__all__ = ["det_curves", "roc_curves", "spoken_curves"]

Reals = NDArray[np.float64]
# Okabe and Ito. There are more colours than dashes and no common factor, so that no two of 30
# models look alike, and neighbours differ in both.
LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
HOVER = (
    "false match rate %{customdata[0]:.3g}<br>false non-match rate %{customdata[1]:.3g}<br>"
    "threshold %{customdata[2]:.3f}"
)
PROBITS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99)
TOP = float(ndtri(0.99))


def roc_curves(models: Mapping[str, Curve]) -> go.Figure:
    """True accept rate against false match rate on a logarithmic axis, guessing dashed.

    A rate of 0, which has no place there, is drawn at half an impostor pair.

    Arguments:
        models: What to call each model, and its errors.

    Raises:
        ForgetError: No model.
    """
    least = min(_least(curve.impostor) for curve in _some(models).values())
    figure = go.Figure()
    guesses = np.geomspace(least, 1, 100)
    _dashed(figure, guesses, guesses, "guessing")
    for place, (name, curve) in enumerate(models.items()):
        false = np.maximum(curve.fmr, _least(curve.impostor))
        _line(figure, place, name, curve, (false, 1 - curve.fnmr), np.log10(false))
    figure.update_xaxes(title="false match rate (logarithmic)", type="log", exponentformat="power")
    figure.update_yaxes(title="true accept rate", tickformat=".0%", range=[0, 1.02])
    return plain(figure, 360)


def det_curves(models: Mapping[str, Curve]) -> go.Figure:
    """False non-match against false match rate, both as probits: normal scores draw lines.

    Where both are the same is dashed. A rate of 0 is drawn at half a pair, one of 1 at all but
    half a pair. Rates above 99 % lie outside, where every curve has a point inside.

    References:
        | The DET curve in assessment of detection task performance (Martin et al., 1997)

    Arguments:
        models: What to call each model, and its errors.

    Raises:
        ForgetError: No model.
    """
    figure = go.Figure()
    drawn = []
    for place, (name, curve) in enumerate(_some(models).items()):
        x, y = _probit(curve.fmr, curve.impostor), _probit(curve.fnmr, curve.genuine)
        _line(figure, place, name, curve, (x, y), x)
        drawn.append((x, y))
    lowest = [min(float(one[axis].min()) for one in drawn) for axis in (0, 1)]
    highest = max(float(rates.max()) for one in drawn for rates in one)
    # Nobody looks at rates near 1, unless a curve has no others.
    if all(((x < TOP) & (y < TOP)).any() for x, y in drawn):
        highest = min(highest, TOP)
    equal = np.array([max(lowest), highest])
    _dashed(figure, equal, equal, "equal errors")
    for update, title, low in (
        (figure.update_xaxes, "false match rate", lowest[0]),
        (figure.update_yaxes, "false non-match rate", lowest[1]),
    ):
        update(
            title=title,
            tickvals=ndtri(np.array(PROBITS)),
            ticktext=[f"{100 * rate:g}%" for rate in PROBITS],
            range=[low, highest],
            zeroline=False,
        )
    return plain(figure, 420)


def spoken_curves(models: Mapping[str, Curve], fmr: float = 1e-3) -> str:
    """What the curves show in words, for those who cannot see them.

    Arguments:
        models: What to call each model, and its errors.
        fmr: The false match rate that is told, in (0, 1); left out where a model has fewer
            impostor pairs than it takes.

    Raises:
        ForgetError: No model, or a rate out of range.
    """
    words = []
    for name, curve in _some(models).items():
        told = point_at(curve, fmr)
        accepted = f"{told.tar:.1%} accepted at a false match rate of {fmr:g}, "
        equal = f"equal error rate {equal_error(curve).rate:.2%}"
        words.append(f"{name}: {accepted if fmr * curve.impostor >= 1 else ''}{equal}")
    return "Errors of verification. " + "; ".join(words) + "."


def _line(
    figure: go.Figure,
    place: int,
    name: str,
    curve: Curve,
    points: tuple[Reals, Reals],
    across: Reals,
) -> None:
    """Draws a model's curve as steps.

    Arguments:
        figure: What to draw on.
        place: Of the model, from 0.
        name: Of the model.
        curve: Its errors.
        points: What plotly gets, (k,) each.
        across: Where they lie on the screen, (k,).
    """
    kept = thinned(across, points[1])
    figure.add_scatter(
        x=points[0][kept],
        y=points[1][kept],
        mode="lines",
        name=escape(name),
        customdata=np.stack([curve.fmr, curve.fnmr, curve.thresholds], 1)[kept],
        hovertemplate=HOVER + "<extra>" + escape(name) + "</extra>",
        line={
            "color": LINES[place % len(LINES)],
            "dash": DASHES[place % len(DASHES)],
            # Across first: what lies between two thresholds is not promised.
            "shape": "hv",
        },
    )


def _dashed(figure: go.Figure, x: Reals, y: Reals, name: str) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        hoverinfo="skip",
        line={"dash": "dash", "color": COLOURS["unseen"], "width": 1},
    )


def _least(pairs: int) -> float:
    return 0.5 / pairs


def _probit(rates: Reals, pairs: int) -> Reals:
    return ndtri(rates.clip(_least(pairs), 1 - _least(pairs)))


def _some(models: Mapping[str, Curve]) -> Mapping[str, Curve]:
    if not models:
        raise ForgetError("at least 1 model", "none", "Evaluate one first.")
    return models

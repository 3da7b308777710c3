"""Reports of a face recognition model: pairs of photographs, and pairs of templates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError
from forget.metrics.cosines import pair_cosines
from forget.metrics.detection import auc
from forget.metrics.folds import on_public_grid, verify_folds
from forget.metrics.resolution import few_errors, warnings
from forget.metrics.verification import equal_error, error_curve, point_at, split_pairs

__all__ = ["Report", "evaluate_pairs", "evaluate_templates"]

Reals = NDArray[np.float64]
Report = dict[str, float | list[str]]
RATES = (1e-3, 1e-2)  # of photographs: 3000 impostor pairs tell no smaller ones
TEMPLATE_RATES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def evaluate_pairs(
    features_a: NDArray[np.floating],
    features_b: NDArray[np.floating],
    same: NDArray[np.bool_] | NDArray[np.integer],
    folds: int = 10,
    rates: Sequence[float] = RATES,
) -> Report:
    """Verification of pairs by cosine, as on LFW, CFP-FP, AgeDB, CALFW and CPLFW.

    Arguments:
        features_a: Of the first photographs, (p, d), of any length but 0.
        features_b: Of the second ones, (p, d).
        same: Whether it is one person, (p,), pairs in the order of their folds.
        folds: Of the accuracy.
        rates: False match rates, each in (0, 1).

    Returns:
        A flat report whose keys name the unit: [share] is in [0, 1], [cosine] in [-1, 1], [pairs]
        is a count. The accuracy is the mean over folds with its deviation, with thresholds of
        :func:`forget.metrics.folds.most_accurate` and, to compare with published numbers, of the
        public grid. For each rate, "iso" and "nearest" are the ways of
        :func:`forget.metrics.verification.point_at`; all are nan where one impostor pair alone is
        a larger share. "warnings" are sentences on what rests on too few errors.

    Raises:
        ForgetError: Shapes that do not fit, a feature of length 0 or that is no number, pairs of
            one kind only, in all or in a fold, or a rate out of range.
    """
    scores = pair_cosines(features_a, features_b)
    exact = verify_folds(scores, same, folds=folds)
    public = verify_folds(scores, same, on_public_grid, folds)
    report: Report = {
        "accuracy [share]": exact.accuracy,
        "accuracy deviation [share]": exact.deviation,
        "accuracy, public grid [share]": public.accuracy,
        "accuracy deviation, public grid [share]": public.deviation,
    }
    report |= _rates(scores, same, rates)
    wrong = round((1 - exact.accuracies) @ _sizes(len(scores), folds))
    doubt = few_errors("The accuracy", wrong, len(scores))
    report["warnings"] = [*([doubt] if doubt else []), *report["warnings"]]
    return report


def evaluate_templates(
    features: NDArray[np.floating],
    ids: NDArray[np.integer],
    pairs: NDArray[np.integer],
    same: NDArray[np.bool_] | NDArray[np.integer],
    rates: Sequence[float] = TEMPLATE_RATES,
) -> Report:
    """Verification of templates by cosine, as on IJB-B and IJB-C.

    Features of pairs are looked up some at a time; scores and counts of all pairs are held, about
    100 bytes a pair, that is 1.6 GB for the 15.7 million of IJB-C.

    Arguments:
        features: Of templates, (t, d), see :func:`forget.data.recognition.templates.aggregate`.
        ids: Of the templates, (t,), each once.
        pairs: Ids of the two templates of each pair, (p, 2).
        same: Whether it is one person, (p,).
        rates: False match rates, each in (0, 1).

    Returns:
        The report of :func:`evaluate_pairs` without accuracies.

    Raises:
        ForgetError: As there; ids that are there twice, or pairs of templates that are not.
    """
    names, wanted = np.asarray(ids), np.asarray(pairs)
    if names.shape != np.shape(features)[:1] or len(np.unique(names)) != len(names):
        raise ForgetError(
            "an id for each template, each once",
            f"{len(np.unique(names))} ids for features {np.shape(features)}",
            "Make one feature of each template first.",
        )
    if wanted.ndim != 2 or wanted.shape[1] != 2 or not len(names):
        raise ForgetError(
            "pairs (p, 2) of at least 1 template",
            f"pairs {wanted.shape} of {len(names)} templates",
            "Give the ids of both templates of each pair.",
        )
    order = np.argsort(names)
    rows = order[np.searchsorted(names[order], wanted).clip(max=len(names) - 1)]
    missing = np.unique(wanted[names[rows] != wanted])
    if len(missing):
        some = ", ".join(map(str, missing[:3]))
        raise ForgetError(
            "pairs of templates that have a feature",
            f"{len(missing)} that have none, such as {some}",
            "Embed all templates, or leave these pairs out and say how many.",
        )
    return _rates(pair_cosines(features, features, rows), same, rates)


def _rates(
    scores: Reals, same: NDArray[np.bool_] | NDArray[np.integer], rates: Sequence[float]
) -> Report:
    """What scores of pairs say without folds."""
    genuine, impostor = split_pairs(scores, same)
    curve = error_curve(genuine, impostor)
    equal = equal_error(curve)
    report: Report = {
        "genuine [pairs]": len(genuine),
        "impostor [pairs]": len(impostor),
        "mean of genuine [cosine]": float(genuine.mean()),
        "mean of impostor [cosine]": float(impostor.mean()),
        "area under the curve [share]": auc(genuine, impostor),
        "equal error rate [share]": equal.rate,
        "equal error threshold [cosine]": equal.threshold,
    }
    for rate in rates:
        strict, near = point_at(curve, rate), point_at(curve, rate, "nearest")
        told = rate * len(impostor) >= 1 - 1e-9
        for key, value in (
            (f"TAR at FAR {rate:g}, iso [share]", strict.tar),
            (f"TAR at FAR {rate:g}, nearest [share]", near.tar),
            (f"FAR reached at {rate:g}, nearest [share]", near.fmr),
            (f"threshold at FAR {rate:g}, iso [cosine]", strict.threshold),
        ):
            report[key] = value if told else float("nan")
    report["warnings"] = list(warnings(curve, rates))
    return report


def _sizes(pairs: int, folds: int) -> NDArray[np.int64]:
    """Pairs of each fold."""
    return np.array([len(part) for part in np.array_split(np.arange(pairs), folds)])

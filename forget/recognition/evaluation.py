"""Every evaluation set of a study, on the network and on the linear model."""

from collections.abc import Mapping, Sequence

from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.metrics.cosines import pair_cosines
from forget.metrics.evaluation import Report
from forget.metrics.verification import Curve, error_curve, split_pairs
from forget.progress import OnStep, silent
from forget.recognition.embedding import Embed
from forget.recognition.faces import resolved
from forget.recognition.settings import Settings
from forget.recognition.templates import evaluate_ijb
from forget.recognition.verification import (
    PairFeatures,
    held_out_pairs,
    judged,
    read_set,
    set_pairs,
)

__all__ = ["HELD_OUT", "SETS", "chosen_sets", "evaluate_study"]

HELD_OUT = "held_out"  # pairs of the study's own held-out photographs
SETS = ("lfw", "cfp_fp", "agedb_30", "calfw", "cplfw", "ijb_b", "ijb_c")
TEMPLATES = {"ijb_b": "ijbb", "ijb_c": "ijbc"}  # how their files begin


def chosen_sets(settings: Settings, wanted: Sequence[str] = ()) -> list[str]:
    """Names of the sets to evaluate: those that are asked for, or all that have a path.

    Where no set has one, pairs of held-out photographs stand in.

    Raises:
        ForgetError: No such set, or one without a path.
    """
    paths = settings.data.evaluation
    if unknown := [name for name in wanted if name not in (*SETS, HELD_OUT)]:
        known = ", ".join((*SETS, HELD_OUT))
        raise ForgetError(f"sets of {known}", ", ".join(unknown), "Choose among them.")
    if nowhere := [name for name in wanted if name != HELD_OUT and not getattr(paths, name)]:
        raise ForgetError(
            f"a path of {nowhere[0]}",
            f"none in data.evaluation.{nowhere[0]}",
            f"Give it with --data.evaluation.{nowhere[0]}.",
        )
    return list(wanted) or [name for name in SETS if getattr(paths, name)] or [HELD_OUT]


def evaluate_study(
    settings: Settings,
    models: Mapping[str, Embed],
    sets: Sequence[str],
    faces: FaceDataset | None = None,
    on_step: OnStep = silent,
) -> tuple[dict[str, dict[str, Report]], dict[str, dict[str, Curve]]]:
    """Evaluates models on sets.

    Arguments:
        settings: Of the study; `data` and `evaluation` count.
        models: What embeds photographs, by name, such as "original" and "linearized".
        sets: Names from `chosen_sets`.
        faces: The study's photographs; needed for `HELD_OUT` alone.
        on_step: Told of photographs.

    Returns:
        Reports by model and set, and the errors of pairs by set and model, to draw.

    Raises:
        ForgetError: A set that cannot be read, or photographs that a model does not read.
    """
    reports: dict[str, dict[str, Report]] = {name: {} for name in models}
    curves: dict[str, dict[str, Curve]] = {}
    keys = settings.evaluation
    for one in sets:
        for model, embed in models.items():
            path = resolved(getattr(settings.data.evaluation, one, ""), settings.data)
            if one in TEMPLATES:
                rates = sorted(keys.fmr_thresholds)
                reports[model][one] = evaluate_ijb(
                    path, TEMPLATES[one], embed, rates, False, keys.batch_size, on_step
                )
                continue
            if one == HELD_OUT:
                pairs = _own(embed, faces, settings)
            else:
                pairs = set_pairs(embed, read_set(path), keys.batch_size, on_step)
            reports[model][one] = judged(pairs, keys)
            curves.setdefault(one, {})[model] = _curve(pairs)
    return reports, curves


def _own(embed: Embed, faces: FaceDataset | None, settings: Settings) -> PairFeatures:
    if faces is None:
        raise ForgetError("photographs of the study", "none", "Load them with study_faces.")
    keys = settings.evaluation
    return held_out_pairs(embed, faces, keys.num_folds, settings.seed, keys.batch_size)


def _curve(pairs: PairFeatures) -> Curve:
    return error_curve(*split_pairs(pair_cosines(pairs.first, pairs.second), pairs.same))

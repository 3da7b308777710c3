"""One flat row per model: what it says of each set, and how close that is to the reference."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import log_softmax

from forget.errors import ForgetError
from forget.metrics.accuracy import judge
from forget.metrics.closeness import agreement, divergence_js, gaps, mean_gap, tug_of_war
from forget.metrics.detection import auc
from forget.metrics.membership import FEWEST, loss_attack, nomus
from forget.metrics.population import ATTACKS, attack_scores

__all__ = ["ACCURACIES", "published_attack", "row_of", "with_intervals"]

ACCURACIES = ("forget", "retain", "test", "unseen")
Sets = Mapping[str, NDArray[np.integer]]


def row_of(
    logits: NDArray[np.floating],
    labels: NDArray[np.integer],
    sets: Sets,
    reference: NDArray[np.floating],
    seed: int = 0,
) -> dict[str, float]:
    """Judges a model beside the reference.

    Accuracies on each set; the attack ("mia") and the score ("nomus") of the MUFAC benchmark, nan
    where there are too few images or losses that are not finite; the area under the curve of each
    attack of `forget.metrics.population` on the images to forget beside unseen ones ("auc loss"
    and so on); the gap of each accuracy to the reference's, their mean and the tug of war;
    divergence and agreement on the images to forget and on held-out ones. A model that broke,
    whose logits are no numbers, is right nowhere, and what cannot be said of it is nan.

    Arguments:
        logits: Of the model, for all images of the data set, (n, c); others than those of the
            sets do not matter.
        labels: The class of each image, (n,).
        sets: Indices by name of the set, "forget", "retain" and "test" among them.
        reference: Logits of the model that was trained again without, (n, c).
        seed: Of the attack's splits; 0 is the benchmark's.
    """
    ours, theirs = (_accuracies(one, labels, sets) for one in (logits, reference))
    row = dict(ours)
    row["mia"] = published_attack(logits, labels, sets, seed)
    row["mia of the reference"] = published_attack(reference, labels, sets, seed)
    row["nomus"] = nomus(ours["test"], row["mia"])
    row |= {f"gap {name}": gap for name, gap in gaps(ours, theirs).items()}
    row["gap"] = mean_gap(ours, theirs)
    row["mia gap"] = abs(row["mia"] - row["mia of the reference"])
    row["tow"] = tug_of_war(ours, theirs)
    for name in ("forget", "test"):
        here, there = (_probability(one[sets[name]]) for one in (logits, reference))
        whole = np.isfinite(here).all() and np.isfinite(there).all()
        row[f"js {name}"] = divergence_js(here, there) if whole else float("nan")
        row[f"agreement {name}"] = agreement(here, there) if whole else float("nan")
    return row | _areas(logits, labels, sets, seed)


def published_attack(
    logits: NDArray[np.floating], labels: NDArray[np.integer], sets: Sets, seed: int = 0
) -> float:
    """Accuracy of the benchmark's attack on the images to forget beside unseen ones.

    nan where there are fewer than 10 of either, or losses that are not finite. See `row_of` for
    the arguments.
    """
    if "unseen" not in sets or min(len(sets[name]) for name in ("forget", "unseen")) < FEWEST:
        return float("nan")
    losses = [judge(logits[sets[n]], labels[sets[n]]).losses for n in ("forget", "unseen")]
    try:
        return loss_attack(*losses, seed).accuracy
    except ForgetError:
        return float("nan")


def with_intervals(table: pd.DataFrame, keys: list[str], values: list[str]) -> pd.DataFrame:
    """Mean over the rows of each group, and half the width of its 95 % interval (Student's t).

    Arguments:
        table: Rows with all these columns.
        keys: That tell groups apart, such as ["method"].
        values: Numbers to average; nan counts for nothing.

    Returns:
        One row a group, in the order in which groups appear: the keys, "n", each value, and
        "± value", nan where there is one row only.
    """
    rows = []
    for key, group in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"n": len(group)}
        for name in values:
            there = group[name].dropna().to_numpy(dtype=float)
            row[name] = float(there.mean()) if len(there) else float("nan")
            half = float("nan")
            if len(there) > 1:
                half = float(stats.t.ppf(0.975, len(there) - 1) * stats.sem(there))
            row[f"± {name}"] = half
        rows.append(row)
    return pd.DataFrame(rows)


def _accuracies(logits: NDArray, labels: NDArray, sets: Sets) -> dict[str, float]:
    return {
        name: judge(logits[sets[name]], labels[sets[name]]).accuracy
        for name in ACCURACIES
        if name in sets
    }


def _areas(logits: NDArray, labels: NDArray, sets: Sets, seed: int) -> dict[str, float]:
    """Area of every attack; nan where it cannot be made."""
    names = ("forget", "unseen")
    there = all(name in sets and len(sets[name]) >= FEWEST for name in names)
    if not there or not all(np.isfinite(logits[sets[name]]).all() for name in names):
        return {f"auc {name}": float("nan") for name in ATTACKS}
    sides = [(log_softmax(logits[sets[name]], axis=1), labels[sets[name]]) for name in names]
    found = attack_scores(*sides, seed=seed)
    return {f"auc {name}": auc(one.members, one.others) for name, one in found.items()}


def _probability(logits: NDArray) -> NDArray[np.float64]:
    found = np.exp(logits - logits.max(1, keepdims=True), dtype=np.float64)
    return found / found.sum(1, keepdims=True)

"""How well a face network tells people apart by itself, and how far small sets of them differ."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.data.dataset import FaceDataset, Indices
from forget.errors import ForgetError
from forget.metrics.evaluation import Report, evaluate_templates

__all__ = ["Values", "drawn", "network_values", "pairs"]

COUNTS = ("genuine [pairs]", "impostor [pairs]")
FIGURES = (
    *("mean of genuine [cosine]", "mean of impostor [cosine]"),
    "equal error rate [share]",
)
Values = dict[str, float | str]  # by metric, with its unit in brackets


def pairs(features: NDArray[np.floating], labels: Sequence[str]) -> Report:
    """Verification of all pairs of some photographs by cosine.

    Arguments:
        features: Of any length but 0, (n, d).
        labels: Identity of each, n of them.
    """
    names, couples = np.asarray(labels), np.stack(np.triu_indices(len(labels), 1), axis=1)
    same = names[couples[:, 0]] == names[couples[:, 1]]
    return evaluate_templates(features, np.arange(len(labels)), couples, same, rates=())


def drawn(
    faces: FaceDataset, people: int, photographs: int, random: np.random.Generator | None
) -> Indices:
    """Some photographs of some people: the first ones, or drawn at random without repeats.

    Raises:
        ForgetError: Fewer than 2 of either are asked for, or there are too few.
    """
    able = [one for one in faces.identities if len(faces.of(one)) >= photographs]
    if min(people, photographs) < 2 or len(able) < people:
        raise ForgetError(
            f"{max(people, 2)} people with {max(photographs, 2)} photographs or more, for pairs",
            f"{len(able)} with {photographs} or more, of whom {people} are asked for",
            "Pass --people and --photographs, 2 at least.",
        )
    if random is None:
        return np.concatenate([faces.of(one)[:photographs] for one in able[:people]])
    some = random.choice(able, people, replace=False)
    return np.concatenate([random.choice(faces.of(p), photographs, replace=False) for p in some])


def network_values(
    features: NDArray[np.floating], faces: FaceDataset, people: int, photographs: int, draws: int
) -> Values:
    """How well the network itself tells people apart, and how far small sets of them differ."""
    labels = np.asarray(faces.labels)
    size, values = f"{people} people x {photographs}", Values()

    def report(chosen: Indices) -> Report:
        return pairs(features[chosen], labels[chosen])

    able = sum(len(faces.of(one)) >= photographs for one in faces.identities)
    sets = {
        f"first {size}": drawn(faces, people, photographs, None),
        f"all {able} people x {photographs}": drawn(faces, able, photographs, None),
        "all": np.arange(len(labels)),
    }
    for name, chosen in sets.items():
        found = report(chosen)
        values |= {f"{name}: {key}": found[key] for key in (*COUNTS, *FIGURES)}
    random = np.random.default_rng(0)
    some = pd.DataFrame([report(drawn(faces, people, photographs, random)) for _ in range(draws)])
    for key in FIGURES:
        of = some[key].astype(float)
        told = {"mean": of.mean(), "deviation": of.std(), "least": of.min(), "most": of.max()}
        values |= {f"{draws} draws of {size}, {word}: {key}": v for word, v in told.items()}
    return values

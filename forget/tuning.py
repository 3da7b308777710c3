"""Settings of methods by data set: searched on one forget set, used on others."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from forget.data.partition import Partition, by_class, by_index, thinned
from forget.errors import ForgetError
from forget.methods.registry import NETWORK_METHODS
from forget.problems import MUFAC_SIDES, Problem
from forget.unlearning.contract import NetworkMethod

__all__ = ["GRIDS", "TUNED", "average_gap", "other_split", "trials", "tuned"]

TUNED = Path(__file__).with_name("tuned.json")  # made by scripts/tune.py from its trials
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
# Eight trials a method: the two or three settings that matter most.
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "finetune": {"rate": RATES, "epochs": (1, 3)},
    "kl_uniform": {"forget_rate": (3e-4, 1e-3, 3e-3, 1e-2), "rate": (1e-3, 1e-2)},
    "negative_gradient": {"rate": (1e-4, 1e-3, 1e-2, 1e-1), "epochs": (1, 3)},
    "negative_gradient_plus": {"weight": (0.03, 0.1, 0.3, 1.0), "rate": (1e-3, 1e-2)},
    "random_labels": {"rate": RATES, "epochs": (1, 3)},
    "cf_k": {"rate": RATES, "k": (2, 3)},
    "eu_k": {"rate": (1e-2, 4e-2), "epochs": (3, 6), "k": (1, 3)},
    "l1_sparse": {"penalty": (1e-5, 1e-4, 5e-4, 2e-3), "rate": (3e-3, 3e-2)},
    "bad_teacher": {"rate": RATES, "share": (0.3, 1.0)},
    "scrub": {"rate": (1e-3, 1e-2), "temperature": (1.0, 4.0), "away": (1, 2)},
    "unsir": {"impair_rate": (3e-3, 1e-2, 3e-2, 1e-1), "rate": (1e-3, 1e-2)},
    "ssd": {"alpha": (2.0, 5.0, 10.0, 30.0), "strength": (0.1, 1.0)},
    "lfssd": {"alpha": (2.0, 5.0, 10.0, 30.0), "strength": (0.1, 1.0)},
    "salun": {"rate": RATES, "share": (0.2, 0.5)},
    "fisher": {"alpha": (3e-5, 3e-4, 3e-3, 3e-2), "most": (0.2, 0.5)},
    "influence": {"damping": (1e-3, 1e-2, 1e-1, 1.0), "strength": (1.0, 3.0)},
    "boundary": {"rate": (1e-4, 1e-3, 1e-2, 3e-2), "epochs": (1, 3)},
    "sfr_on": {"forget_rate": (1e-3, 1e-2), "rate": (1e-3, 1e-2), "gamma": (1.0, 3.0)},
    "tangent_step": {"rank": (8, 24), "removal": (True, False), "ridge": (5e-4, 5e-3)},
    "newton_cg": {"sample": (300, 1000), "removal": (True, False), "ridge": (5e-4, 5e-3)},
    "certified": {"ridge": (1e-5, 1e-4, 1e-3, 1e-2), "sigma": (0.1, 1.0)},
    "kodge": {"retain_scale": (10.0, 1e2, 1e3, 1e4), "forget_scale": (3.0, 30.0)},
}
# Where a trial of the usual grid takes longer than training again.
CHEAPER: dict[str, dict[str, dict[str, tuple[Any, ...]]]] = {
    "mufac": {"newton_cg": {"sample": (100, 300)}},
}


def trials(method: str, problem: str) -> Iterator[dict[str, Any]]:
    """All settings of a method that are tried on a data set, in order; none without a grid."""
    grid = GRIDS.get(method, {}) | CHEAPER.get(problem, {}).get(method, {})
    for values in product(*grid.values()) if grid else ():
        yield dict(zip(grid, values, strict=True))


def tuned(problem: str) -> dict[str, NetworkMethod]:
    """Network methods with the settings that were best on a data set, where they were searched.

    Arguments:
        problem: A name in `forget.problems.PROBLEMS`; of another all have their usual settings.
            MUFAC has those of its small images at both sizes.
    """
    settings = _file().get("mufac" if problem in MUFAC_SIDES else problem, {})
    return {
        name: replace(method, **settings[name]["settings"]) if name in settings else method  # type: ignore[type-var]
        for name, method in NETWORK_METHODS.items()
    }


def other_split(problem: Problem) -> Partition:
    """What is forgotten in the search: other classes or people than an example would forget.

    Of MUFAC it is 1,500 images of other people, beside a third of those that stay: the trials of
    all methods take hours as it is.
    """
    data, taken = problem.data, problem.suggestion
    if problem.name in MUFAC_SIDES:
        gone = {data.people[i] for i in data.train[:1500]}
        others = [i for i in data.train if data.people[i] not in gone]
        whole = by_index(data, np.array(others[:1500]), "1,500 images of other people")
        return thinned(whole, 1 / 3)
    place = data.classes.index(taken[-1]) if taken else -1
    return by_class(data, [data.classes[(place + 1) % len(data.classes)]])


def average_gap(row: Mapping[str, Any]) -> float:
    """What the search makes small: mean gap of all accuracies and of the attack, where it is."""
    names = [name for name in row if name.startswith("gap ") and name != "gap to the refit"]
    values = [float(row[name]) for name in (*names, "mia gap")]
    return float(np.nanmean(values))


@cache
def _file() -> dict[str, dict[str, Any]]:
    if not TUNED.is_file():
        return {}
    try:
        found = json.loads(TUNED.read_text())
        unknown = [name for known in found.values() for name in known if name not in GRIDS]
    except (ValueError, AttributeError) as error:
        raise ForgetError(f"settings in {TUNED}", str(error), "Run scripts/tune.py.") from error
    if unknown:
        raise ForgetError(f"methods with a grid in {TUNED}", ", ".join(unknown), "Tune again.")
    return found

"""Methods side by side on the same networks, each read against the one trained again without."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightning_fabric import Fabric

from forget.comparison_table import KEYS, Comparison, kept_rows
from forget.contenders import READY, Answer, Contender, Trial, contenders
from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.memory import PeakMemory
from forget.metrics.closeness import weight_distance
from forget.metrics.report import row_of
from forget.networks import Networks, train_networks
from forget.problems import Problem
from forget.progress import OnStep, silent, within
from forget.runtime import machine
from forget.training import accelerate, describe
from forget.tuning import tuned

__all__ = ["compare", "compare_methods", "how_made"]

OnAnswer = Callable[[Answer, Mapping[str, Any]], None]


def compare_methods(
    split: Partition,
    networks: Callable[[int], Networks],
    wanted: Mapping[str, Contender],
    training_seeds: Sequence[int] = (0,),
    unlearning_seeds: Sequence[int] = (0,),
    *,
    evaluation_seed: int = 0,
    keep: Path | None = None,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
    on_answer: OnAnswer = lambda answer, row: None,
    enough: Callable[[], bool] = lambda: False,
    most: int | None = None,
    made: Mapping[str, Mapping[str, str]] | None = None,
) -> Comparison:
    """Runs every contender with every pair of seeds, and judges it beside the reference.

    A row holds what `forget.metrics.report.row_of` gives, and "data", "forgotten", "seconds",
    "share of retraining" (in seconds) and "share of passes", "memory" (bytes that forgetting took
    at its peak beyond what there was; nan where that cannot be read), "weight distance" to the
    reference and that of the original, "gap to the refit", "guarantee", "scope" and "machine".

    Arguments:
        split: The images.
        networks: What a training seed has trained; asked once for each.
        wanted: Contenders by name, see `forget.contenders.contenders`.
        training_seeds: Of the networks.
        unlearning_seeds: Of the methods.
        evaluation_seed: Of the attack's splits; 0 is the benchmark's.
        keep: Rows are written here as they come, and those that are there are not run again.
        fabric: Where to compute.
        on_step: Told of progress: contenders, and the note says which.
        on_answer: Told of each answer, and of its row.
        enough: Asked before each contender whether to stop there.
        most: Images of a set that are judged at most, always the same; None judges all.
        made: How each contender is made, columns of its rows: "recipe" and "settings".

    Raises:
        ForgetError: `keep` holds rows of other data, of another forget set, or made otherwise.
    """
    fabric, made = fabric or accelerate(), made or {}
    found = kept_rows(keep, split, made)
    done = set(map(tuple, found.table[KEYS].itertuples(index=False)))
    total = len(training_seeds) * len(unlearning_seeds) * len(wanted)
    number = 0
    for training in training_seeds:
        trained = _Trained(
            split, lambda seed=training: networks(seed), fabric, evaluation_seed, most
        )
        for seed in unlearning_seeds:
            for name, contender in wanted.items():
                number += 1
                key = (training, seed, name)
                if key in done:
                    continue
                if enough():
                    return found
                inside = within(on_step, number - 1, total, name)
                inside(0, 1)
                answer, row = trained.row(contender, seed, inside)
                what = {"data": split.data.name, "forgotten": split.what}
                row = what | dict(zip(KEYS, key, strict=True)) | row | dict(made.get(name, {}))
                on_answer(answer, row)
                rows = (
                    [found.table, pd.DataFrame([row])]
                    if len(found.table)
                    else [pd.DataFrame([row])]
                )
                found = Comparison(pd.concat(rows, ignore_index=True))
                if keep:
                    found.save(keep)
                on_step(number, total, name)
    return found


def compare(
    problem: Problem,
    split: Partition,
    methods: Sequence[str],
    training_seeds: Sequence[int] = (0,),
    unlearning_seeds: Sequence[int] = (0,),
    *,
    keep: Path | None = None,
    folder: Path | None = None,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
    enough: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Trains the networks of a problem, and compares methods on them.

    Arguments:
        problem: Data, network and recipe, such as `forget.problems.load_problem` gives.
        split: What to forget.
        methods: Names of network methods, "retrain" for the reference itself, "subtract" for
            subtraction from the last layer of the network that was trained on everything, and
            "subtract_forget_ready" from that of a network that a core trained.
        training_seeds: Of the networks.
        unlearning_seeds: Of the methods.
        keep: Rows are written here as they come, and those that are there are not run again.
        folder: Networks are kept here, and trainings go on after a kill.
        fabric: Where to compute.
        on_step: Told of progress.
        enough: Asked before each method whether to stop there.
    """
    where = fabric or accelerate()
    share = 0.5 if READY in methods else 0.0

    def networks(seed: int) -> Networks:
        return train_networks(problem, split, seed, where, share, on_step, folder)

    return compare_methods(
        split,
        networks,
        contenders(methods, problem.name),
        training_seeds,
        unlearning_seeds,
        keep=keep,
        fabric=where,
        on_step=on_step,
        enough=enough,
        made=how_made(problem, methods),
    )


def how_made(problem: Problem, methods: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings of each method, and a digest of how the networks are trained."""
    recipe = hashlib.sha256(repr([sorted(problem.config.items()), problem.recipe]).encode())
    settings = tuned(problem.name)
    return {
        name: {
            "recipe": recipe.hexdigest()[:12],
            "settings": repr(settings[name]) if name in settings else name,
        }
        for name in methods
    }


class _Trained:
    """What one training seed has trained, and what it says; computed when first asked for."""

    def __init__(
        self,
        split: Partition,
        networks: Callable[[], Networks],
        fabric: Fabric,
        seed: int,
        most: int | None,
    ) -> None:
        self.split, self.make, self.fabric, self.seed = split, networks, fabric, seed
        self.sets = {name: _some(indices, most) for name, indices in split.sets.items()}
        self.asked = np.unique(np.concatenate(list(self.sets.values())))
        self.trial: Trial | None = None
        self.reference = np.zeros((0, 0))
        self.distance = float("nan")

    def row(
        self, contender: Contender, seed: int, on_step: OnStep
    ) -> tuple[Answer, dict[str, Any]]:
        """Runs a contender and judges it."""
        if self.trial is None:
            networks = self.make()
            self.trial = Trial(networks, self.split, self.asked, self.fabric)
            self.reference = self.trial.logits(networks.reference)
            self.distance = _distance(networks.original, networks.reference)
        with PeakMemory() as memory:
            answer = contender(replace(self.trial, seed=seed, on_step=on_step))
        judged = row_of(
            answer.logits, self.split.data.labels, self.sets, self.reference, self.seed
        )
        row: dict[str, Any] = dict(judged)
        return answer, row | self._cost(answer, self.trial.networks) | {"memory": memory.taken}

    def _cost(self, answer: Answer, networks: Networks) -> dict[str, Any]:
        return {
            "seconds": answer.seconds,
            "share of retraining": answer.seconds / networks.seconds,
            "share of passes": answer.passes / networks.passes,
            "weight distance": _distance(answer.network, networks.reference),
            "weight distance of the original": self.distance,
            "gap to the refit": answer.refit_gap,
            "guarantee": answer.guarantee.kind.value,
            "scope": answer.guarantee.scope.value,
            "machine": f"{machine()}, {describe(self.fabric)}",
        }


def _some(images: Indices, most: int | None) -> Indices:
    return np.sort(np.random.default_rng(0).permutation(images)[:most])


def _distance(network: Any, reference: Any) -> float:  # noqa: ANN401 - networks, or none
    if network is None or network.config != reference.config:
        return float("nan")
    ours, theirs = (
        [parameter.detach().cpu().numpy() for parameter in one.parameters()]
        for one in (network, reference)
    )
    return weight_distance(ours, theirs)

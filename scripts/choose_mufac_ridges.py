"""Chooses the ridges of all linearizations of classifiers of MUFAC, on core people alone.

    python -m scripts.choose_mufac_ridges      about 15 minutes on 2 cores

The network that 30 % of the people trained (`python -m benchmarks.mufac --only "network, core
30%"`) is linearized on them. The people who are in a core of 50 % but not of 30 % are added to it:
ages are learned from three quarters of them and read on the rest; people are enrolled with their
training photographs and identified on the held-out ones. The result stands in
forget/label_linearizations.py and forget/linearizations.py.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.mufac.bench import Bench
from benchmarks.mufac.identity import faces_of
from forget.data.dataset import FaceDataset, Indices
from forget.data.mufac import load_mufac
from forget.data.split import split_by_identity
from forget.data.twins.find import hygiene
from forget.label_linearizations import (
    LABEL_LINEARIZATIONS,
    RowPerOutput,
    linearize_classifier,
)
from forget.linear.heads import HeadRule, Ridge, Wccn
from forget.linear.linearizer.operator_ridge import OperatorRidge
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.model import LinearModel, all_rows
from forget.linear.tangent.displacement import Displacement
from forget.linearizations import LINEARIZATIONS, make_feature_map, training_part
from forget.metrics.recognition import recognise
from forget.terminal import ProgressBars

TRAINED, TRIED = 0.3, 0.5  # shares of the core
PLAIN = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
OF_LABELS: dict[str, Callable[[float], list[HeadRule]]] = {
    "penultimate": lambda _: [Ridge(ridge) for ridge in PLAIN],
    "tangent": lambda energy: [
        Displacement(energy * ridge) for ridge in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
    ],
}
OF_LABELS["linearizer"] = OF_LABELS["linearizer-image"] = lambda _: [
    OperatorRidge(ridge, readout)
    for ridge in (10.0, 100.0, 1000.0)
    for readout in (10.0, 100.0, 1000.0)
]
SMALL = (1e-6, 3.2e-6, 1e-5, 3.2e-5, 1e-4, 3.2e-4, 1e-3)
OF_PEOPLE: dict[str, list[HeadRule]] = {
    "penultimate": [Wccn(ridge) for ridge in SMALL],
    "tangent": [Wccn(ridge) for ridge in SMALL],
}
OF_PEOPLE["linearizer"] = OF_PEOPLE["linearizer-image"] = [
    Sandwich(ridge, within) for ridge in (10.0, 100.0, 1000.0) for within in (1e-3, 1e-2, 1e-1)
]


def main() -> None:
    """Tries and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join(LABEL_LINEARIZATIONS), help="which")
    parser.add_argument("--tasks", default="ages,people", help="which")
    options = parser.parse_args()
    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        data = load_mufac(None, bars)
        bench = Bench(data, hygiene(data, on_step=bars), 64, bars)
        for kind in options.kinds.split(","):
            if "ages" in options.tasks:
                _ages(bench, kind)
            if "people" in options.tasks:
                _people(bench, kind)


def _ages(bench: Bench, kind: str) -> None:
    core, wider = bench.core(TRAINED), bench.core(TRIED)
    network = bench.network("core 30%", 0)
    readout = linearize_classifier(kind, network.base, bench.data, core.images, bench.on_step)
    pool = np.setdiff1d(wider.images, core.images)
    learned, held = _halves(bench, pool)
    measured = readout.measure(bench.data.images[pool], bench.on_step)
    inside = np.isin(pool, learned)
    energy = readout.feature_map.energy if isinstance(readout, RowPerOutput) else 0.0
    for rule in OF_LABELS[kind](energy):
        trial = replace(readout, rule=rule)
        model = trial.fit(bench.data, measured[inside], learned)
        logits = trial.logits(model, measured[~inside], bench.data.classes)
        right = (logits.argmax(1) == bench.data.labels[held]).mean()
        sys.stdout.write(f"ages, {kind}, {rule}: {right:.4f} of {len(held)}\n")
        sys.stdout.flush()


def _halves(bench: Bench, pool: Indices) -> tuple[Indices, Indices]:
    """Images of three quarters of the people, and of the rest."""
    person = np.array([bench.joined.get(one, one) for one in bench.data.people])[pool]
    people = np.random.default_rng(0).permutation(np.unique(person))
    held = np.isin(person, people[: len(people) // 4])
    return pool[~held], pool[held]


def _people(bench: Bench, kind: str) -> None:
    network = bench.network("core 30%", 0)
    inner = faces_of(bench, bench.core(TRAINED))
    known = {*inner.core, *faces_of(bench, bench.core(TRIED)).core}
    faces: FaceDataset = inner.only(sorted(known))
    base = network.people
    features = make_feature_map(kind, base, training_part(faces, faces.core), bench.on_step)
    rows = all_rows(features, faces.images, bench.on_step)
    split = split_by_identity(faces)
    fitted = LinearModel.fit(features, split, LINEARIZATIONS[kind].classifier_rule, rows=rows)
    indices = split.test_of(faces.added)
    labels = [faces.labels[i] for i in indices]
    for rule in OF_PEOPLE[kind]:
        model = replace(fitted, rule=rule)
        seen = recognise(model.score(rows[indices]), model.classes, labels, model.threshold)
        said = f"{seen.identified:.4f} identified, {seen.recognised:.4f} recognised"
        sys.stdout.write(f"people, {kind}, {rule}: {said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

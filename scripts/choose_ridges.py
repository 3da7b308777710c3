"""Chooses the ridges of all linearizations on core people alone.

    python -m scripts.choose_ridges     about 6 minutes on 2 cores

As with the demo weights: a throw-away embedder is trained on 12 core people and linearized on
them, the other 8 are enrolled beside them, as added people are. Of the ridges that identify most
of the 8's held-out photographs, the one that separates them best from strangers is taken. The
result stands in forget/linearizations.py.
"""

import argparse
import sys
from dataclasses import replace

import torch

from forget.data.load import load_faces
from forget.data.split import split_by_identity
from forget.embedder_training import halved
from forget.linear.feature_map import Penultimate
from forget.linear.model import LinearModel
from forget.linearizations import LINEARIZATIONS, make_feature_map, training_part
from forget.measured import measure_figures
from forget.pretrained import record_of
from scripts.demo_weights import TUNING_CORE, progress, train

RIDGES = {
    "penultimate": (1e-5, 3.2e-5, 1e-4, 3.2e-4, 1e-3),
    "tangent": (1e-4, 3.2e-4, 1e-3, 3.2e-3, 1e-2),
    "linearizer": (1.0, 3.2, 10.0, 32.0, 100.0, 320.0),
    "linearizer-image": (1.0, 3.2, 10.0, 32.0, 100.0, 320.0),
}
WITHIN = (1e-2, 3.2e-2, 1e-1, 3.2e-1)  # of Linearizers: the second ridge


def main() -> None:
    """Trains, tries and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--kinds", default=",".join(RIDGES), help="which linearizations")
    options = parser.parse_args()
    torch.set_num_threads(2)
    faces = load_faces("orl")
    core = faces.core[:TUNING_CORE]
    network, _ = train(faces, core, options.seed)
    base = Penultimate(halved(network), record_of(faces, core))
    small = replace(faces.only(faces.core), core=core)
    split = split_by_identity(small)
    for kind in options.kinds.split(","):
        features = make_feature_map(kind, base, training_part(small, core), progress(len(core)))
        fitted = LinearModel.fit(features, split, LINEARIZATIONS[kind].rule)
        rows = features.rows(small.images)
        tried = {}
        for rule in rules(kind):
            figures = measure_figures(replace(fitted, rule=rule), split, rows)
            tried[rule] = (figures.identified_added, figures.separation)
            sys.stdout.write(f"{kind} {rule} {tried[rule][0]:.3f} {tried[rule][1]:.2f}\n")
        best = max(tried, key=lambda rule: tried[rule])
        sys.stdout.write(f"{kind}: {best}\n")


def rules(kind: str) -> list:
    """The readouts to try."""
    rule = LINEARIZATIONS[kind].rule
    found = [replace(rule, ridge=ridge) for ridge in RIDGES[kind]]
    if not hasattr(rule, "within"):
        return found
    return [replace(one, within=within) for one in found for within in WITHIN]


if __name__ == "__main__":
    main()

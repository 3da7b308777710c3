"""Trains the small face embedder on the core people and records what is known about it.

    make demo-weights     about 5 minutes on 2 cores; writes app_data/orl/embedder.*

1. A throw-away embedder is trained on 12 core people, the other 8 being "added"; the head's ridge
   is chosen there, so neither the embedder nor the ridge has seen anybody of s21 to s40.
2. The embedder is trained on all 20 core people and rounded to half precision.
3. The model of all 40 people is fitted and measured, and every way to forget is timed.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.data.split import split_by_identity
from forget.embedder_training import halved, train_embedder
from forget.linear.feature_map import Penultimate
from forget.linear.heads import Wccn
from forget.linear.model import LinearModel
from forget.measured import measure_figures
from forget.methods.registry import unlearn
from forget.models.checkpoint import to_bytes, write_bytes
from forget.models.embedder import Embedder
from forget.pretrained import DEMO, EMBEDDER, linearize, record_of
from forget.reference import compare_refit, compare_training
from forget.runtime import machine, versions

RIDGES = tuple(float(f"{10**exponent:.1e}") for exponent in np.arange(-5.0, -1.0, 0.5))
TUNING_CORE = 12  # of the 20 core people; the other 8 are added while the ridge is chosen


def main() -> None:
    """Trains, chooses, measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="seed of both trainings")
    parser.add_argument("--out", type=Path, default=DEMO, help="where to write the weights")
    options = parser.parse_args()
    torch.set_num_threads(2)
    faces = load_faces("orl")
    choice = choose_ridge(faces, options.seed)
    show(f"ridge {choice['ridge']:g}")
    network, seconds = train(faces, faces.core, options.seed)
    feature_map = Penultimate(halved(network), record_of(faces, faces.core))
    model = linearize(feature_map, faces, ridge=choice["ridge"])
    figures = measure_figures(model, split_by_identity(faces), feature_map.rows(faces.images))
    config, tensors = feature_map.parts
    half = {k: t.astype(np.float16) if t.dtype == np.float32 else t for k, t in tensors.items()}
    data = to_bytes(half, {"format": EMBEDDER, "config": config})
    facts = {
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        "seed": options.seed,
        "head": choice,
        "measured": figures.to_json(),
        "clipped_share": feature_map.grid.clipped_share(feature_map.features(faces.images)),
        "seconds": {"training the embedder": seconds, **time_all_ways(model, faces)},
        "machine": machine(),
        "versions": versions("torch", "numpy", "scipy"),
        "record": feature_map.record.to_json(),
    }
    write_bytes(options.out, data)
    write_bytes(options.out.with_suffix(".json"), (json.dumps(facts, indent=1) + "\n").encode())
    show(json.dumps(facts["measured"] | facts["seconds"], indent=1))


def train(faces: FaceDataset, people: tuple[str, ...], seed: int) -> tuple[Embedder, float]:
    """An embedder trained on some people's training photographs, and how long it took."""
    indices = split_by_identity(faces).train_of(people)
    start = perf_counter()
    network = train_embedder(
        faces.images[indices], [faces.labels[i] for i in indices], seed, progress(len(people))
    )
    return network, perf_counter() - start


def choose_ridge(faces: FaceDataset, seed: int) -> dict[str, Any]:
    """The ridge that tells 8 core people best from strangers, on an embedder that saw 12 others.

    The 8 are enrolled beside the 12, as added people are. Of the ridges that identify most of
    their held-out photographs, the one with the largest separation is taken.
    """
    core = faces.core[:TUNING_CORE]
    network, _ = train(faces, core, seed)
    small = replace(faces.only(faces.core), core=core)
    split = split_by_identity(small)
    feature_map = Penultimate(halved(network), record_of(faces, core))
    rows = feature_map.rows(small.images)
    tried = {}
    for ridge in RIDGES:
        model = LinearModel.fit(feature_map, split, Wccn(ridge), rows=rows)
        figures = measure_figures(model, split, rows)
        tried[ridge] = (figures.identified_added, figures.separation)
    return {
        "ridge": max(tried, key=lambda ridge: tried[ridge]),
        "tried": {
            f"{ridge:g}": dict(zip(("identified", "separation"), one, strict=True))
            for ridge, one in tried.items()
        },
        "chosen_on": f"embedder trained on {core[0]} to {core[-1]}; the rest of the core added",
    }


def time_all_ways(model: LinearModel, faces: FaceDataset) -> dict[str, float]:
    """Seconds to forget one core person, each way once."""
    split = split_by_identity(faces).forgetting([faces.core[0]])
    result = unlearn(model, faces, split.leaving)
    refit = compare_refit(model, result.model, split)
    training = compare_training(model, result.model, split, on_step=progress(19))
    return {one.way: one.seconds for one in (refit, training)}


def progress(people: int):  # noqa: ANN201 - a callback
    """Shows progress with the time left."""
    start = perf_counter()

    def on_step(done: int, total: int, note: str = "") -> None:
        left = (perf_counter() - start) / done * (total - done)
        end = "\n" if done == total else "\r"
        sys.stderr.write(f"{people} people: step {done}/{total}, {note}, {left:4.0f} s left {end}")

    return on_step


def show(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()

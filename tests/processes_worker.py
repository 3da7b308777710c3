"""One of several processes that share work, or the only one; started by tests.

    python processes_worker.py PART FOLDER

Writes what it found to FOLDER/RANK.json and FOLDER/RANK.npz.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from linear.test_linearizations import core, faces, linearizer, network, penultimate, tangent
from torch import nn

from forget import linearizations
from forget.data.load import load_images
from forget.linear import model, shared_rows
from forget.linear.backbone import backbone_of
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.shared_rows import rows_over_ranks, statistics_over_ranks
from forget.linearizations import LINEARIZATIONS, make_feature_map
from forget.pretrained import linearize
from forget.processes import accelerate, together
from forget.progress import OnStep, silent
from forget.recipe import cross_entropy, sgd, shuffled
from forget.training import Phase, train

BATCH = 16  # of 80 photographs: 5 batches, which 2 processes cannot share evenly
STEPS = 4

Facts = dict[str, object]
Weights = dict[str, np.ndarray]


def raised(work: Callable[[], object]) -> str:
    """What it is refused with."""
    try:
        work()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "nothing"


def sums(fabric: Fabric) -> Facts:
    """Digests of rows and statistics, of feature maps with the same weights everywhere."""
    facts: Facts = {}
    some = np.arange(3, 77, 2)
    images, labels = faces().images, faces().labels
    for name, make in MAPS.items():
        feature_map = make()
        steps: list[int] = []
        rows = rows_over_ranks(
            feature_map, images, fabric, lambda done, *_, s=steps: s.append(done)
        )
        few = rows_over_ranks(feature_map, images, fabric, only=some)
        facts[f"{name}: map"] = feature_map.space.feature_map
        facts[f"{name}: rows"] = hashlib.sha256(rows.tobytes() + few.tobytes()).hexdigest()
        facts[f"{name}: sums"] = statistics_over_ranks(
            feature_map, images, labels, fabric
        ).digest()
        facts[f"steps of {name}"] = steps
        if fabric.world_size == 1:
            facts[f"{name} as one by one"] = bool(
                np.array_equal(rows, model.all_rows(feature_map, images))
                and np.array_equal(few, model.all_rows(feature_map, images, only=some))
            )
    part = statistics_over_ranks(penultimate(), images, labels, fabric, only=some)
    facts["some: sums"] = part.digest()
    facts["linearize: sums"] = linearize(network(), faces(), fabric=fabric).statistics.digest()
    return facts


MAPS = {
    "penultimate": penultimate,
    "tangent": tangent,
    "linearizer": lambda: linearizer("embedding"),  # each process trains it for itself
    "linearizer of images": lambda: linearizer("image"),
}


def trained(fabric: Fabric) -> tuple[Facts, Weights]:
    """Linearizers and a network that all processes train together, on uneven shares."""
    weights: Weights = {}
    facts: Facts = {}
    people = replace(faces().only(faces().core), core=faces().core)
    base = penultimate()
    for level in ("embedding", "image"):
        settings = LinearizerSettings(
            level=level, couplings=2, keep=(2, 3, 4), dimension=20, every=2, bank=14
        )
        kind = "linearizer" if level == "embedding" else "linearizer-image"
        make = linearizations._linearizer(settings, steps=STEPS, batch=7)
        LINEARIZATIONS[kind] = replace(LINEARIZATIONS[kind], make=make)
        found = make_feature_map(kind, base, people, fabric=fabric)
        weights |= {f"{level}/{name}": tensor for name, tensor in found.parts[1].items()}
        facts[f"trained on {level}"] = found.space.feature_map
    return facts, weights | digits(fabric)


def digits(fabric: Fabric, on_step: OnStep = silent) -> Weights:
    """Weights of a network without batch normalisation after 2 epochs of uneven batches."""
    data = load_images("digits")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        small = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    batches, steps = shuffled(data, data.train[:65], 16, 0, fabric)
    phase = Phase("train", batches, steps, cross_entropy(), sgd(small, 0.1, 0.9))
    train(small, [phase], 2, fabric, on_step=on_step)
    return {f"digits/{name}": one.numpy() for name, one in small.state_dict().items()}


def failures(fabric: Fabric) -> Facts:
    """What all processes are told of one that fails; then that they can go on."""

    def work() -> None:
        if fabric.global_rank == 1:
            raise OSError("no such photograph")

    def stop(done: int, total: int, note: str = "") -> None:
        if fabric.global_rank == 1 and done > 2 * BATCH:
            raise KeyError("stopped")

    base, images, labels = penultimate(), faces().images, faces().labels
    return {
        "work": raised(lambda: together(fabric, work)),
        "rows": raised(lambda: rows_over_ranks(base, images, fabric, stop)),
        "sums": raised(lambda: statistics_over_ranks(base, images, labels, fabric, stop)),
        "few images": raised(lambda: make_few(fabric)),
        "afterwards": statistics_over_ranks(base, images, labels, fabric).digest(),
    }


def make_few(fabric: Fabric) -> None:
    """A training on batches of one image."""
    backbone = backbone_of(network())
    view = backbone.prepare(core())
    settings = LinearizerSettings(couplings=2, bank=14)
    train_linearizer(backbone, lambda epoch: view.split(1), 2, None, settings, fabric=fabric)


def lost(fabric: Fabric, rank_1: Callable[[], None]) -> Facts:
    """What the others find when process 1 is lost in the middle of a training."""

    def told(done: int, total: int, note: str = "") -> None:
        if fabric.global_rank == 1 and done == 3:
            rank_1()

    return {"lost": raised(lambda: digits(fabric, told))}


def main() -> None:
    """Joins the others, works and writes."""
    part, folder = sys.argv[1], Path(sys.argv[2])
    model.BATCH = shared_rows.BATCH = BATCH
    shared_rows.ROUND = 2
    devices, nodes = {"devices": (2, 1), "nodes": (1, 2)}.get(part, (1, 1))
    fabric = accelerate("cpu", devices, nodes, timeout=4 if part == "hang" else 60)
    facts: Facts = {"world": fabric.world_size, "rank": fabric.global_rank}
    weights: Weights = {}
    if part == "all":
        facts |= sums(fabric)
        found, weights = trained(fabric)
        facts |= found
        if fabric.world_size > 1:
            facts |= failures(fabric)
            (folder / f"{fabric.global_rank}.json").write_text(json.dumps(facts))
            np.savez(folder / f"{fabric.global_rank}.npz", **weights)
            facts |= lost(fabric, lambda: os._exit(3))
    elif part == "hang":
        facts |= lost(fabric, lambda: time.sleep(3600))
    else:
        weights = digits(fabric)
    (folder / f"{fabric.global_rank}.json").write_text(json.dumps(facts))
    np.savez(folder / f"{fabric.global_rank}.npz", **weights)


if __name__ == "__main__":
    main()

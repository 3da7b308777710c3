"""What a comparison trains first: original, reference, and a network on a core."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from forget.data.core import Core, draw_core
from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.data.partition import Partition
from forget.data.sources import APP_DATA
from forget.data.twins.find import hygiene
from forget.forget_ready import (
    CoreNetwork,
    core_digest,
    labels_digest,
    load_core_network,
    save_core_network,
    train_core,
)
from forget.models.classifier import Classifier
from forget.problems import Problem
from forget.progress import OnStep, silent
from forget.recipe import Recipe
from forget.runs.keeper import FileKeeper

__all__ = ["KEPT", "Networks", "core_of", "kept_at", "train_networks", "trained_once"]

KEPT = APP_DATA / "networks"

SAID = {"original": "network on everything", "retrain": "reference", "core": "network on the core"}


@dataclass(frozen=True, eq=False)
class Networks:
    """What one training seed has trained.

    Arguments:
        original: On all training images.
        reference: On the retain set alone, from random weights.
        seconds: That the reference took.
        passes: Over images, that it took.
        core: On some people who stay; None where forget-ready subtraction is not compared.
        core_images: Indices of the images that trained it.
    """

    original: Classifier
    reference: Classifier
    seconds: float
    passes: float
    core: CoreNetwork | None = None
    core_images: Indices = field(default_factory=lambda: np.zeros(0, np.intp), repr=False)


def train_networks(
    problem: Problem,
    split: Partition,
    seed: int,
    fabric: Fabric,
    share: float = 0.5,
    on_step: OnStep = silent,
    folder: Path | None = None,
) -> Networks:
    """Trains what a comparison needs, or reads what was trained before.

    The core is a share of the people, nobody to forget among them while others are left, or of
    the images that stay where people are classes or not known.

    Arguments:
        problem: Network and recipe.
        split: The images.
        seed: Of all three trainings.
        fabric: Where.
        share: Of the core; 0 trains none.
        on_step: Told of each batch of all trainings.
        folder: Keeps networks, and goes on after a kill; None keeps nothing.
    """
    wanted = {"original": _trained_on(split, split.train)}
    wanted["retrain"] = _trained_on(split, split.retain)
    if share:
        wanted["core"] = core_of(split, share, seed)
    sizes = [len(core.images) for core in wanted.values()]
    steps = [problem.recipe.epochs * -(-size // problem.recipe.batch) for size in sizes]
    found: dict[str, CoreNetwork] = {}
    for number, (name, core) in enumerate(wanted.items()):
        told = _part(on_step, sum(steps[:number]), sum(steps), f"training the {SAID[name]}")
        found[name] = _network(problem, split, core, seed, fabric, told, folder)
    return Networks(
        found["original"].base.network,
        found["retrain"].base.network,
        float(found["retrain"].about["seconds"]),
        float(problem.recipe.epochs * len(split.retain)),
        found.get("core"),
        wanted["core"].images if share else np.zeros(0, np.intp),
    )


def kept_at(folder: Path, name: str, digest: str, seed: int) -> Path:
    """Where a network is kept: by data set, the digest of its images, and seed."""
    return folder / f"{name}-{digest[:12]}-{seed}.safetensors"


def core_of(split: Partition, share: float, seed: int = 0) -> Core:
    """Who may train a forget-ready network: people, or images where no people are known.

    People who share a picture are on the same side.
    """
    data = split.data
    if data.people and len(data.classes) < len(set(data.people)):
        return draw_core(data, share, hygiene(data).people, split.forget)
    draw = np.random.default_rng(seed).permutation(split.retain)
    images = np.sort(draw[: max(round(share * len(draw)), 1)])
    return Core((), images, np.setdiff1d(split.train, images), share)


def _part(on_step: OnStep, before: int, total: int, what: str) -> OnStep:
    """Progress of one training, told as that of all."""
    return lambda done, of, note="": on_step(before + done, total, f"{what}, {note}")


def _trained_on(split: Partition, images: Indices) -> Core:
    rest = np.setdiff1d(split.train, images)
    return Core((), images, rest, len(images) / len(split.train))


def trained_once(
    path: Path,
    data: ImageDataset,
    core: Core,
    config: Mapping[str, Any],
    recipe: Recipe,
    seed: int = 0,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
) -> CoreNetwork:
    """A network that is read where it is kept already, and else trained and kept.

    One that was trained on other labels, or with another recipe or architecture, is trained
    again. A training that was killed goes on.

    Arguments:
        path: Where it is kept.
        data: Images and labels.
        core: Whose images train it.
        config: Settings of the network, for `forget.models.classifier.build`.
        recipe: How it is trained.
        seed: Of the training.
        fabric: Where; by default the best device there is.
        on_step: Told of each batch; what it raises passes through.

    Raises:
        CheckpointError: What is kept is no such file.
    """
    labels = labels_digest(data, core.images)
    if path.is_file():
        kept = load_core_network(path)
        if _made_so(kept, labels, config, recipe):
            return kept
    settings = {"core": core_digest(data, core), "seed": seed, "recipe": repr(recipe)}
    settings["labels"] = labels
    keeper = FileKeeper(path.with_suffix(".partial.pt"), settings)
    found = train_core(data, core, config, recipe, seed, fabric, keeper, on_step)
    save_core_network(found, path)
    keeper.drop()
    return found


def _made_so(kept: CoreNetwork, labels: str, config: Mapping[str, Any], recipe: Recipe) -> bool:
    if kept.about.get("labels") != labels:
        return False
    plain = json.loads(json.dumps(asdict(recipe)))  # as a file gives it back: tuples are lists
    network = kept.base.network.config
    return kept.about.get("recipe") == plain and all(network[k] == config[k] for k in config)


def _network(
    problem: Problem,
    split: Partition,
    core: Core,
    seed: int,
    fabric: Fabric,
    on_step: OnStep,
    folder: Path | None,
) -> CoreNetwork:
    data, config, recipe = split.data, problem.config, problem.recipe
    if folder is None:
        return train_core(data, core, config, recipe, seed, fabric, on_step=on_step)
    path = kept_at(folder, problem.name, core_digest(data, core), seed)
    return trained_once(path, data, core, config, recipe, seed, fabric, on_step)

"""Forget-ready training: a network that a core trained, so that everybody else can be taken out.

A linear part on top of a network that was trained on a person forgets almost nothing of what the
network knows. Here the network never sees the people who may want to leave; the linear part
learns from them, and that can be subtracted.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from forget.data.core import Core
from forget.data.dataset import Images, Indices, photograph_hash
from forget.data.image_dataset import ImageDataset
from forget.errors import CheckpointError, ForgetError
from forget.label_linearizations import LabelReadout, linearize_classifier
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.model import LinearModel
from forget.models.checkpoint import TrainingRecord, read_tensors, to_bytes, write_bytes
from forget.models.classifier import Classifier
from forget.progress import OnStep, silent
from forget.recipe import EVALUATION_BATCH, Recipe, fit, pixels_hidden
from forget.runtime import machine, versions
from forget.training import Keeper, accelerate

__all__ = [
    "CoreNetwork",
    "LabelModel",
    "core_digest",
    "forget_ready",
    "labels_digest",
    "load_core_network",
    "record_of_core",
    "save_core_network",
    "train_core",
]

FORMAT = "forget core network 1"
CENTRE = "centre of people"  # the name of its tensor


@dataclass(frozen=True, eq=False)
class CoreNetwork:
    """A classifier that saw nobody but a core.

    Arguments:
        base: Its last hidden layer, with the core as its training record.
        centre: Mean hidden layer of the core and its mirror images, (d,).
        about: How it was made, plain values.
    """

    base: ClassifierFeatures
    centre: NDArray[np.float32] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @property
    def people(self) -> ClassifierFeatures:
        """The hidden layer as people are told apart by it: centred, from both sides."""
        one = self.base
        return ClassifierFeatures(one.network, one.record, one.side, True, self.centre)


@dataclass(frozen=True, eq=False)
class LabelModel:
    """A linear model of classes on a core network, and what makes its rows.

    Arguments:
        readout: Images to rows, rows to models.
        model: Of the images that it was fitted on; what `subtract` takes them out of.
        classes: Names of all classes.
    """

    readout: LabelReadout
    model: LinearModel
    classes: tuple[str, ...]

    def logits(self, images: Images, on_step: OnStep = silent) -> NDArray[np.float64]:
        """Logits (n, c) of images (n, h, w, channels), in the order of `classes`."""
        return self.readout.logits(self.model, self.readout.measure(images, on_step), self.classes)


def record_of_core(data: ImageDataset, core: Core) -> TrainingRecord:
    """The core's ids, and the SHA-256 of their images: as stored, and of their pixels."""
    stored = data.hashes_of(core.images)
    pixels = [photograph_hash(np.asarray(data.images[i])) for i in core.images]
    return TrainingRecord(frozenset(core.people), frozenset([*stored, *pixels]))


def core_digest(data: ImageDataset, core: Core) -> str:
    """SHA-256, hex, of the core's images: trainings on different ones must not be mixed up."""
    return hashlib.sha256("\n".join(sorted(data.hashes_of(core.images))).encode()).hexdigest()


def labels_digest(data: ImageDataset, images: Indices) -> str:
    """SHA-256, hex, of what some images are said to be, and of all classes in order."""
    hashes = data.hashes_of(images)
    said = (data.classes[data.labels[i]] for i in images)
    pairs = sorted(zip(hashes, said, strict=True))
    return hashlib.sha256(json.dumps([data.classes, pairs]).encode()).hexdigest()


def train_core(
    data: ImageDataset,
    core: Core,
    config: Mapping[str, Any],
    recipe: Recipe,
    seed: int = 0,
    fabric: Fabric | None = None,
    keeper: Keeper | None = None,
    on_step: OnStep = silent,
) -> CoreNetwork:
    """Trains a classifier on the images of a core.

    Arguments:
        data: Images and labels.
        core: Whose images may train it.
        config: Settings of the network, for `forget.models.classifier.build`.
        recipe: How; the size of its last epochs is the one that the network reads.
        seed: Of weights, order and changes.
        fabric: Where; by default the best device there is.
        keeper: Holds what is needed to go on after a kill.
        on_step: Told of each batch; what it raises passes through.
    """
    fabric, clock = fabric or accelerate(), _Clock(keeper)
    network = fit(
        dict(config), data, core.images, recipe, fabric, seed, keeper=clock, on_step=on_step
    )
    side = recipe.side(recipe.epochs - 1)
    about = {
        "data set": data.name,
        "images": len(data.images),
        "core people": list(core.people),
        "core share": core.share,
        "core images": len(core.images),
        "core": core_digest(data, core),
        "labels": labels_digest(data, core.images),
        "seed": seed,
        "side": side,
        "recipe": asdict(recipe),
        "seconds": clock.seconds,
        "machine": machine(),
        "versions": versions("torch", "numpy", "scipy"),
    }
    base = ClassifierFeatures(network, record_of_core(data, core), side)
    return CoreNetwork(base, _centre(network, data, core, side), about)


def forget_ready(
    network: CoreNetwork,
    data: ImageDataset,
    core: Core,
    kind: str = "penultimate",
    indices: Indices | None = None,
    on_step: OnStep = silent,
) -> LabelModel:
    """The linear model of a data set's classes on a network that its core trained.

    Arguments:
        network: Trained on the core.
        data: Images and labels.
        core: Who trained the network.
        kind: A name in `LABEL_LINEARIZATIONS`.
        indices: Training images that the linear part learns, by number or as a mask of all
            images; by default those of added people: features of images that the network was
            trained on are unnaturally clean.
        on_step: Told of progress; what it raises passes through.

    Raises:
        ForgetError: Another core than the network's, no such kind, or no such images.
    """
    if network.about.get("core", (theirs := core_digest(data, core))) != theirs:
        raise ForgetError(
            "the core that trained the network",
            f"another one, of {len(core.images):,} images",
            "What else the network was trained on counts as added, and is not.",
        )
    chosen = core.added if indices is None else _numbers(indices, len(data.images))
    if not len(chosen):
        raise ForgetError("images to learn", "none", "Choose some of the training images.")
    readout = linearize_classifier(kind, network.base, data, core.images, on_step)
    measured = readout.measure(data.images[chosen], on_step)
    return LabelModel(readout, readout.fit(data, measured, chosen), data.classes)


def _numbers(indices: object, count: int) -> Indices:
    """Numbers of images, of which there are so many; a mask gives those where it is true."""
    given = np.asarray(indices)
    if given.dtype == bool and given.shape == (count,):
        return np.flatnonzero(given)
    whole = given.ndim == 1 and (np.issubdtype(given.dtype, np.integer) or not given.size)
    if not whole or given.size and not 0 <= given.min() <= given.max() < count:
        raise ForgetError(
            f"numbers of images from 0 to {count - 1}, or a mask of {count}",
            f"{given.dtype} of shape {given.shape}"
            + (f", from {given.min()} to {given.max()}" if given.size and whole else ""),
            "Such as data.train.",
        )
    return np.unique(given).astype(np.intp)


class _Clock:
    """A keeper that also counts the seconds of a training, those before a kill included."""

    def __init__(self, keeper: Keeper | None) -> None:
        self.keeper, self.earlier, self.start = keeper, 0.0, perf_counter()

    @property
    def seconds(self) -> float:
        return self.earlier + perf_counter() - self.start

    def load(self) -> Mapping[str, Any] | None:
        found = self.keeper.load() if self.keeper else None
        if found is None:
            return None
        state = dict(found)
        self.earlier = float(state.pop("seconds", 0.0))
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        if self.keeper:
            self.keeper.save({**state, "seconds": self.seconds})


def _centre(
    network: Classifier, data: ImageDataset, core: Core, side: int | None
) -> NDArray[np.float32]:
    sums = np.zeros(network.dimension)
    for start in range(0, len(core.images), EVALUATION_BATCH):
        some = data.images[core.images[start : start + EVALUATION_BATCH]]
        sums += pixels_hidden(network, some, side, mirror=True).sum(0, dtype=np.float64)
    return (sums / len(core.images)).astype(np.float32)


def save_core_network(network: CoreNetwork, path: str | Path) -> None:
    """Writes parameters, training record and how it was made; replaces the file atomically."""
    config, tensors = network.base.parts
    record = network.base.record
    about = {
        "format": FORMAT,
        "network": config,
        "record": record and record.to_json(),
        "about": dict(network.about),
    }
    write_bytes(path, to_bytes({**tensors, CENTRE: network.centre}, about))


def load_core_network(path: str | Path) -> CoreNetwork:
    """Reads what `save_core_network` wrote.

    Raises:
        CheckpointError: Missing, cut off, a pickle, or another kind of file.
    """
    tensors, about = read_tensors(path)
    centre = tensors.pop(CENTRE, None)
    whole = centre is not None and isinstance(about.get("about"), dict)
    if about.get("format") != FORMAT or not whole:
        raise CheckpointError(
            f"a file of format {FORMAT!r}",
            f"{about.get('format')!r} in {Path(path).name}",
            "Train the network again.",
        )
    try:
        record = TrainingRecord.from_json(about.get("record"))
        base = ClassifierFeatures.from_parts(about["network"], tensors, record)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"a consistent network in {Path(path).name}",
            f"{type(error).__name__}: {error}",
            "Train the network again.",
        ) from error
    return CoreNetwork(base, centre, about["about"])

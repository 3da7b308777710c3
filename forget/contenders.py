"""What is compared: methods of networks, and subtraction where the linear part begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Protocol

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.label_linearizations import LabelReadout, linearize_classifier
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.heads import head_gap
from forget.linear.readout import Measured
from forget.methods.registry import NETWORK_METHODS
from forget.methods.subtract import subtract
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier
from forget.networks import Networks
from forget.progress import OnStep, silent
from forget.recipe import logits_of
from forget.tuning import tuned
from forget.unlearning.contract import Guarantee, NetworkMethod

__all__ = ["READY", "STANDARD", "Answer", "Contender", "by_method", "contenders", "never_learned"]

STANDARD, READY = "subtract", "subtract_forget_ready"
ROUNDS = 3  # subtractions that are timed, since the first one loads libraries


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender came to.

    Arguments:
        logits: For all images of the data set, (n, c).
        guarantee: What is promised.
        seconds: What forgetting took; of subtraction the median of three times.
        passes: Over images; nan for what passes over sums.
        network: The network; None where the answer is a linear model's.
        refit_gap: Largest difference to the linear part fitted again without; nan for networks.
    """

    logits: NDArray[np.floating] = field(repr=False)
    guarantee: Guarantee
    seconds: float
    passes: float = float("nan")
    network: Classifier | None = field(default=None, repr=False)
    refit_gap: float = float("nan")


class Contender(Protocol):
    """Takes what was trained, and forgets."""

    def __call__(
        self, networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
    ) -> Answer:
        """Forgets `split.forget`."""
        ...


def contenders(names: Sequence[str], problem: str = "") -> dict[str, Contender]:
    """Contenders by name.

    Arguments:
        names: Of network methods, `STANDARD` or `READY`; "retrain" stands for the reference
            itself.
        problem: The data set whose settings methods shall have, where they were searched.

    Raises:
        ForgetError: No such contender.
    """
    known: dict[str, Contender] = {
        "retrain": _reference,
        STANDARD: _standard,
        READY: _ready,
    }
    methods = tuned(problem)
    found: dict[str, Contender] = {}
    for name in dict.fromkeys(names):
        if name in known:
            found[name] = known[name]
        elif name in methods:
            found[name] = by_method(methods[name])
        else:
            every = ", ".join([*known, *methods])
            raise ForgetError(f"methods of {every}", repr(name), "Choose among them.")
    return found


def by_method(method: NetworkMethod) -> Contender:
    """A network method on the original."""

    def contend(
        networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
    ) -> Answer:
        found = method(networks.original, split, seed, on_step, fabric=fabric)
        network: Classifier = found.model  # type: ignore[assignment]
        passes = float(found.detail["passes"])
        logits = _logits(network, split, fabric)
        return Answer(logits, found.guarantee, found.seconds, passes, network)

    return contend


def never_learned(
    name: str, networks: Networks, split: Partition, fabric: Fabric, on_step: OnStep = silent
) -> NDArray[np.floating]:
    """What a contender's model would say, (n, c), had the images never been learned from.

    For subtraction that is the same readout fitted without them, on the network that a core
    trained or on the reference; for all else the reference itself.
    """
    if name == READY:
        kept = np.setdiff1d(_added(networks, split), split.forget)
        return _fitted(_core(networks), split, networks.core_images, kept, on_step)
    if name == STANDARD:
        base = _trained(networks.reference, split, split.retain)
        return _fitted(base, split, split.retain, split.retain, on_step)
    return _logits(networks.reference, split, fabric)


def _reference(
    networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
) -> Answer:
    on_step(1, 1, "reading the reference")
    promised = NETWORK_METHODS["retrain"].promise(split)
    logits = _logits(networks.reference, split, fabric)
    return Answer(logits, promised, networks.seconds, networks.passes, networks.reference)


def _standard(
    networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
) -> Answer:
    base = _trained(networks.original, split, split.train)
    return _subtracted(base, split, split.train, split.train, on_step)


def _ready(
    networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
) -> Answer:
    base, added = _core(networks), _added(networks, split)
    return _subtracted(base, split, networks.core_images, added, on_step)


def _core(networks: Networks) -> ClassifierFeatures:
    if networks.core is None:
        raise ForgetError("a network that a core trained", "none", f"Leave {READY} out.")
    return networks.core.base


def _added(networks: Networks, split: Partition) -> Indices:
    """The training images that did not train the core's network."""
    return np.setdiff1d(split.train, networks.core_images)


def _trained(network: Classifier, split: Partition, images: Indices) -> ClassifierFeatures:
    hashes = frozenset(split.data.hashes_of(images))
    return ClassifierFeatures(network, TrainingRecord(frozenset(), hashes))


def _measured(
    base: ClassifierFeatures, split: Partition, core: Indices, on_step: OnStep
) -> tuple[LabelReadout, Measured]:
    """The last layer, and the rows of all images."""
    readout = linearize_classifier("penultimate", base, split.data, core, on_step)
    return readout, readout.measure(split.data.images, on_step)


def _fitted(
    base: ClassifierFeatures, split: Partition, core: Indices, learned: Indices, on_step: OnStep
) -> NDArray[np.floating]:
    readout, measured = _measured(base, split, core, on_step)
    model = readout.fit(split.data, measured[learned], learned)
    return readout.logits(model, measured, split.data.classes)


def _subtracted(
    base: ClassifierFeatures, split: Partition, core: Indices, learned: Indices, on_step: OnStep
) -> Answer:
    """The last layer fitted on some images, and less those to forget; compared with its refit."""
    readout, measured = _measured(base, split, core, on_step)
    model = readout.fit(split.data, measured[learned], learned)
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        found = subtract(model, split)
        _ = found.model.head  # type: ignore[union-attr]
        seconds.append(perf_counter() - start)
    kept = np.setdiff1d(learned, split.forget)
    again = readout.fit(split.data, measured[kept], kept)
    gap = head_gap(found.model.head, again.head)  # type: ignore[union-attr]
    logits = readout.logits(found.model, measured, split.data.classes)  # type: ignore[arg-type]
    return Answer(logits, found.guarantee, median(seconds), refit_gap=gap)


def _logits(network: Classifier, split: Partition, fabric: Fabric) -> NDArray[np.float32]:
    everything = np.arange(len(split.data.images))
    return logits_of(network, split.data, everything, fabric.device)

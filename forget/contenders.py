"""What is compared: methods of networks, and subtraction where the linear part begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.label_linearizations import linearize_classifier
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.heads import head_gap
from forget.methods.registry import NETWORK_METHODS
from forget.methods.subtract import subtract
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier
from forget.networks import Networks
from forget.progress import OnStep
from forget.recipe import logits_of
from forget.tuning import tuned
from forget.unlearning.contract import Guarantee, NetworkMethod

__all__ = ["READY", "STANDARD", "Answer", "Contender", "by_method", "contenders"]

STANDARD, READY = "subtract", "subtract_forget_ready"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender came to.

    Arguments:
        logits: For all images of the data set, (n, c).
        guarantee: What is promised.
        seconds: What forgetting took.
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
    hashes = frozenset(split.data.hashes_of(split.train))
    base = ClassifierFeatures(networks.original, TrainingRecord(frozenset(), hashes))
    return _subtracted(base, split, split.train, split.train, on_step)


def _ready(
    networks: Networks, split: Partition, seed: int, fabric: Fabric, on_step: OnStep
) -> Answer:
    if networks.core is None:
        raise ForgetError("a network that a core trained", "none", f"Leave {READY} out.")
    base, data = networks.core.base, split.data
    trained = np.isin(data.hashes_of(split.train), list(base.record.photographs))  # type: ignore[union-attr]
    core, added = split.train[trained], split.train[~trained]
    return _subtracted(base, split, core, added, on_step)


def _subtracted(
    base: ClassifierFeatures,
    split: Partition,
    core: NDArray[np.intp],
    learned: NDArray[np.intp],
    on_step: OnStep,
) -> Answer:
    """The last layer fitted on some images, and less those to forget; compared with its refit."""
    data = split.data
    readout = linearize_classifier("penultimate", base, data, core, on_step)
    everything = np.arange(len(data.images))
    measured = readout.measure(data.images[everything], on_step)
    model = readout.fit(data, measured[learned], learned)
    start = perf_counter()
    found = subtract(model, split)
    _ = found.model.head  # type: ignore[union-attr]
    seconds = perf_counter() - start
    kept = np.setdiff1d(learned, split.forget)
    again = readout.fit(data, measured[kept], kept)
    gap = head_gap(found.model.head, again.head)  # type: ignore[union-attr]
    logits = readout.logits(found.model, measured, data.classes)  # type: ignore[arg-type]
    return Answer(logits, found.guarantee, seconds, refit_gap=gap)


def _logits(network: Classifier, split: Partition, fabric: Fabric) -> NDArray[np.float32]:
    everything = np.arange(len(split.data.images))
    return logits_of(network, split.data, everything, fabric.device)

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
from forget.label_linearizations import linearize_classifier
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
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

__all__ = [
    "READY",
    "STANDARD",
    "Answer",
    "Contender",
    "by_method",
    "contenders",
    "logits_at",
    "never_learned",
]

STANDARD, READY = "subtract", "subtract_forget_ready"
ROUNDS = 3  # subtractions that are timed, since the first one loads libraries


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender came to.

    Arguments:
        logits: Of the images that were asked for, in their places among all of the data set,
            (n, c); nan in those of all others.
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
        self,
        networks: Networks,
        split: Partition,
        seed: int,
        fabric: Fabric,
        on_step: OnStep,
        asked: Indices,
    ) -> Answer:
        """Forgets `split.forget`, and answers for the images that are asked for."""
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
        networks: Networks,
        split: Partition,
        seed: int,
        fabric: Fabric,
        on_step: OnStep,
        asked: Indices,
    ) -> Answer:
        found = method(networks.original, split, seed, on_step, fabric=fabric)
        network: Classifier = found.model  # type: ignore[assignment]
        passes = float(found.detail["passes"])
        logits = logits_at(network, split, fabric, asked)
        return Answer(logits, found.guarantee, found.seconds, passes, network)

    return contend


def never_learned(
    name: str,
    networks: Networks,
    split: Partition,
    fabric: Fabric,
    asked: Indices,
    on_step: OnStep = silent,
) -> NDArray[np.floating]:
    """What subtraction's model would say, (n, c), had the images never been learned from.

    That is the same readout fitted without them: on the network that a core trained for `READY`,
    on the reference for `STANDARD`. nan where nobody asked.
    """
    if name == READY:
        kept = np.setdiff1d(_added(networks, split), split.forget)
        linear = _Linear(_core(networks), split, networks.core_images, kept, asked, on_step)
    else:
        base = _trained(networks.reference, split, split.retain)
        linear = _Linear(base, split, split.retain, split.retain, asked, on_step)
    return linear.logits(linear.fit(linear.learned))


def logits_at(
    network: Classifier, split: Partition, fabric: Fabric, asked: Indices
) -> NDArray[np.float32]:
    """Logits of some images in their places among all, (n, c); nan in those of all others."""
    return _placed(split, asked, logits_of(network, split.data, asked, fabric.device))


def _reference(
    networks: Networks,
    split: Partition,
    seed: int,
    fabric: Fabric,
    on_step: OnStep,
    asked: Indices,
) -> Answer:
    on_step(1, 1, "reading the reference")
    promised = NETWORK_METHODS["retrain"].promise(split)
    logits = logits_at(networks.reference, split, fabric, asked)
    return Answer(logits, promised, networks.seconds, networks.passes, networks.reference)


def _standard(
    networks: Networks,
    split: Partition,
    seed: int,
    fabric: Fabric,
    on_step: OnStep,
    asked: Indices,
) -> Answer:
    base = _trained(networks.original, split, split.train)
    return _Linear(base, split, split.train, split.train, asked, on_step).less_the_forgotten()


def _ready(
    networks: Networks,
    split: Partition,
    seed: int,
    fabric: Fabric,
    on_step: OnStep,
    asked: Indices,
) -> Answer:
    base, added = _core(networks), _added(networks, split)
    return _Linear(base, split, networks.core_images, added, asked, on_step).less_the_forgotten()


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


class _Linear:
    """The last layer of a network, and the rows of the images that it learns or is asked about."""

    def __init__(
        self,
        base: ClassifierFeatures,
        split: Partition,
        core: Indices,
        learned: Indices,
        asked: Indices,
        on_step: OnStep,
    ) -> None:
        self.split, self.learned, self.asked = split, learned, asked
        self.readout = linearize_classifier("penultimate", base, split.data, core, on_step)
        self.images = np.union1d(learned, asked)
        self.measured = self.readout.measure(split.data.images[self.images], on_step)

    def fit(self, indices: Indices) -> LinearModel:
        """The model of some of the learned images."""
        return self.readout.fit(self.split.data, self._rows(indices), indices)

    def logits(self, model: LinearModel) -> NDArray[np.floating]:
        """Of the images that are asked for, in their places."""
        rows = self._rows(self.asked)
        return _placed(
            self.split, self.asked, self.readout.logits(model, rows, self.split.data.classes)
        )

    def less_the_forgotten(self) -> Answer:
        """The model of all learned images less those to forget; compared with its refit."""
        model = self.fit(self.learned)
        seconds = []
        for _ in range(ROUNDS):
            start = perf_counter()
            found = subtract(model, self.split)
            _ = found.model.head  # type: ignore[union-attr]
            seconds.append(perf_counter() - start)
        again = self.fit(np.setdiff1d(self.learned, self.split.forget))
        gap = head_gap(found.model.head, again.head)  # type: ignore[union-attr]
        logits = self.logits(found.model)  # type: ignore[arg-type]
        return Answer(logits, found.guarantee, median(seconds), refit_gap=gap)

    def _rows(self, indices: Indices) -> Measured:
        return self.measured[np.searchsorted(self.images, indices)]


def _placed(
    split: Partition, asked: Indices, logits: NDArray[np.floating]
) -> NDArray[np.floating]:
    found = np.full((len(split.data.images), logits.shape[1]), np.nan, logits.dtype)
    found[asked] = logits
    return found

"""What is compared: methods of networks, and subtraction where the linear part begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

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
    "Trial",
    "by_method",
    "contenders",
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


@dataclass(frozen=True, eq=False)
class Trial:
    """What a contender is given.

    Arguments:
        networks: What was trained.
        split: Which images to forget, which to keep.
        asked: The images that it shall answer for.
        fabric: Where to compute.
        seed: Of the method.
        on_step: Told of progress.
    """

    networks: Networks
    split: Partition
    asked: Indices = field(repr=False)
    fabric: Fabric
    seed: int = 0
    on_step: OnStep = silent

    def logits(self, network: Classifier) -> NDArray[np.float32]:
        """Of the images that are asked for, in their places among all, (n, c); else nan."""
        data = self.split.data
        return self.placed(logits_of(network, data, self.asked, self.fabric.device))

    def placed(self, logits: NDArray) -> NDArray:
        """The rows of the images that are asked for, put in their places among all; else nan."""
        images = len(self.split.data.images)
        found = np.full((images, logits.shape[1]), np.nan, logits.dtype)
        found[self.asked] = logits
        return found


Contender = Callable[[Trial], Answer]


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

    def contend(trial: Trial) -> Answer:
        original = trial.networks.original
        found = method(original, trial.split, trial.seed, trial.on_step, fabric=trial.fabric)
        network: Classifier = found.model  # type: ignore[assignment]
        passes = float(found.detail["passes"])
        return Answer(trial.logits(network), found.guarantee, found.seconds, passes, network)

    return contend


def never_learned(name: str, trial: Trial) -> NDArray[np.floating]:
    """What subtraction's model would say, (n, c), had the images never been learned from.

    That is the same readout fitted without them: on the network that a core trained for `READY`,
    on the reference for `STANDARD`. nan where nobody asked.
    """
    networks, split = trial.networks, trial.split
    if name == READY:
        kept = np.setdiff1d(_added(trial), split.forget)
        linear = _Linear(_core(networks), trial, networks.core_images, kept)
    else:
        base = _trained(networks.reference, split, split.retain)
        linear = _Linear(base, trial, split.retain, split.retain)
    return linear.logits(linear.fit(linear.learned))


def _reference(trial: Trial) -> Answer:
    trial.on_step(1, 1, "reading the reference")
    networks = trial.networks
    promised = NETWORK_METHODS["retrain"].promise(trial.split)
    logits = trial.logits(networks.reference)
    return Answer(logits, promised, networks.seconds, networks.passes, networks.reference)


def _standard(trial: Trial) -> Answer:
    train = trial.split.train
    base = _trained(trial.networks.original, trial.split, train)
    return _Linear(base, trial, train, train).less_the_forgotten()


def _ready(trial: Trial) -> Answer:
    core = trial.networks.core_images
    return _Linear(_core(trial.networks), trial, core, _added(trial)).less_the_forgotten()


def _core(networks: Networks) -> ClassifierFeatures:
    if networks.core is None:
        raise ForgetError("a network that a core trained", "none", f"Leave {READY} out.")
    return networks.core.base


def _added(trial: Trial) -> Indices:
    """The training images that did not train the core's network."""
    return np.setdiff1d(trial.split.train, trial.networks.core_images)


def _trained(network: Classifier, split: Partition, images: Indices) -> ClassifierFeatures:
    hashes = frozenset(split.data.hashes_of(images))
    return ClassifierFeatures(network, TrainingRecord(frozenset(), hashes))


class _Linear:
    """The last layer of a network, and the rows of the images that it learns or is asked about."""

    def __init__(
        self, base: ClassifierFeatures, trial: Trial, core: Indices, learned: Indices
    ) -> None:
        self.trial, self.split, self.learned = trial, trial.split, learned
        data, told = self.split.data, trial.on_step
        self.readout = linearize_classifier("penultimate", base, data, core, told)
        self.images = np.union1d(learned, trial.asked)
        self.measured = self.readout.measure(data.images[self.images], told)

    def fit(self, indices: Indices) -> LinearModel:
        """The model of some of the learned images."""
        return self.readout.fit(self.split.data, self._rows(indices), indices)

    def logits(self, model: LinearModel) -> NDArray[np.floating]:
        """Of the images that are asked for, in their places."""
        rows = self._rows(self.trial.asked)
        return self.trial.placed(self.readout.logits(model, rows, self.split.data.classes))

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

"""The contract of all methods: what they get, what they return, what they promise."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any, ClassVar, NamedTuple, Protocol

from lightning_fabric import Fabric

from forget.data.dataset import known_identities, known_names
from forget.data.partition import Partition
from forget.data.split import Split
from forget.errors import IdentityError
from forget.linear.model import LinearModel
from forget.models.classifier import Classifier
from forget.progress import OnStep, silent
from forget.training import Keeper, OnEpoch, accelerate

__all__ = [
    "Guarantee",
    "Kind",
    "Method",
    "NetworkMethod",
    "Range",
    "Scope",
    "Unlearned",
    "Work",
    "whom",
]


class Kind(StrEnum):
    """How much a method proves."""

    EXACT = "exact"  # equals, bit for bit, the refit of what the scope names
    CERTIFIED = "certified"  # (epsilon, delta)-indistinguishable from that refit, budget accounted
    APPROXIMATE = "approximate"  # close to the reference; how close is measured, not proved
    NONE = "none"  # suppression only: the outputs changed, what was learned need not have


class Scope(StrEnum):
    """What a guarantee covers."""

    MODEL = "model"  # everything: nothing in the feature map saw the person
    READOUT = "readout"  # the head; the feature map saw the person, or may have


@dataclass(frozen=True)
class Guarantee:
    """A promise, what it covers, and why no more.

    Arguments:
        kind: How much is proved.
        scope: What it covers.
        reason: One plain sentence.
        because: The clause of it that says why the scope is no wider; empty for the whole model.
        caveat: What the people asked about would still mind; empty if nothing is known.
    """

    kind: Kind
    scope: Scope
    reason: str
    because: str = ""
    caveat: str = ""


@dataclass(frozen=True, eq=False)
class Unlearned:
    """What a method returns.

    Arguments:
        model: A new model without the people; the input is as it was.
        guarantee: What is promised about it.
        seconds: Time the method took.
        detail: What else the method measured, plain values.
    """

    model: LinearModel | Classifier
    guarantee: Guarantee
    seconds: float
    detail: Mapping[str, Any] = field(default_factory=dict)


class Method(Protocol):
    """Takes people out of a linear model and returns a new one; never changes its input.

    Arguments:
        model: The model that knows them.
        split: Whom to forget, and the photographs.
        seed: Same seed, same result.
        on_step: Told of progress; what it raises passes through.
    """

    def __call__(
        self, model: LinearModel, split: Split, seed: int = 0, on_step: OnStep = silent
    ) -> Unlearned:
        """Forgets `split.leaving`."""
        ...


@dataclass(frozen=True, eq=False)
class Work:
    """Where and under whose eyes a network method works.

    Arguments:
        fabric: Where to compute.
        on_step: Told of each batch; what it raises passes through.
        on_epoch: Told of each epoch, with the network as it is then.
        keeper: Holds what is needed to go on after a kill.
        detail: What the method measures of itself, plain values; it is filled while it works.
    """

    fabric: Fabric
    on_step: OnStep = silent
    on_epoch: OnEpoch | None = None
    keeper: Keeper | None = None
    detail: dict[str, Any] = field(default_factory=dict)


class Range(NamedTuple):
    """What a setting may be.

    Arguments:
        low: The least.
        high: The most.
        above: Whether it must be above the least.
    """

    low: float
    high: float = math.inf
    above: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and (
            (self.low < value if self.above else self.low <= value) and value <= self.high
        )

    def __str__(self) -> str:
        least = f"above {self.low:g}" if self.above else f"{self.low:g} or more"
        return least if self.high == math.inf else f"{least}, at most {self.high:g}"


class NetworkMethod(ABC):
    """Takes images out of a network and returns a new one; never changes its input.

    A method is a frozen dataclass whose fields are its settings. Its detail tells "passes", what
    it cost: forward and backward of one image count 1, forward alone 1/3. Unless a method says
    otherwise in `Work.detail`, each epoch passes over the retain set once.
    """

    epochs: int
    ranges: ClassVar[Mapping[str, Range]] = {}  # of settings of its own, by name

    def __call__(
        self,
        model: Classifier,
        split: Partition,
        seed: int = 0,
        on_step: OnStep = silent,
        *,
        fabric: Fabric | None = None,
        on_epoch: OnEpoch | None = None,
        keeper: Keeper | None = None,
    ) -> Unlearned:
        """Forgets `split.forget`.

        Arguments:
            model: The network that was trained on all of `split.train`.
            split: Which images to forget, which to keep.
            seed: Same seed, device and number of threads, same result.
            on_step: Told of progress; what it raises passes through.
            fabric: Where to compute; by default the best device there is.
            on_epoch: Told of each epoch, with the network as it is then.
            keeper: Holds what is needed to go on after a kill.
        """
        start = perf_counter()
        work = Work(fabric or accelerate(), on_step, on_epoch, keeper)
        after = self.change(model, split, seed, work).cpu().eval()
        usual = {"epochs": self.epochs, "passes": self.epochs * len(split.retain)}
        detail = usual | work.detail
        return Unlearned(after, self.vouch(split, detail), perf_counter() - start, detail)

    @abstractmethod
    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """The new network."""

    @abstractmethod
    def promise(self, split: Partition) -> Guarantee:
        """What is promised about it."""

    def vouch(self, split: Partition, detail: Mapping[str, Any]) -> Guarantee:
        """The promise, after what the method measured of itself; never more than `promise`."""
        return self.promise(split)


def whom(model: LinearModel, split: Split | Partition) -> tuple[str, ...]:
    """Whom a split wants a model to forget, once each; images in the order of the data set.

    Raises:
        IdentityError: Nobody, somebody who is not in the model, or everybody in it.
    """
    held = model.statistics.classes if model.store is None else model.store.chunks
    check = known_names if isinstance(split, Partition) else known_identities
    people = check(split.leaving, held)
    if len(people) == len(held):
        raise IdentityError(
            f"at most {len(people) - 1} of {len(people)} people to forget",
            "everybody",
            "Keep at least one person, or delete the whole model.",
        )
    return people

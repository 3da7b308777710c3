"""The contract of all methods: what they get, what they return, what they promise."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any, Protocol

from lightning_fabric import Fabric

from forget.data.dataset import known_identities
from forget.data.partition import Partition
from forget.data.split import Split
from forget.errors import IdentityError
from forget.linear.model import LinearModel
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier
from forget.progress import OnStep, silent
from forget.training import Keeper, OnEpoch, accelerate

__all__ = [
    "Guarantee",
    "Kind",
    "Method",
    "NetworkMethod",
    "Scope",
    "Unlearned",
    "Work",
    "guarantee_exact",
    "guarantee_for",
    "guarantee_images",
    "whom",
]


class Kind(StrEnum):
    """How much a method proves."""

    EXACT = "exact"  # equals, bit for bit, the refit of what the scope names
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


class NetworkMethod(ABC):
    """Takes images out of a network and returns a new one; never changes its input.

    A method is a frozen dataclass whose fields are its settings. Its detail tells "passes", what
    it cost: forward and backward of one image count 1, forward alone 1/3. Unless a method says
    otherwise in `Work.detail`, each epoch passes over the retain set once.
    """

    epochs: int

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
        return Unlearned(after, self.promise(split), perf_counter() - start, detail)

    @abstractmethod
    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """The new network."""

    @abstractmethod
    def promise(self, split: Partition) -> Guarantee:
        """What is promised about it."""


def whom(model: LinearModel, split: Split | Partition) -> tuple[str, ...]:
    """Whom a split wants a model to forget, once each, in natural order.

    Raises:
        IdentityError: Nobody, somebody who is not in the model, or everybody in it.
    """
    people = known_identities(split.leaving, model.people)
    if len(people) == len(model.people):
        raise IdentityError(
            f"at most {len(people) - 1} of {len(people)} people to forget",
            "everybody",
            "Keep at least one person, or delete the whole model.",
        )
    return people


def guarantee_exact(
    record: TrainingRecord | None,
    photographs: Mapping[str, frozenset[str]],
    staying: Mapping[str, frozenset[str]],
    title: Callable[[str], str] = str,
) -> Guarantee:
    """What exact forgetting on a feature map promises about some people.

    The scope is the whole model only if neither the people nor any of their photographs are in
    the feature map's training record.

    Arguments:
        record: Whose photographs trained the feature map; None where nobody knows.
        photographs: The people to forget, each with the SHA-256 of their photographs.
        staying: The same of the people who stay enrolled.
        title: What to call a person.
    """

    def listed(people: Iterable[str]) -> str:
        return ", ".join(title(person) for person in people)

    names, theirs = listed(photographs), frozenset().union(*photographs.values())
    twins = [person for person, hashes in staying.items() if hashes & theirs]
    caveat = (
        f"The same photograph is enrolled as {listed(twins)}, who stays: forget both to remove it."
        if twins
        else ""
    )
    because = _why_readout(record, photographs, listed)
    if because:
        verb = "may not have" if record is None else "has not"
        reason = f"The readout has forgotten {names}, the feature map {verb}: {because}."
        return Guarantee(Kind.EXACT, Scope.READOUT, reason, because, caveat)
    reason = (
        f"The model is, bit for bit, the one that was never given {names}: the sums are equal, "
        "and the feature map was trained on other people."
    )
    return Guarantee(Kind.EXACT, Scope.MODEL, reason, caveat=caveat)


def guarantee_images(record: TrainingRecord | None, split: Partition) -> Guarantee:
    """What exact forgetting of single images on a feature map promises.

    Arguments:
        record: Which images trained the feature map; None where nobody knows.
        split: The images to forget and to keep.
    """
    leaving, staying = split.data.hashes_of(split.forget), split.data.hashes_of(split.retain)
    twins = len(set(leaving) & set(staying))
    caveat = f"{twins:,} of them stay as copies in the images that are kept." if twins else ""
    if record is None:
        because = "nobody knows what the feature map was trained on (training data unknown)"
    elif seen := sum(one in record.photographs for one in leaving):
        because = f"the feature map was trained on {seen:,} of them"
    else:
        reason = (
            f"The model is, bit for bit, the one that was never given {split.what}: the sums are "
            "equal, and the feature map was trained on other images."
        )
        return Guarantee(Kind.EXACT, Scope.MODEL, reason, caveat=caveat)
    verb = "may not have" if record is None else "has not"
    reason = f"The readout has forgotten {split.what}, the feature map {verb}: {because}."
    return Guarantee(Kind.EXACT, Scope.READOUT, reason, because, caveat)


def guarantee_for(
    model: LinearModel, split: Split | Partition, people: Iterable[str]
) -> Guarantee:
    """What exact forgetting of some people promises, from all that is known of their photographs.

    Arguments:
        model: The model that still knows them; its store keeps hashes of what was enrolled.
        split: May hold more photographs of them.
        people: Whom to forget.
    """
    if isinstance(split, Partition):
        return guarantee_images(model.feature_map.record, split)
    parts = model.parts()
    held = {
        person: frozenset(h for part in parts if person in part for h in part[person].photographs)
        for person in model.people
    }
    leaving = {
        person: held.pop(person, frozenset())
        | (split.faces.hashes_of(person) if person in split.faces.identities else frozenset())
        for person in people
    }
    return guarantee_exact(model.feature_map.record, leaving, held, split.faces.title)


def _why_readout(
    record: TrainingRecord | None,
    photographs: Mapping[str, frozenset[str]],
    listed: Callable[[Iterable[str]], str],
) -> str:
    """Why the feature map may know some of the people; empty if it does not."""
    if record is None:
        return "nobody knows whom the feature map was trained on (training data unknown)"
    core = [person for person in photographs if person in record.people]
    twins = [
        person
        for person, hashes in photographs.items()
        if person not in record.people and hashes & record.photographs
    ]
    why = [f"the feature map was trained on {listed(core)}"] if core else []
    if twins:
        why.append(
            f"a photograph of {listed(twins)} belongs to somebody whom the feature map was "
            "trained on"
        )
    return ", and ".join(why)

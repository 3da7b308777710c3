"""The contract of all methods: what they get, what they return, what they promise."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from forget.data.split import Split
from forget.linear.model import LinearModel
from forget.models.checkpoint import TrainingRecord
from forget.progress import OnStep, silent

__all__ = ["Guarantee", "Kind", "Method", "Scope", "Unlearned", "guarantee_exact", "guarantee_for"]


class Kind(StrEnum):
    """How much a method proves."""

    EXACT = "exact"  # equals, bit for bit, the refit of what the scope names


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

    model: LinearModel
    guarantee: Guarantee
    seconds: float
    detail: Mapping[str, Any] = field(default_factory=dict)


class Method(Protocol):
    """Takes people out of a model and returns a new one; never changes its input.

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


def guarantee_for(model: LinearModel, split: Split, people: Iterable[str]) -> Guarantee:
    """What exact forgetting of some people promises, from all that is known of their photographs.

    Arguments:
        model: The model that still knows them; its store keeps hashes of what was enrolled.
        split: May hold more photographs of them.
        people: Whom to forget.
    """
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

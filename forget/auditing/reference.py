"""Whether a model can stand beside an audited one as a reference, and what kind of one it is."""

from collections.abc import Sequence
from pathlib import Path

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.erasing.features import Erased
from forget.linear.feature_map import FeatureMap
from forget.linear.model import LinearModel
from forget.unlearning.guarantees import guarantee_for

__all__ = ["beyond", "check_reference", "described", "refuse_knowing"]


def refuse_knowing(
    model: LinearModel, people: Sequence[str], where: str | Path, remedy: str
) -> None:
    """Nobody audits by accident a model that still knows them under their name.

    Arguments:
        model: That should not know them.
        people: Identity ids.
        where: What to call the model in an error.
        remedy: What to do where it knows one of them.

    Raises:
        ForgetError: It does.
    """
    known = {*model.people, *model.statistics.classes}
    if there := [person for person in people if person in known]:
        raise ForgetError(
            f"a model without {', '.join(people)} in {where}",
            f"one that names {', '.join(there)}",
            remedy,
        )


def check_reference(
    model: LinearModel, people: Sequence[str], faces: FaceDataset, where: str | Path
) -> None:
    """Refuses what cannot stand beside an audited model.

    Arguments:
        model: The reference.
        people: Who was forgotten.
        faces: The photographs, which it has to read as well.
        where: What to call it in an error.

    Raises:
        ForgetError: It knows one of the people, or reads other photographs.
    """
    remedy = "A reference is a model that was made without them: fit or train one again."
    refuse_knowing(model, people, where, remedy)
    try:
        model.feature_map.rows(faces.images[:1])
    except (ForgetError, RuntimeError) as error:  # a network's own words for a wrong shape
        got = error.got if isinstance(error, ForgetError) else str(error).splitlines()[0]
        raise ForgetError(
            f"a reference in {where} that reads the photographs of {faces.name}, "
            f"{'x'.join(map(str, faces.images.shape[1:]))} pixels",
            f"one for others ({got})",
            "Give a model that was fitted on photographs of the same kind.",
        ) from error


def described(reference: Subject | None, after: Subject, evidence: Evidence) -> str:
    """What a reference shares with the audited model, in sentences; empty without one."""
    if reference is None:
        return ""
    one, ours = reference.linear, after.linear
    if one is None or ours is None:
        return "The reference is a network of its own; nobody knows here whom it was trained on."
    if _equal(one, ours):
        return (
            "The reference is the audited model, bit for bit: its sums have the same digest "
            f"({one.statistics.digest()[:8]}), and the readout is solved from the sums alone."
        )
    if one.feature_map.space == ours.feature_map.space:
        said = "The reference shares the audited model's network; its readout has other sums."
    elif _unedited(one.feature_map).space == _unedited(ours.feature_map).space:
        said = "The reference shares the audited model's network, but not what was edited there."
    else:
        said = f"The reference has a network of its own{_trained_on(one, evidence)}."
    return said + _gallery(one, evidence) + _twins(one, evidence)


def beyond(subject: Subject, evidence: Evidence, reference: Subject | None = None) -> str:
    """What no question can see: shadows and refits share one feature map, whoever taught it."""
    model = subject.linear
    if model is None:
        return "Nobody knows here whom the network was trained on; no question can tell."
    because = guarantee_for(model, evidence.split, evidence.forgotten).because
    if not because:
        return ""
    other = reference.linear if reference else None
    if other is not None and other.feature_map.record is not None and not _taught(other, evidence):
        return (
            f"The readout alone is audited: {because}, and every comparison shares it but the "
            "reference, whose network was trained without them."
        )
    return f"The readout alone is audited: {because}, and every comparison shares it."


def _equal(one: LinearModel, other: LinearModel) -> bool:
    same = one.feature_map.space == other.feature_map.space and one.rule == other.rule
    same = same and one.threshold == other.threshold
    return same and one.statistics.digest() == other.statistics.digest()


def _unedited(feature_map: FeatureMap) -> FeatureMap:
    while isinstance(feature_map, Erased):
        feature_map = feature_map.base
    return feature_map


def _taught(model: LinearModel, evidence: Evidence) -> list[str]:
    """The forgotten, of whom the record of a network's training holds a photograph."""
    record = model.feature_map.record
    if record is None:
        return []
    return [
        person
        for person in evidence.forgotten
        if person in record.people or evidence.faces.hashes_of(person) & record.photographs
    ]


def _trained_on(model: LinearModel, evidence: Evidence) -> str:
    if model.feature_map.record is None:
        return ", and nobody recorded whom it was trained on"
    if taught := _taught(model, evidence):
        who = ", ".join(evidence.faces.title(person) for person in taught)
        return f", which was trained on {who} as well"
    return ", which was trained on none of them"


def _gallery(model: LinearModel, evidence: Evidence) -> str:
    stays = set(evidence.staying)
    known = stays & set(model.people)
    if known == stays:
        return ""
    return f" It knows {len(known)} of the {len(stays)} people who stay: compare with care."


def _twins(model: LinearModel, evidence: Evidence) -> str:
    """Photographs of the forgotten that it holds under other names."""
    if model.store is None:
        return ""
    theirs = frozenset().union(*(evidence.faces.hashes_of(p) for p in evidence.forgotten))
    store, title = model.store, evidence.faces.title
    who = [title(p) for p in store.people if theirs & set(store[p].photographs)]
    return f" It holds photographs of them, enrolled as {', '.join(who)}." if who else ""

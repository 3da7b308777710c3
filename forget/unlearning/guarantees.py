"""What may be promised: how exact, how far, and why no further."""

from collections.abc import Callable, Iterable, Mapping

from forget.data.partition import Partition
from forget.data.split import Split
from forget.data.twins.shared import SharedPictures
from forget.linear.model import LinearModel
from forget.models.checkpoint import TrainingRecord
from forget.unlearning.contract import Guarantee, Kind, Scope

__all__ = ["guarantee_exact", "guarantee_for", "guarantee_images", "suppressed", "went_on_without"]


def guarantee_exact(
    record: TrainingRecord | None,
    photographs: Mapping[str, frozenset[str]],
    staying: Mapping[str, frozenset[str]],
    title: Callable[[str], str] = str,
    shared: SharedPictures | None = None,
) -> Guarantee:
    """What exact forgetting on a feature map promises about some people.

    The scope is the whole model only if neither the people nor any of their photographs, nor one
    that hygiene found to be nearly the same, are in the feature map's training record.

    Arguments:
        record: Whose photographs trained the feature map; None where nobody knows.
        photographs: The people to forget, each with the SHA-256 of their photographs.
        staying: The same of the people who stay enrolled.
        title: What to call a person.
        shared: Pictures that are nearly the same, where somebody looked for them.
    """
    shared = shared or SharedPictures()

    def listed(people: Iterable[str]) -> str:
        return ", ".join(title(person) for person in people)

    names, theirs = listed(photographs), frozenset().union(*photographs.values())
    same = [person for person, hashes in staying.items() if hashes & theirs]
    near = frozenset().union(*(shared.others.get(person, ()) for person in photographs))
    alike = [person for person in staying if person in near and person not in same]
    caveat = " ".join(
        f"{how} photograph is enrolled as {listed(twins)}, who stays: forget both to remove it."
        for how, twins in (("The same", same), ("Nearly the same", alike))
        if twins
    )
    because = _why_readout(record, photographs, shared, listed)
    if because:
        verb = "may not have" if record is None else "has not"
        reason = f"The readout has forgotten {names}, the feature map {verb}: {because}."
        return Guarantee(Kind.EXACT, Scope.READOUT, reason, because, caveat)
    reason = (
        f"The model is, bit for bit, the one that was never given {names}: the sums are equal, "
        "and none of these photographs is among those that the feature map was trained on."
    )
    return Guarantee(Kind.EXACT, Scope.MODEL, reason, caveat=caveat)


def guarantee_images(record: TrainingRecord | None, split: Partition) -> Guarantee:
    """What exact forgetting of single images on a feature map promises.

    Arguments:
        record: Which images trained the feature map; None where nobody knows.
        split: The images to forget and to keep.
    """
    leaving, copied = split.data.hashes_of(split.forget), split.copied
    caveat = f"{copied:,} of them stay as copies in the images that are kept." if copied else ""
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
    model: LinearModel,
    split: Split | Partition,
    people: Iterable[str],
    shared: SharedPictures | None = None,
) -> Guarantee:
    """What exact forgetting of some people promises, from all that is known of their photographs.

    Arguments:
        model: The model that still knows them; its store keeps hashes of what was enrolled.
        split: May hold more photographs of them.
        people: Whom to forget.
        shared: Pictures that are nearly the same, where somebody looked for them.
    """
    if isinstance(split, Partition):
        return guarantee_images(model.feature_map.record, split)
    parts = model.parts()
    held = {
        person: frozenset(h for part in parts if person in part for h in part[person].photographs)
        for person in model.people
    }
    there = set(split.faces.identities)
    leaving = {
        person: held.pop(person, frozenset())
        | (split.faces.hashes_of(person) if person in there else frozenset())
        for person in people
    }
    record, title = model.feature_map.record, split.faces.title
    return guarantee_exact(record, leaving, held, title, shared)


def _why_readout(
    record: TrainingRecord | None,
    photographs: Mapping[str, frozenset[str]],
    shared: SharedPictures,
    listed: Callable[[Iterable[str]], str],
) -> str:
    """Why the feature map may know some of the people; empty if it does not."""
    if record is None:
        return "nobody knows whom the feature map was trained on (training data unknown)"
    core = [person for person in photographs if person in record.people]
    others = {person: hashes for person, hashes in photographs.items() if person not in core}
    same = [person for person, hashes in others.items() if hashes & record.photographs]
    alike = [person for person in others if person in shared.trained and person not in same]
    why = [f"the feature map was trained on {listed(core)}"] if core else []
    why += [
        f"a photograph of {listed(twins)} {how} somebody whom the feature map was trained on"
        for how, twins in (("belongs to", same), ("is nearly the same as one of", alike))
        if twins
    ]
    return ", and ".join(why)


def went_on_without(split: Partition) -> Guarantee:
    """What is promised of a network that only went on training on what stays."""
    reason = (
        f"The network went on training without {split.what}; how far that is from one that never "
        "saw them is measured, not proved."
    )
    return Guarantee(Kind.APPROXIMATE, Scope.MODEL, reason)


def suppressed(split: Partition, how: str) -> Guarantee:
    """What is promised of a network whose answers about some images were pushed away.

    Arguments:
        split: The images.
        how: What was done to the network, as in "The network was ...".
    """
    reason = (
        f"The network was {how} {split.what}; that its answers changed does not mean that what it "
        "learned is gone."
    )
    return Guarantee(Kind.NONE, Scope.MODEL, reason)

"""A partition made sound: nobody on both sides, nothing learned among what is held out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.data.twins.find import hygiene
from forget.data.twins.grouping import number
from forget.data.twins.report import Hygiene
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["Cleaned", "clean"]


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Holds a repaired partition and what was done to get it.

    Arguments:
        partition: Of the same data set.
        did: What was moved and dropped, a sentence each; empty where nothing had to be.
    """

    partition: Partition
    did: tuple[str, ...]


def clean(
    partition: Partition,
    report: Hygiene | None = None,
    whole: Literal["people", "pictures"] = "people",
    deduplicate: bool = False,
    on_step: OnStep = silent,
) -> Cleaned:
    """Repairs a partition, so that forgetting is well defined and the yardsticks are sound.

    Retained images of people to forget, and twins of images to forget, are to be forgotten too.
    Images of trained people leave the unseen set, and twins of training images leave it and the
    test set. Twins on one side stay, unless `deduplicate`. Cleaning twice changes nothing.

    Arguments:
        partition: What is forgotten and what stays.
        report: Of `hygiene(partition.data, partition)`, where it is there already.
        whole: "people" keeps people (joined by shared pictures) on one side; "pictures" only
            twins, for what cuts through people by design, such as forgetting a class.
        deduplicate: Keeps the first image of each picture to forget and to keep, and drops the
            others; where their classes contradict each other, the first one's stands.
        on_step: Gets images done and their total; may raise `Cancelled`.

    Raises:
        ForgetError: Nothing would stay to be kept, or the report or `whole` does not fit.
    """
    data = partition.data
    if whole not in ("people", "pictures"):
        raise ForgetError("people or pictures, to be kept whole", repr(whole), "Choose one.")
    report = report or hygiene(data, partition, on_step)
    if len(report.pictures) != len(data.images) or report.images is not data.images:
        raise ForgetError("a report on the same data set", "one on another", "Leave it out.")
    pictures, people = report.pictures, None
    if whole == "people" and data.people:
        people = number(np.asarray([report.people[person] for person in data.people]))
    did: list[str] = []
    forget, retain = _one_side(partition, pictures, people, did)
    trained = np.concatenate([forget, retain])
    test = _untouched(partition.test, trained, pictures, None, "test", did)
    unseen = _untouched(partition.unseen, trained, pictures, people, "unseen", did)
    if deduplicate:
        forget = _first_of_each(forget, pictures, data.labels, "forget", did)
        retain = _first_of_each(retain, pictures, data.labels, "keep", did)
    what = f"{partition.what}, cleaned" if did else partition.what
    return Cleaned(Partition(data, forget, retain, test, unseen, what), tuple(did))


def _one_side(
    partition: Partition,
    pictures: NDArray[np.int64],
    people: NDArray[np.int64] | None,
    did: list[str],
) -> tuple[Indices, Indices]:
    forget, retain = partition.forget, partition.retain
    moved = np.isin(pictures[retain], pictures[forget])
    if people is not None:
        both = np.intersect1d(people[retain], people[forget])
        moved |= np.isin(people[retain], both)  # they bring their pictures' twins along
        if len(both):
            theirs = int(np.isin(people[retain], both).sum())
            did.append(
                f"Moved {_some(theirs, 'retained image')} of "
                f"{_some(len(both), 'person', 'people')} on both sides to the images to forget."
            )
    elif moved.any():
        did.append(f"Moved {_some(moved.sum(), 'retained twin')} of images to forget to those.")
    if moved.all():
        raise ForgetError(
            "images to keep that have nothing in common with those to forget",
            "none",
            "Choose fewer people, or whole='pictures' where people are cut through by design.",
        )
    if not moved.any():
        return forget, retain
    return np.sort(np.concatenate([forget, retain[moved]])), retain[~moved]


def _untouched(
    held: Indices,
    trained: Indices,
    pictures: NDArray[np.int64],
    people: NDArray[np.int64] | None,
    name: str,
    did: list[str],
) -> Indices:
    known = np.isin(pictures[held], pictures[trained])
    if known.any():
        did.append(f"Dropped {_some(known.sum(), f'{name} image')} with a training twin.")
    if people is not None:
        others = np.isin(people[held], people[trained]) & ~known
        if others.any():
            did.append(f"Dropped {_some(others.sum(), f'more {name} image')} of trained people.")
        known |= others
    return held[~known]


def _first_of_each(
    indices: Indices,
    pictures: NDArray[np.int64],
    labels: NDArray[np.int64],
    name: str,
    did: list[str],
) -> Indices:
    _, first, group_of = np.unique(pictures[indices], return_index=True, return_inverse=True)
    dropped = len(indices) - len(first)
    if not dropped:
        return indices
    differ = labels[indices] != labels[indices[first]][group_of]
    words = f", {int(differ.sum()):,} of them of another class" if differ.any() else ""
    did.append(f"Dropped {_some(dropped, 'repeated image')} to {name}{words}.")
    return indices[np.sort(first)]


def _some(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

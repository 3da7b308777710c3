"""Hygiene of a data set: duplicates, one person under two ids, and what two sets share.

An image that is to be forgotten and has a twin among those that stay is not forgotten; a test on
images that were trained on tests nothing. Twins are found by the hash of their file (identical)
and by the correlation of their thumbnails (similar, see `forget.data.twins.similar`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.data.dataset import FaceDataset, natural_key, photograph_hash
from forget.data.image_dataset import ImageDataset
from forget.data.partition import Partition
from forget.data.twins.counts import Counts, Sets, count_all, say
from forget.data.twins.grouping import Numbers, group, number
from forget.data.twins.report import Hygiene
from forget.data.twins.similar import SIMILARITY, similar_pairs, thumbnails
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["hygiene"]

COLUMNS = ("group", "kind", "index", "file", "person", "class", "sets", "sha256")


@dataclass(frozen=True, eq=False)
class _View:
    """A data set of either kind, as far as hygiene looks at it."""

    images: NDArray[np.uint8]
    people: Sequence[str]
    classes: Sequence[str]
    files: Sequence[str]
    hashes: Sequence[str]


def hygiene(
    data: FaceDataset | ImageDataset,
    partition: Partition | None = None,
    on_step: OnStep = silent,
    similarity: float | None = SIMILARITY,
) -> Hygiene:
    """Looks for twins, for people under several ids, and for what sets have in common.

    The sets are those of the partition; without one the parts of the data set, or core and added
    people. Images in none of them are not looked at.

    Arguments:
        data: Photographs with the identity of each, or images with a class and perhaps a person.
        partition: What is forgotten and what stays.
        on_step: Gets images done and their total; may raise `Cancelled`.
        similarity: Correlation of thumbnails from which images count as twins; None compares
            the files only.

    Raises:
        ForgetError: The partition is of another data set, the similarity is none, or millions
            of pairs look alike.
    """
    if partition is not None and partition.data is not data:
        raise ForgetError(
            "a partition of the same data set", "one of another", "Give partition.data."
        )
    view, sets = _viewed(data), _sets(data, partition)
    looked = np.flatnonzero(np.logical_or.reduce(list(sets.values())))
    copies = number(np.asarray(view.hashes)) if len(view.hashes) else np.zeros(0, np.int64)
    pictures = _pictures(view, copies, looked, similarity, on_step)
    people, joined, strict = _people(view, pictures, copies, looked)
    classes = number(np.asarray(view.classes)) if len(view.classes) else None
    found = Counts(sets, looked, copies, pictures, people, joined, strict, classes)
    counts = count_all(found)
    table, warnings = say(counts, found)
    return Hygiene(
        name=data.name,
        counts=counts,
        table=table,
        groups=_groups(view, sets, copies, pictures, looked),
        people=_joined_ids(view.people, joined),
        pictures=pictures,
        warnings=warnings,
        images=view.images,
    )


def _viewed(data: FaceDataset | ImageDataset) -> _View:
    if isinstance(data, FaceDataset):
        hashes = [photograph_hash(image) for image in data.images]
        place = {i: k for who in data.identities for k, i in enumerate(data.of(who), start=1)}
        files = [f"{who} #{place[i]}" for i, who in enumerate(data.labels)]
        return _View(data.images, data.labels, (), files, hashes)
    n = len(data.images)
    files = data.files or tuple(f"#{i}" for i in range(n))
    classes = [data.classes[label] for label in data.labels]
    return _View(data.images, data.people, classes, files, data.hashes_of(range(n)))


def _sets(data: FaceDataset | ImageDataset, partition: Partition | None) -> Sets:
    n = len(data.images)
    if isinstance(data, FaceDataset):
        core = np.isin(np.asarray(data.labels), data.core)
        return {"core": core, "added": ~core} if data.core else {"all": np.ones(n, dtype=bool)}
    sets = {}
    for name, indices in (data.parts if partition is None else partition.sets).items():
        sets[name] = np.zeros(n, dtype=bool)
        sets[name][indices] = True
    return sets


def _pictures(
    view: _View,
    copies: Numbers,
    looked: NDArray[np.intp],
    similarity: float | None,
    on_step: OnStep,
) -> Numbers:
    """The picture that each image shows, (n,): identical files, and similar ones, show one."""
    if similarity is None:
        return copies
    _, first = np.unique(copies[looked], return_index=True)  # one of each file is enough
    chosen = looked[first]

    def making(done: int, total: int, note: str = "") -> None:
        on_step(done, 2 * total, note)

    def comparing(done: int, total: int, note: str = "") -> None:
        on_step(total + done, 2 * total, note)

    vectors = thumbnails(view.images, chosen, making)
    pairs = copies[chosen][similar_pairs(vectors, similarity, comparing)]
    return number(group(int(copies.max(initial=-1)) + 1, pairs)[copies])


def _people(
    view: _View, pictures: Numbers, copies: Numbers, looked: NDArray[np.intp]
) -> tuple[Numbers | None, Numbers | None, Numbers | None]:
    """Each image's person by id, joined by shared pictures, and joined by identical files."""
    if not len(view.people):
        return None, None, None
    people = number(np.asarray(view.people))
    count = int(people.max()) + 1
    joined = []
    for shared in (pictures, copies):
        links = np.stack([people[looked], count + shared[looked]], axis=1)
        joined.append(group(count + int(shared.max()) + 1, links)[:count][people])
    return people, joined[0], joined[1]


def _joined_ids(people: Sequence[str], joined: Numbers | None) -> Mapping[str, str]:
    """Each id, and the first id in natural order among those it is joined with."""
    if joined is None:
        return {}
    names: dict[int, str] = {}
    pairs = dict(zip(people, joined.tolist(), strict=True))
    for person in sorted(pairs, key=natural_key):
        names.setdefault(pairs[person], person)
    return {person: names[number_] for person, number_ in pairs.items()}


def _groups(
    view: _View, sets: Sets, copies: Numbers, pictures: Numbers, looked: NDArray[np.intp]
) -> pd.DataFrame:
    size = np.bincount(pictures[looked], minlength=1)
    member = looked[size[pictures[looked]] > 1]
    member = member[np.argsort(pictures[member], kind="stable")]
    versions = pd.Series(copies[member]).groupby(pictures[member]).transform("nunique").to_numpy()
    people = view.people or [""] * len(view.images)
    classes = view.classes or [""] * len(view.images)
    rows = [
        (
            "identical" if one == 1 else "similar",
            int(i),
            view.files[i],
            people[i],
            classes[i],
            ", ".join(name for name, mask in sets.items() if mask[i]),
            view.hashes[i][:12],
        )
        for i, one in zip(member, versions, strict=True)
    ]
    numbered = number(pictures[member]) + 1
    return pd.DataFrame(
        [(int(g), *row) for g, row in zip(numbered, rows, strict=True)], columns=list(COLUMNS)
    )

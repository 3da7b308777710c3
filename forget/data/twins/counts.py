"""Counts of what hygiene looks for, and a plain sentence for each."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.data.twins.grouping import Numbers

__all__ = ["Counts", "Sets", "count_all", "say"]

Sets = Mapping[str, NDArray[np.bool_]]

# Which images are looked for among which others: the second set is the one that was learned from,
# or for the last pair the one that is judged on.
PAIRS = (
    ("forget", "retain"),
    ("test", "training"),
    ("unseen", "training"),
    ("unseen", "test"),
    ("added", "core"),
)
TRAINING = ("train", "forget", "retain")
WORDS = {
    "forget": "[image|images] to forget",
    "retain": "[image|images] to keep",
    "test": "test [image|images]",
    "unseen": "unseen [image|images]",
    "training": "training [image|images]",
    "added": "[photograph|photographs] of added people",
    "core": "[photograph|photographs] of core people",
}
HOW = {
    "by id": "by id",
    "joined": "after joining people who share a picture",
    "joined by identical files": "after joining people who share an identical file",
}
HARM = {  # why it matters
    ("forget", "retain"): "what is forgotten stays known",
    ("test", "training"): "the test accuracy is flattered",
    ("unseen", "training"): "they are not unseen",
    ("unseen", "test"): "the two are not independent",
    ("added", "core"): "the feature map has seen them",
}


class Counts(NamedTuple):
    """What was found, one entry for each of n images.

    Arguments:
        sets: Which images are in which set.
        looked: Indices of the images in any set.
        copies: The same number for identical files.
        pictures: The same number for identical and similar images.
        people: The person by id, where people are known.
        joined: The person after joining those who share a picture.
        strict: The person after joining those who share an identical file.
        classes: The class, where there are classes.
    """

    sets: Sets
    looked: NDArray[np.intp]
    copies: Numbers
    pictures: Numbers
    people: Numbers | None
    joined: Numbers | None
    strict: Numbers | None
    classes: Numbers | None

    @property
    def training(self) -> NDArray[np.bool_]:
        """The images that are learned from; of photographs without a partition all."""
        masks = [mask for name, mask in self.sets.items() if name in TRAINING]
        return np.logical_or.reduce(masks or list(self.sets.values()))

    def mask(self, name: str) -> NDArray[np.bool_] | None:
        """The images of a set, or of the training sets together; nothing where there are none."""
        if name == "training":
            return self.training if set(TRAINING) & set(self.sets) else None
        return self.sets.get(name)


def count_all(found: Counts) -> dict[str, int]:
    """Counts each finding that the data set can have, by a short name."""
    training = np.flatnonzero(found.training)
    size = np.bincount(found.copies[training], minlength=1)
    versions = _distinct(found.pictures[training], found.copies[training])
    counts = {
        "identical images": int(size[size > 1].sum()),
        "identical groups": int((size > 1).sum()),
        "similar images": int((versions[found.pictures[training]] > 1).sum()),
    }
    looked = found.looked
    for name, values in (("people", found.people), ("classes", found.classes)):
        if values is not None:
            several = _distinct(found.pictures[looked], values[looked])
            counts[f"pictures of several {name}"] = int((several > 1).sum())
    for one, other in PAIRS:
        counts |= _shared_images(found, one, other)
    if found.people is not None:
        counts |= _people(found)
    return counts


def _shared_images(found: Counts, one: str, other: str) -> dict[str, int]:
    here, there = found.mask(one), found.mask(other)
    if here is None or there is None:
        return {}
    # An image may be in both sets by design: then only others have twins to speak of.
    here = np.flatnonzero(here & ~there)
    same = np.isin(found.copies[here], found.copies[there])
    alike = np.isin(found.pictures[here], found.pictures[there])
    pair = f"{one} in {other}"
    counts = {
        f"identical: {pair}": int(same.sum()),
        f"similar: {pair}": int((alike & ~same).sum()),
    }
    return counts


def _people(found: Counts) -> dict[str, int]:
    counts = {}
    by = {"by id": found.people, "joined": found.joined, "joined by identical files": found.strict}
    for how, people in by.items():
        counts[f"people {how}"] = _members(people[found.training])
        for name in ("forget", "retain"):
            if name in found.sets:
                counts[f"people to {name} {how}"] = _members(people[found.sets[name]])
        for one, other in (("forget", "retain"), ("unseen", "training")):
            here, there = found.mask(one), found.mask(other)
            if here is not None and there is not None:
                both = np.intersect1d(people[here], people[there])
                counts[f"people in {one} and {other} {how}"] = len(both)
    return counts


def _members(values: Numbers) -> int:
    return len(np.unique(values))


def _distinct(groups: Numbers, values: Numbers) -> Numbers:
    """How many different values each group has, by the number of the group."""
    pairs = np.unique(np.stack([groups, values], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=1)


def say(counts: Mapping[str, int], found: Counts) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table (finding, count, meaning) and the sentences that a reader must not miss."""
    rows = [(name, count, _sentence(name, counts, found)) for name, count in counts.items()]
    table = pd.DataFrame(rows, columns=["finding", "count", "meaning"])
    warned = [
        name
        for name, count in counts.items()
        if count
        and (
            name.startswith(("identical:", "similar:", "pictures of several"))
            or name in ("identical images", "similar images")
            or (name.startswith("people in ") and name.endswith(" joined"))
        )
    ]
    return table, tuple(_sentence(name, counts, found) for name in warned)


def _sentence(name: str, counts: Mapping[str, int], found: Counts) -> str:
    return _inflected(_words(name, found), counts[name])


def _inflected(words: str, count: int) -> str:
    """Puts the count first and takes the first of "[one|many]" for 1, else the second."""
    said = re.sub(r"\[([^|]*)\|([^]]*)\]", r"\1" if count == 1 else r"\2", words)
    return f"{count:,} {said}"


def _words(name: str, found: Counts) -> str:
    trained = found.mask("training") is not None
    among = f"of {int(found.training.sum()):,} {'training ' * trained}images [has|have]"
    if name == "identical images":
        return f"{among} an identical twin among them."
    if name == "identical groups":
        return "[group|groups] of the same file [is|are] formed by them."
    if name == "similar images":
        return f"{among} a twin whose file differs."
    if name.startswith("pictures of several"):
        return f"[picture occurs|pictures occur] under several {name.rsplit(' ', 1)[1]}."
    for one, other in PAIRS:
        if name.endswith(f": {one} in {other}"):
            kind = name.split(":")[0]
            article = "an identical" if kind == "identical" else "a similar, not identical,"
            harm = HARM[one, other]
            return f"{WORDS[one]} [has|have] {article} twin among the {_many(other)}: {harm}."
    return _words_of_people(name, trained)


def _words_of_people(name: str, trained: bool) -> str:
    start, how = next(
        (name.removesuffix(f" {end}"), words)
        for end, words in HOW.items()
        if name.endswith(f" {end}")
    )
    if start.startswith("people in "):
        one, other = start.removeprefix("people in ").split(" and ")
        both = f"both the {_many(one)} and the {_many(other)}"
        return f"[person is|people are] among {both}, {how}."
    if start.startswith("people to "):
        return f"[person has|people have] {_many(start.removeprefix('people to '))}, {how}."
    there = "[has|have] training images" if trained else "[is|are] in it"
    return f"[person|people] {there}, {how}."


def _many(name: str) -> str:
    return re.sub(r"\[[^|]*\|([^]]*)\]", r"\1", WORDS[name])

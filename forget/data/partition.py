"""The four sets of an experiment: to forget, to keep, held out, and never seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError, IdentityError

__all__ = ["Partition", "by_class", "by_index", "by_person", "thinned"]


@dataclass(frozen=True, eq=False)
class Partition:
    """A data set with the images to forget.

    Arguments:
        data: The data set that the indices point into.
        forget: Training images to forget.
        retain: The other training images.
        test: Held-out images of the same task.
        unseen: Images like those to forget that nobody trains on: the yardstick of every audit.
        what: What is forgotten, in words, such as "classes 5 and 7".

    Raises:
        ForgetError: Nothing is to be forgotten, nothing stays, or an image is in two sets.
    """

    data: ImageDataset
    forget: Indices = field(repr=False)
    retain: Indices = field(repr=False)
    test: Indices = field(repr=False)
    unseen: Indices = field(repr=False)
    what: str

    def __post_init__(self) -> None:
        for name, indices in (("to forget", self.forget), ("to keep", self.retain)):
            if not len(indices):
                raise ForgetError(
                    f"at least one training image {name}", "none", "Choose other images to forget."
                )
        trained = np.concatenate([self.forget, self.retain])
        if len(np.unique(trained)) != len(trained):
            raise ForgetError(
                "every training image once", "an image in two sets", "Correct the sets."
            )
        if len(np.intersect1d(trained, np.concatenate([self.test, self.unseen]))):
            raise ForgetError(
                "held-out images that are not trained on", "an image in both", "Correct the sets."
            )

    @cached_property
    def train(self) -> Indices:
        """All training images, sorted."""
        return np.sort(np.concatenate([self.forget, self.retain]))

    @cached_property
    def leaving(self) -> tuple[str, ...]:
        """Names of the images to forget, as `ImageDataset.unit` gives them."""
        return tuple(self.data.unit(i) for i in self.forget)

    @cached_property
    def copied(self) -> int:
        """How many images to forget, each counted once, stay as copies, byte for byte."""
        leaving, staying = (self.data.hashes_of(one) for one in (self.forget, self.retain))
        return len(set(leaving).intersection(staying))

    @property
    def sets(self) -> Mapping[str, Indices]:
        """The four sets by name; "unseen" is left out where it is empty."""
        four = {
            "forget": self.forget,
            "retain": self.retain,
            "test": self.test,
            "unseen": self.unseen,
        }
        return {name: indices for name, indices in four.items() if len(indices)}


def by_class(data: ImageDataset, names: Sequence[str | int]) -> Partition:
    """Forgets whole classes; unseen are held-out images of the same classes.

    Raises:
        ForgetError: A name is no class, or no class stays.
    """
    wanted = sorted({data.class_index(name) for name in names})
    gone = np.isin(data.labels, wanted)
    pool = data.parts.get("unseen", data.test)
    titles = " and ".join(data.classes[i] for i in wanted)
    forget, retain = data.train[gone[data.train]], data.train[~gone[data.train]]
    return Partition(data, forget, retain, data.test, pool[gone[pool]], f"all of {titles}")


def by_person(data: ImageDataset, people: Iterable[str]) -> Partition:
    """Forgets every training image of some people; unseen are people who were never trained on,
    or held-out images where the data set has no such part.

    Raises:
        IdentityError: The data set knows no people, or one of those named has no training image.
    """
    wanted = list(dict.fromkeys(people))
    trained = {data.people[i] for i in data.train} if data.people else set()
    for person in wanted:
        if person not in trained:
            some = ", ".join(sorted(trained)[:5]) or "the data set names nobody"
            raise IdentityError(
                f"people in the training part of {data.name}", repr(person), f"Such as: {some}."
            )
    gone = np.zeros(len(data.images), dtype=bool)
    for person in wanted:
        gone[data.of(person)] = True
    shown = ", ".join(wanted[:3]) + (f" and {len(wanted) - 3} more" if len(wanted) > 3 else "")
    forget, retain = data.train[gone[data.train]], data.train[~gone[data.train]]
    unseen = data.parts.get("unseen", data.test)
    called = "person" if len(wanted) == 1 else "people"
    what = f"{len(wanted)} {called} ({shown})"
    return Partition(data, forget, retain, data.test, unseen, what)


def by_index(data: ImageDataset, forget: Indices, what: str) -> Partition:
    """Forgets training images given by their indices; unseen may be the held-out ones."""
    retain = np.setdiff1d(data.train, forget)
    unseen = data.parts.get("unseen", data.test)
    return Partition(data, np.asarray(forget, np.intp), retain, data.test, unseen, what)


def thinned(split: Partition, share: float, seed: int = 0) -> Partition:
    """The same images to forget beside a random share of those that stay, at least one."""
    draw = np.random.default_rng(seed).permutation(split.retain)
    retain = np.sort(draw[: max(int(share * len(draw)), 1)])
    train = np.sort(np.concatenate([split.forget, retain]))
    data = replace(split.data, parts={**split.data.parts, "train": train})
    return replace(split, data=data, retain=retain)

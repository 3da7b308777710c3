"""Photographs of people, and which photograph shows whom."""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.lazy_photographs import LazyPhotographs
from forget.errors import IdentityError, PhotographError

__all__ = [
    "FaceDataset",
    "Images",
    "Indices",
    "known_identities",
    "known_names",
    "natural_key",
    "part_of",
    "photograph_hash",
    "places_of",
]

Images = NDArray[np.uint8]  # (n, height, width), grey, or (n, height, width, 3), RGB
Indices = NDArray[np.intp]  # (n,)


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Sorts "s2" before "s10"; the name itself breaks ties such as "s2" and "s02"."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part.lower() for i, part in enumerate(parts)], name


def photograph_hash(image: Images) -> str:
    """SHA-256 of one decoded photograph: its shape, then its pixels, as hex.

    Arguments:
        image: (height, width), or with a third axis for the channels.
    """
    shape = np.asarray(image.shape, dtype="<i8").tobytes()
    return hashlib.sha256(shape + np.ascontiguousarray(image).tobytes()).hexdigest()


def known_identities(wanted: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Checks a request for people against those who are there.

    Arguments:
        wanted: Identity ids, repeats allowed; one string is refused (it is a list of letters).
        known: The ids that are there.

    Returns:
        The wanted ids, once each, in natural order.

    Raises:
        IdentityError: Nobody is wanted, or somebody is not there; names the nearest ids.
    """
    return tuple(sorted(known_names(wanted, known), key=natural_key))


def known_names(wanted: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The same in the order in which they are wanted: sorting many thousand names takes longer."""
    if isinstance(wanted, str):
        raise IdentityError("a list of ids", f"the string {wanted!r}", f"Write [{wanted!r}].")
    asked = list(wanted)
    there = known if isinstance(known, Mapping) else dict.fromkeys(known)
    if not all(isinstance(person, str) for person in asked):
        raise IdentityError("ids as strings", repr(asked[:5]), "Quote them, as in 's34'.")
    people = tuple(dict.fromkeys(asked))
    if not people:
        raise IdentityError("at least one person", "an empty selection", "Choose somebody.")
    for person in people:
        if person not in there:
            near = difflib.get_close_matches(str(person), there, n=3, cutoff=0.0)
            hint = f"Nearest ids: {', '.join(near)}." if near else "There is nobody left."
            raise IdentityError("people who are in the model or data set", repr(person), hint)
    return people


def places_of(names: Sequence[str]) -> dict[str, Indices]:
    """Where each of n names occurs, ascending; in time that is nearly linear in n."""
    number: dict[str, int] = {}
    member = np.fromiter((number.setdefault(name, len(number)) for name in names), np.intp)
    order = np.argsort(member, kind="stable")
    ends = np.cumsum(np.bincount(member, minlength=len(number)))
    return dict(zip(number, np.split(order, ends[:-1]), strict=True)) if number else {}


def part_of(images: Images | LazyPhotographs, indices: Indices) -> Images | LazyPhotographs:
    """Some of many photographs; those that are not decoded yet are left so."""
    return images.part(indices) if isinstance(images, LazyPhotographs) else images[indices]


@dataclass(frozen=True, eq=False)
class FaceDataset:
    """Photographs with the identity of each, all of one size.

    Arguments:
        name: What people call the data set.
        images: Photographs, (n, height, width), grey, or (n, height, width, 3), RGB, uint8; an
            array, or crops that are decoded when they are asked for.
        labels: Identity id of each photograph, n of them.
        core: Identities whose photographs also trained the feature map; others are added.
        skipped: What could not be read, one line each, told to the user.
        titles: What to call people in front of a reader; the id where none is given.
        aliases: The other ids of people who turned out to have several, by the id that is used.

    Raises:
        PhotographError: Shapes or types do not fit.
        IdentityError: A core identity has no photograph.
    """

    name: str
    images: Images | LazyPhotographs = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    core: tuple[str, ...] = ()
    skipped: tuple[str, ...] = field(default=(), repr=False)
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shape = self.images.shape
        grey, colour = len(shape) == 3, len(shape) == 4 and shape[3] == 3
        if not (grey or colour) or self.images.dtype != np.uint8:
            raise PhotographError(
                "photographs (n, height, width), grey, or (n, height, width, 3), RGB, of type "
                "uint8",
                f"shape {shape}, {self.images.dtype}",
                "Decode the photographs with forget.load_faces.",
            )
        if len(self.labels) != len(self.images):
            raise PhotographError(
                f"one label for each of {len(self.images)} photographs",
                f"{len(self.labels)} labels",
                "Give every photograph the id of the person it shows.",
            )
        if self.core:
            known_identities(self.core, self.identities)

    @cached_property
    def _indices(self) -> dict[str, Indices]:
        places = places_of(self.labels)
        return {person: places[person] for person in self.identities}

    @cached_property
    def identities(self) -> list[str]:
        """Identity ids in natural order."""
        return sorted(set(self.labels), key=natural_key)

    @property
    def added(self) -> tuple[str, ...]:
        """Identities that did not train the feature map, in natural order."""
        core = set(self.core)
        return tuple(person for person in self.identities if person not in core)

    def title(self, identity: str) -> str:
        """What to call a person in front of a reader."""
        return self.titles.get(identity, identity)

    def search(self, text: str) -> list[str]:
        """People who have a text in their id, in another id of theirs or in their title.

        Arguments:
            text: Upper and lower case are the same, and spaces around it do not count; an empty
                one finds everybody.

        Returns:
            Identity ids, in natural order.
        """
        wanted = text.strip().casefold()
        return [
            person
            for person in self.identities
            if any(
                wanted in name.casefold()
                for name in (person, self.title(person), *self.aliases.get(person, ()))
            )
        ]

    def of(self, identity: str) -> Indices:
        """Indices of the photographs of one person, in the order of the data set.

        Raises:
            IdentityError: Nobody of that id is in the data set.
        """
        if not isinstance(identity, str) or identity not in self._indices:
            known_identities([identity], self.identities)  # raises, and names the nearest ids
        return self._indices[identity]

    def only(self, people: Iterable[str]) -> "FaceDataset":
        """The photographs of some people.

        Raises:
            IdentityError: Nobody is named, or somebody is not in the data set.
        """
        kept = dict.fromkeys(known_identities(people, self.identities))
        indices = np.sort(np.concatenate([self._indices[person] for person in kept]))
        return replace(
            self,
            images=part_of(self.images, indices),
            labels=tuple(self.labels[i] for i in indices),
            core=tuple(person for person in self.core if person in kept),
        )

    def hashes_of(self, identity: str) -> frozenset[str]:
        """SHA-256 of each decoded photograph of one person."""
        return frozenset(photograph_hash(self.images[i]) for i in self.of(identity))

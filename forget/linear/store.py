"""The features a model was fitted on, kept per person so that they can be taken out again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from forget.data.dataset import Indices, known_identities, natural_key
from forget.errors import IdentityError, StatisticsError
from forget.linear.grid import Rows
from forget.linear.statistics import Space, Statistics
from forget.progress import OnStep, silent

__all__ = ["Chunk", "FeatureStore"]

GROUP = 2**15  # rows summed at a time: one copy of them, one addition of the sums


@dataclass(frozen=True, eq=False)
class Chunk:
    """One person's part of a store; or one image's, where classes are not people.

    Arguments:
        rows: Grid integers, (m, d), read-only.
        photographs: SHA-256 of each decoded photograph, hex; an image may have several rows.
        label: The class that the rows vote for; empty where it is the person.
        targets: Grid integers, (m, k), read-only; None where the space has no targets.
    """

    rows: Rows = field(repr=False)
    photographs: tuple[str, ...] = field(repr=False)
    label: str = ""
    targets: Rows | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for part in (self.rows, self.targets):
            if part is not None:
                part.flags.writeable = False


@dataclass(frozen=True, eq=False)
class FeatureStore:
    """Grid integers by person; a value: appending and dropping return a new store.

    Recomputing a feature from its photograph is not bit-stable across batch sizes and machines,
    so a deletion reads here the very bits that were added. Stores share their chunks, nothing is
    copied.

    Arguments:
        space: Grid, dimension and feature map of all rows.
        chunks: One chunk per person.
    """

    space: Space
    chunks: MappingProxyType[str, Chunk] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    @classmethod
    def of(cls, space: Space, chunks: Iterable[tuple[str, Chunk]]) -> "FeatureStore":
        """A store of any number of people with a chunk each, in one pass over them.

        Raises:
            IdentityError: Somebody comes twice.
            StatisticsError: Rows or targets of another type or dimension.
        """
        held: dict[str, Chunk] = {}
        for person, chunk in chunks:
            if person in held:
                raise IdentityError(
                    "a person who is not in the store yet",
                    repr(person),
                    "Drop the person first, or give the newcomer another id.",
                )
            _check(space, chunk)
            held[person] = chunk
        return cls(space, MappingProxyType(held))

    @cached_property
    def people(self) -> list[str]:
        """Identity ids in natural order."""
        return sorted(self.chunks, key=natural_key)

    def __contains__(self, person: object) -> bool:
        return person in self.chunks

    def __getitem__(self, person: str) -> Chunk:
        if person not in self.chunks:
            known_identities([person], self.people)  # raises, and names the nearest ids
        return self.chunks[person]

    def append(self, person: str, chunk: Chunk) -> "FeatureStore":
        """The store with one more person; all others are looked at again, see `of` for many.

        Raises:
            IdentityError: The person is already there.
            StatisticsError: Rows or targets of another type or dimension.
        """
        return FeatureStore.of(self.space, [*self.chunks.items(), (person, chunk)])

    def drop(self, people: Iterable[str]) -> "FeatureStore":
        """The store without some people; those who are not in it are ignored."""
        left = self.chunks.copy()  # twenty times as fast as `dict` of a proxy
        for person in people:
            left.pop(person, None)
        return FeatureStore(self.space, MappingProxyType(left))

    def statistics_of(self, person: str) -> Statistics:
        """The sums over one person's rows."""
        return self.sum_of([person])

    def sum_of(self, people: Iterable[str], on_step: OnStep = silent) -> Statistics:
        """The sums over some people's rows, added up in groups of people.

        Raises:
            IdentityError: Somebody is not in the store.
        """
        wanted = list(people)
        chunks = [self[person] for person in wanted]
        pairs = zip(wanted, chunks, strict=True)
        names = np.array([chunk.label or person for person, chunk in pairs], dtype=object)
        sizes = np.array([len(chunk.rows) for chunk in chunks], dtype=np.intp)
        total = Statistics.empty(self.space)
        for start, stop in pairwise(_cuts(sizes)):
            some = chunks[start:stop]
            rows = np.concatenate([chunk.rows for chunk in some])
            labels = np.repeat(names[start:stop], sizes[start:stop])
            targets = np.concatenate([c.targets for c in some]) if self.space.targets else None
            total = total + Statistics.of(self.space, rows, labels, targets)
            on_step(stop, len(wanted), "sums")
        return total

    def statistics(self) -> Statistics:
        """The sums over everybody's rows."""
        return self.sum_of(self.chunks)


def _cuts(sizes: Indices) -> list[int]:
    """Where groups of people begin, and the end; a group has `GROUP` rows or a few more."""
    steps = np.diff(np.cumsum(sizes) // GROUP, prepend=0)
    inside = np.flatnonzero(steps) + 1
    return [0, *inside[inside < len(sizes)].tolist(), len(sizes)] if len(sizes) else []


def _check(space: Space, chunk: Chunk) -> None:
    if not len(chunk.rows):
        raise StatisticsError("at least one row", "none", "Leave out people without photographs.")
    if chunk.rows.dtype != np.int16 or chunk.rows.shape[1:] != (space.dimension,):
        raise StatisticsError(
            f"int16 rows of shape (n, {space.dimension})",
            f"{chunk.rows.dtype} of shape {chunk.rows.shape}",
            "Snap the features with the grid of the store.",
        )
    targets = None if chunk.targets is None else chunk.targets.shape
    if targets != ((len(chunk.rows), space.targets) if space.targets else None):
        raise StatisticsError(
            f"{space.targets} targets for each of {len(chunk.rows)} rows",
            f"{targets}",
            "Give a chunk the targets that its space has, and none where it has none.",
        )

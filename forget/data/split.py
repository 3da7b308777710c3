"""Which photographs a model may learn, which are held out, and who is to be forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from forget.data.dataset import FaceDataset, Indices, known_identities, places_of

__all__ = ["Split", "split_by_identity"]


@dataclass(frozen=True, eq=False)
class Split:
    """A data set divided by identity.

    Arguments:
        faces: The data set that the indices point into.
        train: Photographs that the model learns, (n,).
        test: Held-out photographs of the same people, (m,).
        leaving: Identities to forget.
    """

    faces: FaceDataset
    train: Indices
    test: Indices
    leaving: tuple[str, ...] = ()

    @property
    def core(self) -> tuple[str, ...]:
        """Identities whose training photographs also trained the feature map."""
        return self.faces.core

    @property
    def forget(self) -> Indices:
        """Training photographs of the people to forget."""
        return self.train_of(self.leaving)

    @property
    def retain(self) -> Indices:
        """Training photographs of everybody else."""
        return np.setdiff1d(self.train, self.forget)

    def train_of(self, people: Iterable[str]) -> Indices:
        """Training photographs of some people, in the order of the data set."""
        return _of(self.train, self._train_places, people)

    def test_of(self, people: Iterable[str]) -> Indices:
        """Held-out photographs of some people, in the order of the data set."""
        return _of(self.test, self._test_places, people)

    def forgetting(self, people: Iterable[str]) -> "Split":
        """The same split with other people to forget.

        Raises:
            IdentityError: Nobody is named, or somebody is not in the data set.
        """
        return replace(self, leaving=known_identities(people, self.faces.identities))

    @cached_property
    def _train_places(self) -> dict[str, Indices]:
        return self._places(self.train)

    @cached_property
    def _test_places(self) -> dict[str, Indices]:
        return self._places(self.test)

    def _places(self, indices: Indices) -> dict[str, Indices]:
        """Where in some indices each person occurs."""
        return places_of([self.faces.labels[i] for i in np.asarray(indices, np.intp).tolist()])


def _of(indices: Indices, places: dict[str, Indices], people: Iterable[str]) -> Indices:
    theirs = [places[person] for person in set(people) if person in places]
    together = np.sort(np.concatenate([np.empty(0, np.intp), *theirs]))
    return np.asarray(indices, dtype=np.intp)[together]


def split_by_identity(faces: FaceDataset, held_out: float = 0.3) -> Split:
    """Holds out the last photographs of every person.

    Arguments:
        faces: The data set.
        held_out: Share of each person's photographs to hold out, rounded, at least 1 photograph
            and never all of them; a person with a single photograph keeps it for training.

    Example:
        Ten photographs a person and the default share train on 7 and hold out 3.
    """
    train, test = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for person in faces.identities:
        mine = faces.of(person)
        kept_back = min(len(mine) - 1, max(1, round(held_out * len(mine))))
        train.append(mine[: len(mine) - kept_back])
        test.append(mine[len(mine) - kept_back :])
    return Split(faces, np.sort(np.concatenate(train)), np.sort(np.concatenate(test)))

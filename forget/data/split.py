"""Which photographs a model may learn, which are held out, and who is to be forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from forget.data.dataset import FaceDataset, Indices, known_identities

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
        return self._of(self.train, people)

    def test_of(self, people: Iterable[str]) -> Indices:
        """Held-out photographs of some people, in the order of the data set."""
        return self._of(self.test, people)

    def forgetting(self, people: Iterable[str]) -> "Split":
        """The same split with other people to forget.

        Raises:
            IdentityError: Nobody is named, or somebody is not in the data set.
        """
        return replace(self, leaving=known_identities(people, self.faces.identities))

    def _of(self, indices: Indices, people: Iterable[str]) -> Indices:
        wanted = set(people)
        return np.array([i for i in indices if self.faces.labels[i] in wanted], dtype=np.intp)


def split_by_identity(faces: FaceDataset, held_out: float = 0.3) -> Split:
    """Holds out the last photographs of every person.

    Arguments:
        faces: The data set.
        held_out: Share of each person's photographs to hold out, rounded, at least 1 photograph
            and never all of them; a person with a single photograph keeps it for training.

    Example:
        Ten photographs a person and the default share train on 7 and hold out 3.
    """
    train: list[int] = []
    test: list[int] = []
    for person in faces.identities:
        mine = faces.of(person)
        kept_back = min(len(mine) - 1, max(1, round(held_out * len(mine))))
        train.extend(mine[: len(mine) - kept_back])
        test.extend(mine[len(mine) - kept_back :])
    return Split(faces, np.sort(np.array(train, np.intp)), np.sort(np.array(test, np.intp)))

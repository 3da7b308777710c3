"""The photographs that an audit has: of whom, and which of them a model learned from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from forget.data.dataset import FaceDataset, Images, Indices, known_identities
from forget.data.split import Split, split_by_identity
from forget.errors import IdentityError

__all__ = ["Evidence"]

UNSEEN = 20  # people whom forgotten ones are compared with, unless told otherwise


@dataclass(frozen=True, eq=False)
class Evidence:
    """Photographs of the forgotten, of those who stay, and of people to compare with.

    Arguments:
        faces: All photographs.
        forgotten: Whom the model should have forgotten.
        never: People whom the forgotten shall be like: never enrolled, or treated so. They are
            added people where the data set has a core, so that the network saw none of them.
    """

    faces: FaceDataset
    forgotten: tuple[str, ...]
    never: tuple[str, ...]
    split: Split = field(repr=False)

    @classmethod
    def of(
        cls,
        faces: FaceDataset,
        forgotten: Iterable[str],
        never: Sequence[str] | None = None,
    ) -> "Evidence":
        """Chooses the people to compare with, unless they are given: twenty added ones.

        Raises:
            IdentityError: Somebody is not in the data set, or on both sides, or nobody is left.
        """
        gone = known_identities(forgotten, faces.identities)
        if never is None:
            others = [p for p in (faces.added or faces.identities) if p not in gone]
            step = max(len(others) // UNSEEN, 1)
            never = others[::step][:UNSEEN]
        like = known_identities(never, faces.identities) if never else ()
        if set(like) & set(gone) or not like:
            raise IdentityError(
                "people to compare the forgotten with, who are not among them",
                ", ".join(sorted(set(like) & set(gone))) or "nobody",
                "Choose others, or bring photographs of more people.",
            )
        return cls(faces, gone, like, split_by_identity(faces).forgetting(gone))

    @cached_property
    def staying(self) -> tuple[str, ...]:
        """Everybody who is not forgotten."""
        return tuple(p for p in self.faces.identities if p not in self.forgotten)

    def fitted(self, person: str) -> Indices:
        """The photographs that a model learned somebody from."""
        return np.sort(self.split.train_of([person]))

    def held_out(self, person: str) -> Indices:
        """The photographs of somebody that no model learned from."""
        return np.sort(self.split.test_of([person]))

    def images(self, indices: Indices) -> Images:
        """Photographs by index."""
        return self.faces.images[indices]

"""Images with a class each, in named parts: what classifiers are trained and judged on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Indices, photograph_hash
from forget.errors import ForgetError, PhotographError

__all__ = ["ImageDataset"]


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images of one size with a class each; where people are known, with a person each.

    Arguments:
        name: What people call the data set.
        images: Pixels, (n, height, width, channels), uint8, 1 or 3 channels; may be mapped from
            a file, so that only what is used is read.
        labels: Class of each image, (n,), an index into `classes`.
        classes: What the classes are called.
        parts: Indices by part: "train" and "test" always, others such as "unseen" at will.
        people: Identity id of each image, n of them; empty where nobody is known.
        files: Where each image comes from, n paths inside the data set; empty without files.
        hashes: SHA-256 of each image as it was stored, hex; by default of its pixels.
        notes: What was odd when it was read, one line each, told to the user.

    Raises:
        PhotographError: Shapes, types or ranges do not fit together.
    """

    name: str
    images: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    classes: tuple[str, ...]
    parts: Mapping[str, Indices] = field(repr=False)
    people: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)
    hashes: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n = len(self.images)
        if (
            self.images.ndim != 4
            or self.images.dtype != np.uint8
            or self.images.shape[3] not in (1, 3)
        ):
            raise PhotographError(
                "images (n, height, width, 1 or 3) of type uint8",
                f"shape {self.images.shape}, {self.images.dtype}",
                "Decode them to 8 bits, grey or RGB.",
            )
        given = {"labels": self.labels, "people": self.people, "files": self.files}
        for what, values in {**given, "hashes": self.hashes}.items():
            if len(values) != n and (what == "labels" or len(values)):
                raise PhotographError(f"{n} {what}", f"{len(values)}", "Give one for each image.")
        if n and not (0 <= self.labels.min() and self.labels.max() < len(self.classes)):
            raise PhotographError(
                f"labels from 0 to {len(self.classes) - 1}",
                f"{self.labels.min()} to {self.labels.max()}",
                "A label is an index into the classes.",
            )
        for part, indices in self.parts.items():
            if len(indices) and not (0 <= indices.min() and indices.max() < n):
                raise PhotographError(
                    f"indices from 0 to {n - 1}", f"others in part {part!r}", "Correct the part."
                )
        if missing := {"train", "test"} - set(self.parts):
            raise PhotographError(
                "the parts train and test", f"no {' and no '.join(sorted(missing))}", "Add them."
            )

    @property
    def train(self) -> Indices:
        """Indices of the training images."""
        return self.parts["train"]

    @property
    def test(self) -> Indices:
        """Indices of the held-out images."""
        return self.parts["test"]

    def class_index(self, name: str | int) -> int:
        """The index of a class given by its name, the start of its name, or its index.

        Raises:
            ForgetError: No class, or more than one, is called so.
        """
        wanted = str(name).strip().lower()
        titles = [title.lower() for title in self.classes]
        if wanted in titles:
            return titles.index(wanted)
        if wanted.isdecimal() and int(wanted) < len(titles):
            return int(wanted)
        starting = [i for i, title in enumerate(titles) if wanted and title.startswith(wanted)]
        if len(starting) == 1:
            return starting[0]
        known = ", ".join(f"{i} = {title}" for i, title in enumerate(self.classes))
        raise ForgetError("a class by name or index", repr(name), f"The classes are: {known}.")

    def unit(self, index: int) -> str:
        """The name of one image: its file, or its number where it has none."""
        return self.files[index] if self.files else f"{index:06d}"

    def of(self, person: str) -> Indices:
        """Indices of the images of one person, in the order of the data set."""
        return self._indices.get(person, np.zeros(0, dtype=np.intp))

    @cached_property
    def _indices(self) -> dict[str, Indices]:
        people = np.asarray(self.people)
        names, member = np.unique(people, return_inverse=True)
        order = np.argsort(member, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(member, minlength=len(names)))[:-1])
        return dict(zip(names.tolist(), groups, strict=True)) if len(names) else {}

    def hashes_of(self, indices: Sequence[int] | Indices) -> list[str]:
        """SHA-256 of some images: as they were stored if that is known, else of their pixels."""
        if self.hashes:
            return [self.hashes[i] for i in indices]
        known = self._known_hashes
        for i in map(int, indices):
            if i not in known:
                known[i] = photograph_hash(np.asarray(self.images[i]))
        return [known[int(i)] for i in indices]

    @cached_property
    def _known_hashes(self) -> dict[int, str]:
        """Hashes of pixels, computed when they are first asked for."""
        return {}

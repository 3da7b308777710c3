"""What is audited: anything that turns photographs into features, and perhaps into names."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Images, photograph_hash
from forget.errors import ForgetError
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.heads import CosineHead
from forget.linear.model import LinearModel
from forget.metrics.retrieval import unit

__all__ = ["Answers", "KnownRows", "Subject", "from_linear", "never_enrolled"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Whom a model takes photographs for.

    Arguments:
        scores: (n, c).
        classes: Identity of each column.
        threshold: Below it: nobody I know.
    """

    scores: Reals = field(repr=False)
    classes: tuple[str, ...]
    threshold: float

    @property
    def best(self) -> Reals:
        """The highest score of each photograph, (n,); -inf where nobody is enrolled."""
        return self.scores.max(1) if self.scores.shape[1] else np.full(len(self.scores), -np.inf)

    def said(self) -> list[str | None]:
        """Whom it names, None for nobody."""
        if not self.classes:
            return [None] * len(self.scores)
        who = self.scores.argmax(1)
        known = self.best >= self.threshold
        return [self.classes[j] if k else None for j, k in zip(who, known, strict=True)]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model under audit, as functions of photographs.

    Arguments:
        name: What to call it.
        embed: Features (n, d) that faces are compared by, with the cosine.
        answer: Whom it takes them for; None for a model that has no gallery.
        layers: What it sees inside, by name, (n, k) each; None where that cannot be read.
        matrices: Weights (m, k) by name, at least as many rows as columns, that may have been
            edited; empty where there are none.
        linear: The linear model behind it, whose sums say more than its answers.
        rows: Photographs to rows of its feature map.
    """

    name: str
    embed: Callable[[Images], Reals]
    answer: Callable[[Images], Answers] | None = None
    layers: Callable[[Images], dict[str, Reals]] | None = None
    matrices: dict[str, Reals] = field(default_factory=dict, repr=False)
    linear: LinearModel | None = field(default=None, repr=False)
    rows: Callable[[Images], Rows] | None = field(default=None, repr=False)


class KnownRows:
    """Rows of a feature map, each photograph computed once.

    Arguments:
        feature_map: Photographs to rows.
        images: Photographs whose rows are known already.
        rows: These, (n, d).
    """

    def __init__(
        self, feature_map: FeatureMap, images: Images | None = None, rows: Rows | None = None
    ) -> None:
        self.feature_map = feature_map
        self.known: dict[str, Rows] = {}
        if images is not None and rows is not None:
            hashes = (photograph_hash(image) for image in images)
            self.known = dict(zip(hashes, rows, strict=True))

    def __call__(self, images: Images) -> Rows:
        """Rows on the grid, (n, d)."""
        hashes = [photograph_hash(image) for image in images]
        new = [i for i, one in enumerate(hashes) if one not in self.known]
        if new:
            for i, row in zip(new, self.feature_map.rows(images[new]), strict=True):
                self.known[hashes[i]] = row
        return np.stack([self.known[one] for one in hashes])


def from_linear(model: LinearModel, name: str, rows: Callable | None = None) -> Subject:
    """A linear model: its features in the space of its readout, its names, its threshold.

    Arguments:
        model: The model.
        name: What to call it.
        rows: Photographs to rows of its feature map, where they are kept already.
    """
    read = rows or KnownRows(model.feature_map)

    def real(images: Images) -> Reals:
        return model.feature_map.grid.real(read(images))

    def embed(images: Images) -> Reals:
        head = model.head
        return unit(head.whitened(real(images)) if isinstance(head, CosineHead) else real(images))

    def answer(images: Images) -> Answers:
        return Answers(model.score(read(images)), model.classes, model.threshold)

    def layers(images: Images) -> dict[str, Reals]:
        return {"features": real(images)}

    return Subject(name, embed, answer, layers, _edited(model), model, read)


def never_enrolled(subject: Subject, person: str) -> Subject:
    """The same model as if somebody who is enrolled had never been.

    For a linear model that is the refit without them, bit for bit; any other model is returned
    as it is, and is right only of people whom it never saw.

    Raises:
        ForgetError: A linear model that knows them and was saved without its store.
    """
    model = subject.linear
    if model is None or person not in model.people:
        return subject
    if model.store is None:
        raise ForgetError(
            f"a model that can be solved again as if {person} had never been there",
            "one that knows them and was saved without its feature store",
            "Give the file that was saved with the store, or compare with people whom it never "
            "met (--never).",
        )
    without = model.holding(model.statistics - model.store.sum_of([person]), [person])
    calibrated = replace(without, fixed_threshold=model.threshold)
    return from_linear(calibrated, f"{subject.name}, never with {person}", subject.rows)


def _edited(model: LinearModel) -> dict[str, Reals]:
    eraser = getattr(model.feature_map, "eraser", None)
    return {} if eraser is None else {"feature map": eraser.matrix}

"""What is audited: anything that turns photographs into features, and perhaps into names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from forget.data.dataset import Images, photograph_hash
from forget.errors import ForgetError
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.heads import CosineHead
from forget.linear.model import LinearModel
from forget.metrics.retrieval import unit
from forget.recipe import EVALUATION_BATCH

__all__ = ["Answers", "KnownRows", "Subject", "from_linear", "from_network", "never_enrolled"]

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


def from_network(
    network: nn.Module,
    name: str,
    prepare: Callable[[Images], Tensor],
    layers: Sequence[str] = (),
    *,
    classes: Sequence[str] = (),
    threshold: float = 0.5,
    features: str = "",
) -> Subject:
    """A network from anywhere, whose features are compared with the cosine.

    Arguments:
        network: Images to embeddings (n, d), or to logits (n, c).
        name: What to call it.
        prepare: Photographs, uint8, (n, h, w) or (n, h, w, 3), to its input.
        layers: Names of modules that are looked into; by default the direct children.
        classes: Who each of its outputs stands for, if it names people.
        threshold: Probability below which it names nobody.
        features: Name of the module whose output is compared; by default that of the network.

    Raises:
        ForgetError: No such module, or another number of outputs than of people.
    """
    network = network.eval()
    inside = dict(network.named_modules())
    unknown = [one for one in (*layers, features) if one not in inside]
    if unknown:
        some = ", ".join(name for name in list(inside)[1:6])
        raise ForgetError(
            f"modules of the network, such as {some}", ", ".join(unknown), "Correct the names."
        )
    wanted = list(layers) or [child for child, _ in network.named_children()]

    def run(images: Images, keep: dict[str, list[Reals]]) -> Reals:
        found = []
        handles = [inside[one].register_forward_hook(partial(_keep, keep, one)) for one in keep]
        try:
            with torch.inference_mode():
                for start in range(0, len(images), EVALUATION_BATCH):
                    batch = prepare(images[start : start + EVALUATION_BATCH])
                    found.append(network(batch).flatten(1).double().cpu().numpy())
        finally:
            for handle in handles:
                handle.remove()
        return np.concatenate(found)

    def look(images: Images) -> dict[str, Reals]:
        keep: dict[str, list[Reals]] = {one: [] for one in wanted}
        run(images, keep)
        return {one: np.concatenate(parts) for one, parts in keep.items() if parts}

    matrices = {
        one: np.asarray(weight.detach().double().cpu().numpy().reshape(len(weight), -1))
        for one, weight in network.named_parameters()
        if weight.ndim > 1
    }
    tall = {n: m if len(m) >= m.shape[1] else m.T for n, m in matrices.items()}

    def embed(images: Images) -> Reals:
        if not features:
            return unit(run(images, {}))
        keep: dict[str, list[Reals]] = {features: []}
        run(images, keep)
        return unit(np.concatenate(keep[features]))

    def answer(images: Images) -> Answers:
        logits = run(images, {})
        if logits.shape[1] != len(classes):
            raise ForgetError(
                f"a network with an output for each of {len(classes)} people",
                f"{logits.shape[1]} outputs",
                "Name as many people, in the order of the outputs.",
            )
        return Answers(softmax(logits, axis=1), tuple(classes), threshold)

    return Subject(name, embed, answer if classes else None, look, tall)


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


def _keep(
    keep: dict[str, list[Reals]], name: str, layer: nn.Module, inputs: object, output: Tensor
) -> None:
    if isinstance(output, Tensor):
        seen = output.mean(tuple(range(2, output.ndim))) if output.ndim > 2 else output
        keep[name].append(seen.double().cpu().numpy())

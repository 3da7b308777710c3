"""The slow ways to forget, to compare the fast one with: from photographs, and from scratch."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from forget.data.split import Split
from forget.embedder_training import halved, train_embedder
from forget.errors import IdentityError
from forget.linear.feature_map import Penultimate
from forget.linear.model import LinearModel
from forget.linearizations import kind_of, make_feature_map, training_part
from forget.methods.refit import refit
from forget.metrics.recognition import recognise
from forget.pretrained import record_of
from forget.progress import OnStep, silent

__all__ = ["Comparison", "compare_refit", "compare_training", "train_without"]


@dataclass(frozen=True)
class Comparison:
    """How a slow way's model decides on held-out photographs, beside the model after subtraction.

    Arguments:
        way: What was done.
        seconds: How long it took.
        agree: Share of all held-out photographs, in [0, 1], on which both models say the same.
        named: Share of the forgotten people's photographs taken for anybody: slow way, ours.
        others: Share of the others' photographs named rightly: slow way, ours.
    """

    way: str
    seconds: float
    agree: float
    named: tuple[float, float]
    others: tuple[float, float]


def train_without(
    model: LinearModel, split: Split, seed: int = 0, on_step: OnStep = silent
) -> LinearModel:
    """Trains the embedder again without the core people who leave, and fits everybody who stays.

    The model is linearized as before, on the core people who are left.

    Raises:
        IdentityError: Fewer than two core people would be left to train on.
    """
    core = [person for person in split.core if person not in split.leaving]
    if len(core) < 2:
        raise IdentityError(
            "at least 2 core people to train on", f"{len(core)}", "Forget fewer core people."
        )
    indices = split.train_of(core)
    labels = [split.faces.labels[i] for i in indices]
    network = train_embedder(split.faces.images[indices], labels, seed, on_step)
    base = Penultimate(halved(network), record_of(split.faces, core))
    kind = kind_of(model.feature_map)
    feature_map = make_feature_map(kind, base, training_part(split.faces, core), on_step)
    return LinearModel.fit(feature_map, split, model.rule)


def compare_refit(
    before: LinearModel, after: LinearModel, split: Split, on_step: OnStep = silent
) -> Comparison:
    """Computes everybody's features again from the photographs, fits, and compares."""
    start = perf_counter()
    other = refit(before, split.faces, split.leaving, from_photographs=True, on_step=on_step)
    return _compare("refit from photographs", perf_counter() - start, other, after, split)


def compare_training(
    before: LinearModel, after: LinearModel, split: Split, on_step: OnStep = silent
) -> Comparison:
    """Trains everything again without the people who left, and compares."""
    start = perf_counter()
    other = train_without(before, split, on_step=on_step)
    return _compare("training everything", perf_counter() - start, other, after, split)


def _compare(
    way: str, seconds: float, slow: LinearModel, ours: LinearModel, split: Split
) -> Comparison:
    labels = [split.faces.labels[i] for i in split.test]
    gone = np.isin(np.array(labels, dtype=object), list(split.leaving))
    said, named, others = [], [], []
    for model in (slow, ours):
        images = split.faces.images[split.test]
        seen = recognise(model.predict(images), model.classes, labels, model.threshold)
        said.append(np.where(seen.known, np.array(seen.who, dtype=object), ""))
        named.append(float(seen.known[gone].mean()))
        others.append(float((seen.right & seen.known)[~gone].mean()))
    agree = float((said[0] == said[1]).mean())
    return Comparison(way, seconds, agree, (named[0], named[1]), (others[0], others[1]))

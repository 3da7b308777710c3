"""What is recorded of a model: accuracy, loss and classes of each set, the attack, the score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.metrics.accuracy import Judged, judge
from forget.metrics.membership import loss_attack, nomus
from forget.recipe import logits_of
from forget.runs.run import Row

__all__ = ["WATCHED", "Judgement", "curves", "summary_rows", "watched"]

WATCHED = 2_000  # images of a set that are judged between the first and the last epoch


@dataclass(frozen=True, eq=False)
class Judgement:
    """A model judged on images of a partition.

    Arguments:
        split: The sets.
        indices: The images that were judged, sorted, (n,).
        judged: What the model says about them.
        only: The images of each set that count; by default all of the set.
    """

    split: Partition
    indices: Indices = field(repr=False)
    judged: Judged = field(repr=False)
    only: Mapping[str, Indices] | None = field(default=None, repr=False)

    @cached_property
    def sets(self) -> dict[str, tuple[Indices, Judged]]:
        """By name of the set: its images that were judged, and what is said of them."""
        found = {}
        for name, wanted in (self.only or self.split.sets).items():
            mine = np.isin(self.indices, wanted)
            if mine.any():
                part = Judged(self.judged.labels[mine], self.judged.log_probability[mine])
                found[name] = (self.indices[mine], part)
        return found

    def rows(self, seed: int, method: str, epoch: int) -> Iterator[Row]:
        """Loss, accuracy and the accuracy of every class that occurs, set by set."""
        for name, (_, judged) in self.sets.items():
            yield Row(seed, method, epoch, name, "loss", judged.loss)
            yield Row(seed, method, epoch, name, "accuracy", judged.accuracy)
            each = zip(self.split.data.classes, judged.class_accuracy, strict=True)
            for title, value in each:
                if not np.isnan(value):
                    yield Row(seed, method, epoch, name, f"accuracy: {title}", float(value))

    def arrays(self) -> dict[str, NDArray]:
        """Image by image: index, label, loss and probabilities, set by set."""
        arrays: dict[str, NDArray] = {}
        for name, (indices, judged) in self.sets.items():
            arrays[name] = indices.astype(np.int64)
            arrays[f"{name}_label"] = judged.labels.astype(np.int64)
            arrays[f"{name}_loss"] = judged.losses.astype(np.float32)
            arrays[f"{name}_probability"] = np.exp(judged.log_probability).astype(np.float16)
        return arrays


def watched(
    network: nn.Module,
    split: Partition,
    names: Sequence[str],
    device: torch.device,
    side: int | None = None,
) -> Judgement:
    """Judges a network on some sets, on the same random sample of those beyond 2,000 images.

    Arguments:
        network: A classifier.
        split: The sets.
        names: Which of them.
        device: Where to compute.
        side: Height and width to scale the images to, pixels; None for as they are.
    """
    some = {}
    for name in names:
        some[name] = split.sets[name]
        if len(some[name]) > WATCHED:
            some[name] = np.random.default_rng(0).choice(some[name], WATCHED, replace=False)
    indices = np.unique(np.concatenate(list(some.values())))
    logits = logits_of(network, split.data, indices, device, side=side)  # type: ignore[arg-type]
    return Judgement(split, indices, judge(logits, split.data.labels[indices]), some)


def summary_rows(
    judgement: Judgement, seed: int, method: str, epoch: int, seconds: float
) -> Iterator[Row]:
    """Attack, score and cost of a finished model.

    Where there are too few images to attack, or the losses are not finite, attack and score are
    nan: told, not guessed.
    """
    values = {"mia": float("nan"), "mia gap": float("nan"), "nomus": float("nan")}
    sets = judgement.sets
    if "unseen" in sets:
        try:
            attack = loss_attack(sets["forget"][1].losses, sets["unseen"][1].losses)
        except ForgetError:
            attack = None
        if attack is not None:
            score = nomus(sets["test"][1].accuracy, attack.accuracy)
            values = {"mia": attack.accuracy, "mia gap": attack.gap, "nomus": score}
    for metric, value in {**values, "seconds": seconds}.items():
        yield Row(seed, method, epoch, "", metric, value)


def curves(
    table: pd.DataFrame, method: str, seed: int, split: Partition
) -> dict[str, list[float | list[float]]]:
    """The lists of metrics.json: loss and per-class accuracy of each set, epoch by epoch."""
    mine = table[(table["method"] == method) & (table["seed"] == seed)]
    found: dict[str, list[float | list[float]]] = {}
    for name, called in (("forget", "forget"), ("retain", "retain"), ("test", "val")):
        part = mine[mine["split"] == name]
        wide = part.pivot(index="epoch", columns="metric", values="value").sort_index()
        columns = [f"accuracy: {title}" for title in split.data.classes]
        found[f"{called}_loss"] = wide["loss"].tolist()
        found[f"{called}_acc"] = wide.reindex(columns=columns).to_numpy().tolist()
    return found

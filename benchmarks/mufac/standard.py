"""The standard setting: a network that was trained on everybody shall forget the benchmark's set.

Approximate steps beside fine-tuning, each against the network that was trained again without: how
near it comes, for which share of the cost of training again.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.mufac.bench import Bench, Row
from forget.data.dataset import Indices
from forget.data.mufac import benchmark
from forget.data.partition import Partition
from forget.methods.finetune import FineTune
from forget.methods.newton_cg import NewtonCg
from forget.methods.tangent_step import TangentStep
from forget.models.classifier import Classifier
from forget.mufac_training import mufac_recipe
from forget.problems import at_side
from forget.recipe import logits_of
from forget.unlearning.contract import NetworkMethod

__all__ = ["STAGE", "TRIALS", "standard_rows"]

STAGE = "approximate steps, {}"  # of a trial, and of what it is read against

SETS = ("forget", "retain", "test", "unseen")
SMOOTH = {"smoothing": mufac_recipe().smoothing}  # of the loss that the network minimised
# The method, and the share of the images to keep that it may see: a tenth of the cost at most.
TRIALS: dict[str, tuple[NetworkMethod, float]] = {
    **{
        f"finetune, rate {rate:g}, {share:g} epochs": (FineTune(1, 32, rate), share)
        for rate in (1e-3, 1e-2, 4e-2)
        for share in (0.25, 0.5, 1.0)
    },
    **{
        f"newton_cg, {form}, {sample} images, {steps} iterations": (
            NewtonCg(1, sample, removal=form == "removal", iterations=steps, **SMOOTH),
            1.0,
        )
        for form in ("removal", "retained")
        for sample, steps in ((100, 5), (200, 5), (300, 8))
    },
    **{
        f"tangent_step, {form}, {depth} layers, {rounds} rounds": (
            TangentStep(rounds, 500, removal=form == "removal", depth=depth, rank=24, **SMOOTH),
            1.0,
        )
        for form in ("removal", "retained")
        for depth, rounds in ((1, 1), (5, 1), (5, 2), (10, 1))
    },
}


def standard_rows(bench: Bench, seed: int, name: str) -> Iterator[Row]:
    """A trial on the network of everybody, against the reference; "before" and "reference" too."""
    compared = _compared(bench, seed)
    if name == "reference":
        after = compared.reference
    elif name == "before":
        after = compared.everybody
    else:
        method, share = TRIALS[name]
        split = compared.split
        bench.on_step(0, 1, f"approximate steps (seed {seed}), {name}")
        found = method(compared.everybody, _part(split, share), seed=0, on_step=bench.on_step)
        retraining = mufac_recipe(bench.side).epochs * len(split.retain)
        yield "benchmark", name, "seconds", found.seconds
        yield "benchmark", name, "share of retraining", found.detail["passes"] / retraining
        after = found.model
    for metric, value in compared.figures(after):
        yield "benchmark", name, metric, value


class _Compared:
    """The network that shall forget, the reference, and how others are read against it.

    Retained images are judged on a fixed sample: all of them would take as long as a trial.
    """

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.everybody, self.reference = (
            bench.network(name, seed).base.network for name in ("everybody", "reference")
        )
        self.split = benchmark(at_side(bench.data, bench.side))
        self.judged = replace(
            self.split, retain=_sample(self.split.retain, len(self.split.forget))
        )
        self.wanted = self._logits(self.reference)

    def figures(self, network: Classifier) -> Iterator[tuple[str, float]]:
        """Figures of a network, and how far they are from those of the reference."""
        logits = self._logits(network)
        ours, theirs = (
            dict(self.bench.figures(one, self.judged)) for one in (logits, self.wanted)
        )
        yield from ours.items()
        yield "gap", float(np.mean([abs(ours[name] - theirs[name]) for name in SETS]))
        yield "mia gap", abs(ours["mia"] - theirs["mia"])
        forget = self.split.forget
        same = logits[forget].argmax(1) == self.wanted[forget].argmax(1)
        yield "agreement on forget", float(same.mean())

    def _logits(self, network: Classifier) -> NDArray[np.float32]:
        """Logits (n, c), 0 for images that are not judged."""
        data = self.split.data
        indices = np.concatenate([self.judged.sets[name] for name in SETS])
        logits = np.zeros((len(data.images), len(data.classes)), np.float32)
        logits[indices] = logits_of(network, data, indices)
        return logits


@lru_cache(maxsize=1)
def _compared(bench: Bench, seed: int) -> _Compared:
    return _Compared(bench, seed)


def _part(split: Partition, share: float) -> Partition:
    """The same with fewer images to keep, drawn at random."""
    return replace(split, retain=_sample(split.retain, round(share * len(split.retain))))


def _sample(images: Indices, count: int) -> Indices:
    return np.sort(np.random.default_rng(0).permutation(images)[:count])

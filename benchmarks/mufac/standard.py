"""The standard setting: a network that was trained on everybody shall forget the benchmark's set.

Approximate steps beside fine-tuning, each against the network that was trained again without: how
near it comes, for which share of the cost of training again.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.mufac.bench import Bench, Row
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

__all__ = ["TRIALS", "standard_rows"]

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


def standard_rows(bench: Bench, everybody: Classifier, reference: Classifier) -> Iterator[Row]:
    """Every trial on the network of everybody, against the reference."""
    split = benchmark(at_side(bench.data, bench.side))
    retraining = mufac_recipe(bench.side).epochs * len(split.retain)
    wanted = _logits(reference, split)
    for metric, value in _against(bench, split, _logits(everybody, split), wanted):
        yield "benchmark", "before", metric, value
    for metric, value in _against(bench, split, wanted, wanted):
        yield "benchmark", "reference", metric, value
    for number, (name, (method, share)) in enumerate(TRIALS.items()):
        bench.on_step(number, len(TRIALS), f"approximate steps, {name}")
        after = method(everybody, _part(split, share), seed=0)
        yield "benchmark", name, "seconds", after.seconds
        yield "benchmark", name, "share of retraining", after.detail["passes"] / retraining
        for metric, value in _against(bench, split, _logits(after.model, split), wanted):
            yield "benchmark", name, metric, value


def _part(split: Partition, share: float) -> Partition:
    """The same with fewer images to keep, drawn at random."""
    if share == 1:
        return split
    retain = np.random.default_rng(0).permutation(split.retain)
    return replace(split, retain=np.sort(retain[: round(share * len(retain))]))


def _logits(network: Classifier, split: Partition) -> NDArray[np.float32]:
    return logits_of(network, split.data, np.arange(len(split.data.images)))


def _against(
    bench: Bench, split: Partition, logits: NDArray[np.floating], wanted: NDArray[np.floating]
) -> Iterator[tuple[str, float]]:
    """Figures, and how far they are from those of the reference."""
    ours, theirs = (dict(bench.figures(one, split)) for one in (logits, wanted))
    yield from ours.items()
    yield "gap", float(np.mean([abs(ours[name] - theirs[name]) for name in SETS]))
    yield "mia gap", abs(ours["mia"] - theirs["mia"])
    same = logits[split.forget].argmax(1) == wanted[split.forget].argmax(1)
    yield "agreement on forget", float(same.mean())

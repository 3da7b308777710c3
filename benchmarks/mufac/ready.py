"""Forget-ready models: the network saw the core alone, the linear part learns and forgets."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from benchmarks.mufac.bench import Bench, Row
from forget.data.core import Core
from forget.data.dataset import Indices, natural_key
from forget.data.partition import by_index
from forget.errors import ForgetError
from forget.forget_ready import CoreNetwork
from forget.label_linearizations import LabelReadout, linearize_classifier
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.linear.readout import Measured
from forget.methods.subtract import subtract

__all__ = ["SINGLES", "ready_rows"]

SINGLES = 20  # people who are forgotten one by one
REFITS = 3  # of them, how many are compared with a refit where one takes seconds
QUICK = 0.25  # seconds; refits below it are made for all of them


def ready_rows(bench: Bench, network: CoreNetwork, core: Core, kind: str) -> Iterator[Row]:
    """A linearization on a core network: before, after each deletion, gap to the refit."""
    start = perf_counter()
    readout = linearize_classifier(kind, network.base, bench.data, core.images, bench.on_step)
    yield "", kind, "seconds to choose on the core", perf_counter() - start
    start = perf_counter()
    measured = readout.measure(bench.data.images, bench.on_step)
    yield "", kind, "ms an image", (perf_counter() - start) * 1000 / len(bench.data.images)
    yield "", kind, "dimension", float(readout.feature_map.space.dimension)
    for learned, indices in (("added", core.added), ("everybody", bench.data.train)):
        start = perf_counter()
        model = readout.fit(bench.data, measured[indices], indices)
        _ = model.head
        name, seconds = f"{kind}, {learned}", perf_counter() - start
        yield "", name, "seconds to sum and solve", seconds
        logits = readout.logits(model, measured, bench.data.classes)
        for metric, value in bench.figures(logits, bench.split):
            yield "nobody", name, metric, value
        deletion = _Deletion(bench, readout, measured, model, indices)
        sets, singles = forget_sets(bench, core)
        for what, forget in sets.items():
            for metric, value in deletion(forget, what).items():
                yield what, name, metric, value
        each = [
            deletion(forget, what, seconds < QUICK or k < REFITS)
            for k, (what, forget) in enumerate(singles.items())
        ]
        for metric in each[0]:
            values = [one[metric] for one in each if metric in one]
            value = max(values) if metric == "gap to the refit" else float(np.mean(values))
            yield f"{SINGLES} people, one by one", name, metric, value


def forget_sets(bench: Bench, core: Core) -> tuple[dict[str, Indices], dict[str, Indices]]:
    """Whom to forget, all of them outside the core: several at a time, and single people."""
    data, added = bench.data, core.added
    family = np.array([person.partition("/")[0] for person in data.people])
    joined = np.array([bench.joined.get(one, one) for one in data.people])
    taken = set(family[core.images]) | set(family[bench.split.forget])
    free = next(one for one in sorted(set(family[added])) if one not in taken)
    people = sorted({str(one) for one in joined[added]}, key=natural_key)
    drawn = np.sort(np.random.default_rng(0).choice(len(people), SINGLES, replace=False))
    sets = {
        "benchmark": bench.split.forget,
        f"family {free}": added[family[added] == free],
        f"age {data.classes[0]}": added[data.labels[added] == 0],
    }
    return sets, {people[i]: added[joined[added] == people[i]] for i in drawn}


class _Deletion:
    """Takes images out of a model, compares with a refit, and judges what is left."""

    def __init__(
        self,
        bench: Bench,
        readout: LabelReadout,
        measured: Measured,
        model: LinearModel,
        indices: Indices,
    ) -> None:
        self.bench, self.readout, self.measured = bench, readout, measured
        self.model, self.indices = model, indices

    def __call__(self, forget: Indices, what: str, refit: bool = True) -> dict[str, float]:
        bench, readout = self.bench, self.readout
        split = by_index(bench.data, forget, what)
        start = perf_counter()
        after = subtract(self.model, split).model
        _ = after.head
        found = {"images": float(len(forget)), "seconds": perf_counter() - start}
        if refit:
            left = np.setdiff1d(self.indices, forget)
            start = perf_counter()
            again = readout.fit(bench.data, self.measured[left], left)
            _ = again.head
            found["seconds of the refit"] = perf_counter() - start
            if again.statistics.digest() != after.statistics.digest():
                raise ForgetError("the digest of a refit", f"another, {what}", "Report this.")
            found["gap to the refit"] = head_gap(again.head, after.head)
        logits = readout.logits(after, self.measured, bench.data.classes)
        return found | dict(bench.figures(logits, split))

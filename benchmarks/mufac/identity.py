"""The people of MUFAC on a network that a core of them trained: recognised, forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np

from benchmarks.mufac.bench import Bench, Row
from forget.data.core import Core
from forget.data.dataset import FaceDataset, Indices
from forget.data.mufac_people import mufac_people
from forget.data.split import Split, split_by_identity
from forget.errors import ForgetError
from forget.forget_ready import CoreNetwork
from forget.linear.grid import Rows
from forget.linear.heads import ClassMean, head_gap
from forget.linear.model import LinearModel, all_rows
from forget.linearizations import kind_of, make_feature_map, rule_of, training_part
from forget.methods.refit import refit
from forget.methods.subtract import subtract
from forget.metrics.recognition import Recognition, recognise

__all__ = ["faces_of", "identity_rows", "network_identity_rows"]

FORGOTTEN = (1, 10, 50, 100)  # people at a time
SINGLES = 10  # people who are forgotten one by one


def faces_of(bench: Bench, core: Core) -> FaceDataset:
    """The people of the training part, with the core marked."""
    faces = mufac_people(bench.data, bench.report).faces
    inside = set(core.people)
    return replace(faces, core=tuple(person for person in faces.identities if person in inside))


def network_identity_rows(bench: Bench, network: CoreNetwork, core: Core) -> Iterator[Row]:
    """The network itself: the nearest class mean in its hidden layer."""
    faces, base = faces_of(bench, core), network.people
    rows = all_rows(base, faces.images, bench.on_step)
    model = LinearModel.fit(base, split_by_identity(faces), ClassMean(), rows=rows)
    for name, people in (("added", faces.added), ("core", faces.core)):
        share = _seen(model, split_by_identity(faces), rows, people, 0.0).identified
        yield "nobody", "network, class means", f"identified {name}", share


def identity_rows(bench: Bench, network: CoreNetwork, core: Core, kind: str) -> Iterator[Row]:
    """A linearization: who is recognised, and what forgetting one and fifty people does."""
    faces = faces_of(bench, core)
    start = perf_counter()
    base = network.people
    features = make_feature_map(kind, base, training_part(faces, faces.core), bench.on_step)
    yield "", kind, "seconds to choose on the core", perf_counter() - start
    rows = all_rows(features, faces.images, bench.on_step)
    split = split_by_identity(faces)
    model = LinearModel.fit(features, split, rule_of(features), rows=rows)
    for name, people in (("added", faces.added), ("core", faces.core)):
        seen = _seen(model, split, rows, people, model.threshold)
        yield "nobody", kind, f"identified {name}", seen.identified
        yield "nobody", kind, f"recognised {name}", seen.recognised
    strangers = features.rows(bench.data.images[_strangers(bench)])
    named = recognise(
        model.score(strangers), model.classes, [""] * len(strangers), model.threshold
    )
    yield "nobody", kind, "strangers named", named.named
    yield "", kind, "threshold", model.threshold
    drawn = np.random.default_rng(0).permutation(np.array(faces.added))
    for count in FORGOTTEN:
        yield from _forgotten(model, split, rows, sorted(drawn[:count]), f"{count} people")
    each = [
        dict((metric, value) for _, _, metric, value in _forgotten(model, split, rows, [one], ""))
        for one in drawn[:SINGLES]
    ]
    for metric in ("named after", "named before"):
        value = float(np.mean([one[metric] for one in each]))
        yield f"{SINGLES} people, one by one", kind, metric, value


def _forgotten(
    model: LinearModel, split: Split, rows: Rows, people: list[str], what: str
) -> Iterator[Row]:
    """What forgetting some people does, and that it is the refit."""
    kind, people = kind_of(model.feature_map), [str(one) for one in people]
    start = perf_counter()
    after = subtract(model, split.forgetting(people)).model
    _ = after.head
    yield what, kind, "seconds", perf_counter() - start
    start = perf_counter()
    again = refit(model, split.faces, people)
    _ = again.head
    yield what, kind, "seconds of the refit", perf_counter() - start
    if again.statistics.digest() != after.statistics.digest():
        raise ForgetError("the digest of a refit", "another", "Report this.")
    yield what, kind, "gap to the refit", head_gap(again.head, after.head)
    before = _seen(model, split, rows, people, model.threshold)
    now = _seen(after, split, rows, people, after.threshold)
    yield what, kind, "named before", before.named
    yield what, kind, "named after", now.named


def _strangers(bench: Bench) -> Indices:
    """Every unseen image whose picture and person no training image has."""
    unseen, train = bench.split.unseen, bench.data.train
    person = np.array([bench.joined.get(one, one) for one in bench.data.people])
    return unseen[~np.isin(person[unseen], person[train])]


def _seen(
    model: LinearModel, split: Split, rows: Rows, people: tuple[str, ...] | list[str], least: float
) -> Recognition:
    indices = split.test_of(people)
    labels = [split.faces.labels[i] for i in indices]
    return recognise(model.score(rows[indices]), model.classes, labels, least)

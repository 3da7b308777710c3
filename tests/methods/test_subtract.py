"""The central promise: subtraction equals a fit that never saw the person, bit for bit."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.linear.feature_map import Penultimate
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.linear.proof import prove
from forget.linear.statistics import Statistics
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.metrics.recognition import recognise

ADDED = [f"s{number}" for number in range(21, 41)]
SETS = [[person] for person in ADDED]
SETS += [
    sorted(random.Random(size * 10 + k).sample(ADDED, size))
    for size in (2, 5, 19)
    for k in range(3)
]


def summed_without(model: LinearModel, people: list[str], seed: int) -> Statistics:
    """Sums everybody else's rows in a random order, in batches of any size, over some shards."""
    choice = random.Random(seed)
    store = model.store
    pairs = [(p, row) for p in store.people if p not in people for row in store[p].rows]
    choice.shuffle(pairs)
    shards = [Statistics.empty(store.space) for _ in range(choice.randint(1, 6))]
    while pairs:
        size = choice.randint(1, 40)
        batch, pairs = pairs[:size], pairs[size:]
        part = Statistics.of(store.space, np.stack([r for _, r in batch]), [p for p, _ in batch])
        k = choice.randrange(len(shards))
        shards[k] = shards[k] + part
    total = shards.pop()
    while shards:
        total = shards.pop() + total
    return total


@pytest.fixture
def no_subtraction(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise AssertionError("a refit must not subtract")

    monkeypatch.setattr(Statistics, "__sub__", refuse)
    yield
    monkeypatch.undo()


@pytest.fixture(scope="module")
def subtracted(model: LinearModel, orl: FaceDataset) -> dict[tuple[str, ...], LinearModel]:
    return {tuple(people): unlearn(model, orl, people).model for people in SETS}


@pytest.mark.parametrize("people", SETS, ids="+".join)
def test_subtraction_equals_a_refit_bit_for_bit(
    people: list[str],
    subtracted: dict[tuple[str, ...], LinearModel],
    model: LinearModel,
    orl: FaceDataset,
    no_subtraction: None,
) -> None:
    after = subtracted[tuple(people)]
    fresh = summed_without(model, people, seed=len(people))
    again = refit(model, orl, people)
    assert after.statistics.digest() == fresh.digest() == again.statistics.digest()
    assert head_gap(after.head, model.rule(fresh)) == 0.0
    assert head_gap(after.head, again.head) == 0.0
    assert prove(after).holds


@pytest.mark.parametrize("person", ADDED[:3])
def test_a_row_left_in_or_one_unit_changed_is_seen(
    person: str, model: LinearModel, subtracted: dict[tuple[str, ...], LinearModel]
) -> None:
    after = subtracted[(person,)]
    mine = model.store[person].rows
    one_left = after.statistics + Statistics.of(model.store.space, mine[:1], [person])
    assert one_left.digest() != after.statistics.digest()
    changed = mine.copy()
    changed[0, 0] += 1
    space = model.store.space
    bent = after.statistics + Statistics.of(space, changed, [person] * len(changed))
    assert bent.digest() != model.statistics.digest()


@pytest.mark.parametrize("person", ADDED)
def test_adding_the_person_again_restores_the_model(
    person: str, model: LinearModel, subtracted: dict[tuple[str, ...], LinearModel]
) -> None:
    back = subtracted[(person,)].statistics + model.store.statistics_of(person)
    assert back.digest() == model.statistics.digest()
    assert head_gap(model.rule(back), model.head) == 0.0


def test_without_the_grid_the_equality_fails(orl: FaceDataset, feature_map: Penultimate) -> None:
    """The control: the same features, not rounded, summed and subtracted in float64."""
    z = np.concatenate([feature_map.features(orl.images[orl.of(p)]) for p in orl.identities])
    z = z.astype(np.float64)
    theirs, rest = z[330:340], np.delete(z, range(330, 340), axis=0)
    assert not np.array_equal(z.T @ z - theirs.T @ theirs, rest.T @ rest)
    q = feature_map.grid.snap(z).astype(np.float64)
    theirs, rest = q[330:340], np.delete(q, range(330, 340), axis=0)
    assert np.array_equal(q.T @ q - theirs.T @ theirs, rest.T @ rest)


def said(model: LinearModel, orl: FaceDataset, indices: np.ndarray) -> list[str]:
    labels = [orl.labels[i] for i in indices]
    seen = recognise(model.predict(orl.images[indices]), model.classes, labels, model.threshold)
    return [who if known else "" for who, known in zip(seen.who, seen.known, strict=True)]


@pytest.mark.parametrize("people", [["s34"], ["s25", "s38"], ["s03"]], ids="+".join)
def test_a_refit_from_photographs_decides_the_same(
    people: list[str], model: LinearModel, orl: FaceDataset
) -> None:
    after = unlearn(model, orl, people).model
    slow = refit(model, orl, people, from_photographs=True)
    held_out = np.concatenate([orl.of(person)[7:] for person in orl.identities])
    assert said(after, orl, held_out) == said(slow, orl, held_out)
    assert slow.people == after.people


def test_forgotten_and_never_enrolled_cannot_be_told_apart(
    model: LinearModel, orl: FaceDataset
) -> None:
    one = unlearn(refit(model, orl, ["s27"]), orl, ["s31"]).model
    other = unlearn(refit(model, orl, ["s31"]), orl, ["s27"]).model
    assert one.statistics.digest() == other.statistics.digest()
    assert one.threshold == other.threshold
    assert head_gap(one.head, other.head) == 0.0

"""Forget-ready models: whatever the linearization, who is added can be taken out of everything."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from forget.data.core import Core, draw_core
from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.data.partition import by_index
from forget.errors import CheckpointError, ForgetError
from forget.forget_ready import (
    CoreNetwork,
    LabelModel,
    forget_ready,
    load_core_network,
    save_core_network,
    train_core,
)
from forget.label_linearizations import LABEL_LINEARIZATIONS, linearize_classifier
from forget.linear.heads import head_gap
from forget.linear.proof import prove
from forget.methods.subtract import subtract
from forget.models.checkpoint import read_tensors, to_bytes
from forget.progress import Cancelled, OnStep, silent
from forget.recipe import Recipe
from forget.runs.keeper import FileKeeper
from forget.training import accelerate

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}
RECIPE = Recipe(epochs=4, rate=0.02)
KINDS = [kind for kind in LABEL_LINEARIZATIONS if kind != "linearizer-image"]  # see its own test
every_kind = pytest.mark.parametrize("kind", KINDS)


@cache
def data() -> ImageDataset:
    """Digits, as if a writer had written ten in a row."""
    digits = load_images("digits")
    people = tuple(f"w{i // 10:03d}" for i in range(len(digits.images)))
    return replace(digits, people=people)


@cache
def core() -> Core:
    return draw_core(data(), 0.4)


@cache
def network() -> CoreNetwork:
    return train_core(data(), core(), CONFIG, RECIPE, fabric=accelerate("cpu"))


@cache
def model(kind: str) -> LabelModel:
    return forget_ready(network(), data(), core(), kind)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * kind.startswith("linearizer"))
        for kind in KINDS
    ],
)
def test_added_images_are_forgotten_by_the_whole_model(kind: str) -> None:
    ready = model(kind)
    gone = core().added[:37]
    after = subtract(ready.model, by_index(data(), gone, "some"))
    left = core().added[37:]
    measured = ready.readout.measure(data().images[core().added])
    again = ready.readout.fit(data(), measured[37:], left)
    stored = ready.model.store.drop(data().unit(i) for i in gone).statistics()
    assert (after.guarantee.kind, after.guarantee.scope) == ("exact", "model")
    assert after.model.statistics.digest() == stored.digest()
    assert after.model.statistics.digest() == again.statistics.digest()
    assert head_gap(after.model.head, again.head) == 0
    assert prove(after.model).holds


@every_kind
def test_it_names_digits_that_nobody_trained_on(kind: str) -> None:
    test = data().test
    right = model(kind).logits(data().images[test]).argmax(1) == data().labels[test]
    assert right.mean() > 0.85


@every_kind
def test_a_core_image_is_forgotten_by_the_readout_only(kind: str) -> None:
    readout, some = model(kind).readout, np.concatenate([core().images[:5], core().added[:9]])
    fitted = readout.fit(data(), readout.measure(data().images[some]), some)
    split = by_index(data(), core().images[:3], "three core images")
    assert subtract(fitted, split).guarantee.scope == "readout"


@pytest.mark.slow
def test_a_linearizer_of_images_takes_images_of_faces() -> None:
    """Digits are too small to be halved three times; pictures of 48 pixels are not."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 48, 48, 3), np.uint8)
    made = ImageDataset(
        name="noise",
        images=images,
        labels=np.arange(60) % 2,
        classes=("a", "b"),
        parts={"train": np.arange(50), "test": np.arange(50, 60)},
        people=tuple(f"p{i // 5}" for i in range(60)),
    )
    config = {"architecture": "convnet", "classes": 2, "channels": 3, "side": 48}
    few = draw_core(made, 0.5)
    trained = train_core(made, few, config, Recipe(epochs=1, rate=0.01), fabric=accelerate("cpu"))
    seen: list[int] = []

    def stop(done: int, total: int, note: str = "") -> None:
        seen.append(total)
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        linearize_classifier("linearizer-image", trained.base, made, few.images, stop)
    assert seen[0] == 400


def test_a_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "core.safetensors"
    save_core_network(network(), path)
    again = load_core_network(path)
    assert again.base.space == network().base.space
    assert again.base.record == network().base.record
    assert again.about["core people"] == list(core().people)
    whole, (tensors, about) = path.read_bytes(), read_tensors(path)
    path.write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match="cut off or foreign"):
        load_core_network(path)
    for wrong in ({"network": None}, {"network": {}}, {"record": 3}):
        path.write_bytes(to_bytes(tensors, about | wrong))
        with pytest.raises(CheckpointError):
            load_core_network(path)


def test_the_record_holds_files_and_pixels_of_the_core_and_nothing_else() -> None:
    record = network().base.record
    assert set(data().hashes_of(core().images)) <= record.photographs
    assert not set(data().hashes_of(core().added)) & record.photographs
    assert record.people == set(core().people)


def test_same_seed_same_network_and_the_size_that_it_ended_on() -> None:
    small = replace(RECIPE, epochs=2, sides=(8, 8))
    one, other = (
        train_core(data(), core(), CONFIG, small, fabric=accelerate("cpu")) for _ in range(2)
    )
    assert one.base.side == 8
    assert one.base.space == other.base.space


def test_seconds_before_a_kill_count(tmp_path: Path) -> None:
    def stop(done: int, total: int, note: str = "") -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    def train(on_step: OnStep = silent) -> CoreNetwork:
        return train_core(
            data(), core(), CONFIG, RECIPE, 0, accelerate("cpu"), keeper, on_step=on_step
        )

    keeper = FileKeeper(tmp_path / "unfinished.pt", {})
    with pytest.raises(KeyboardInterrupt):
        train(stop)
    kept = dict(keeper.load() or {})
    assert 0 < kept["seconds"] < 1000
    keeper.save({**kept, "seconds": 1000.0})
    again = train()
    assert 1000 < again.about["seconds"] < 2000
    assert again.base.space == network().base.space


def test_what_is_chosen_on_somebody_must_be_chosen_on_the_core() -> None:
    with pytest.raises(ForgetError, match="trained on"):
        linearize_classifier("tangent", network().base, data(), core().added)
    with pytest.raises(ForgetError, match="linearization of"):
        linearize_classifier("quadratic", network().base, data(), core().images)
    with pytest.raises(ForgetError, match="images to learn"):
        forget_ready(network(), data(), core(), indices=np.zeros(0, np.intp))


def test_a_core_inside_of_the_network_s_is_another_one() -> None:
    smaller = draw_core(data(), 0.2)
    assert set(smaller.images) < set(core().images)
    with pytest.raises(ForgetError, match="the core that trained the network"):
        forget_ready(network(), data(), smaller)


def test_images_are_chosen_by_number_or_as_a_mask() -> None:
    some = core().added[:40]
    mask = np.isin(np.arange(len(data().images)), some)
    one, other = (
        forget_ready(network(), data(), core(), "penultimate", indices) for indices in (some, mask)
    )
    assert one.model.statistics.digest() == other.model.statistics.digest()
    for wrong in ([-1], [len(data().images)], [0.5, 1.0], [[1, 2]], mask[:-1]):
        with pytest.raises(ForgetError, match="numbers of images from 0 to 1796"):
            forget_ready(network(), data(), core(), "penultimate", wrong)

"""Laws of the loop: repeatable, stoppable, and a killed training ends in the same weights."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from forget.augment import Augment
from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.errors import ForgetError
from forget.models.classifier import Classifier, build
from forget.progress import Cancelled
from forget.recipe import (
    Recipe,
    cross_entropy,
    fit,
    hidden_of,
    logits_of,
    sgd,
    shuffled,
    to_input,
)
from forget.training import Pass, Phase, accelerate, train

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}
RECIPES = {
    "plain": Recipe(epochs=3, batch=32),
    "averaged": Recipe(epochs=3, batch=32, average=0.9, smoothing=0.1),
    "changed": Recipe(epochs=3, batch=32, augment=Augment(flip=0), sides=(4, 8, 8)),
}
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


class Memory:
    """Keeps the last state, as a file would: a deep copy."""

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None

    def load(self) -> Mapping[str, Any] | None:
        return copy.deepcopy(self.state)

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = copy.deepcopy(dict(state))


@pytest.fixture(scope="module")
def digits() -> ImageDataset:
    """The bundled digits."""
    return load_images("digits")


def learn(digits: ImageDataset, recipe: Recipe, seed: int = 0, **more: Any) -> Classifier:  # noqa: ANN401
    config = {**CONFIG, "side": 8}
    if recipe.sides:
        config = {"architecture": "resnet18", "classes": 10, "stem": "small"}
        digits = colour(digits)
    return fit(config, digits, digits.train[:96], recipe, accelerate("cpu"), seed, **more)


def colour(digits: ImageDataset) -> ImageDataset:
    return replace(digits, images=np.repeat(digits.images, 3, axis=3))


def same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


@every_recipe
def test_same_seed_same_weights_and_a_silent_random_state(
    digits: ImageDataset, recipe: Recipe
) -> None:
    before = torch.get_rng_state()
    first, second, other = (learn(digits, recipe, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert same(first, second)
    assert not same(first, other)


@every_recipe
@pytest.mark.parametrize("killed_at", [1, 5])
def test_a_killed_training_ends_in_the_same_weights(
    digits: ImageDataset, recipe: Recipe, killed_at: int
) -> None:
    whole, memory = learn(digits, recipe), Memory()

    def stop(done: int, total: int, note: str = "") -> None:
        if done > killed_at:
            raise Cancelled

    with pytest.raises(Cancelled):
        learn(digits, recipe, keeper=memory, on_step=stop)
    assert (memory.state is None) == (killed_at < 3)
    assert same(learn(digits, recipe, keeper=memory), whole)
    assert same(learn(digits, recipe, keeper=memory), whole)  # and nothing is done twice


def test_progress_counts_every_batch_and_epochs_are_reported(digits: ImageDataset) -> None:
    steps: list[tuple[int, int]] = []
    passes: list[Pass] = []
    learn(
        digits,
        Recipe(epochs=2, batch=40),
        on_step=lambda done, total, note="": steps.append((done, total)),
        on_epoch=lambda done, network: passes.append(done),
    )
    assert steps == [(i, 6) for i in range(1, 7)]
    assert [done.epoch for done in passes] == [1, 2]
    assert passes[1].phases["train"].loss < passes[0].phases["train"].loss


def test_the_loop_is_plain_gradient_descent(digits: ImageDataset) -> None:
    """One phase against the same steps written out."""
    fabric = accelerate("cpu")
    torch.manual_seed(0)
    ours = build(CONFIG)
    by_hand = copy.deepcopy(ours)
    batches, steps = shuffled(digits, digits.train[:64], 16, 7, fabric)
    phase = Phase("train", batches, steps, cross_entropy(), sgd(ours, 0.1, 0.9, 1e-3))
    seen: list[Pass] = []
    train(ours, [phase], 2, fabric, lambda done, network: seen.append(done))
    optimiser = sgd(by_hand, 0.1, 0.9, 1e-3)
    losses = []
    for epoch in range(2):
        by_hand.train()
        for images, labels in batches(epoch):
            loss = functional.cross_entropy(by_hand(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    assert same(ours, by_hand)
    assert seen[1].phases["train"].loss == pytest.approx(np.mean(losses[4:]), rel=1e-5)


def test_batches_hold_every_image_once_and_never_one_alone(digits: ImageDataset) -> None:
    indices = digits.train[:65]
    batches, steps = shuffled(digits, indices, 64, 0, accelerate("cpu"))
    found = [labels.tolist() for _, labels in batches(0)]
    assert steps == len(found) == 2
    assert min(map(len, found)) > 1
    assert sorted(sum(found, [])) == sorted(digits.labels[indices].tolist())
    orders = [[labels.tolist() for _, labels in batches(epoch)] for epoch in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_inputs_are_shares_of_white_and_smaller_ones_are_means() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    whole = to_input(images)
    assert whole.shape == (2, 3, 8, 8)
    assert whole[1, 2, 3, 4] == pytest.approx(images[1, 3, 4, 2] / 255)
    half = to_input(images, 4)
    assert half[0, 0, 0, 0] == pytest.approx(images[0, :2, :2, 0].mean() / 255)
    assert to_input(images, 6).shape == (2, 3, 6, 6)


def test_images_that_must_not_be_written_are_read_without_a_warning() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    wanted = to_input(images)
    images.setflags(write=False)
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.equal(to_input(images), wanted)
    finally:
        torch.set_warn_always(False)


def test_logits_do_not_depend_on_the_batch_and_leave_the_network(digits: ImageDataset) -> None:
    network = build(CONFIG).train()
    before = copy.deepcopy(network.state_dict())
    together = logits_of(network, digits, digits.test)
    alone = np.concatenate([logits_of(network, digits, digits.test[i : i + 1]) for i in range(5)])
    assert together[:5] == pytest.approx(alone, abs=1e-5)
    assert network.training
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in before.items())
    assert hidden_of(network, digits, digits.test).shape == (360, 128)
    assert logits_of(network, digits, digits.test[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}, {"rate": float("nan")}]
)
def test_settings_that_cannot_work_are_told(settings: dict[str, float]) -> None:
    with pytest.raises(ForgetError, match="at least 1 epoch"):
        Recipe(**settings)


def test_no_images_and_no_device_are_told(digits: ImageDataset) -> None:
    with pytest.raises(ForgetError, match="images to train on"):
        fit(CONFIG, digits, digits.train[:0], Recipe(), accelerate("cpu"))
    with pytest.raises(ForgetError, match="a device that is there"):
        accelerate("abacus")


@pytest.mark.parametrize("epochs", [1, 2, 5, 10])
def test_any_number_of_steps_has_a_schedule(digits: ImageDataset, epochs: int) -> None:
    fit(CONFIG, digits, digits.train[:8], Recipe(epochs=epochs, batch=8), accelerate("cpu"))


def test_small_images_first() -> None:
    recipe = Recipe(epochs=6, sides=(64, 96, 128))
    assert [recipe.side(epoch) for epoch in range(6)] == [64, 64, 96, 96, 128, 128]
    assert Recipe(epochs=5, sides=(1, 2)).side(4) == 2
    assert Recipe().side(3) is None

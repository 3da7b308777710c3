"""Data sets with the network and the training that suit them, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from forget.augment import Augment
from forget.data.identities import as_classes
from forget.data.image_dataset import ImageDataset
from forget.data.load import load_faces, load_images
from forget.errors import ForgetError
from forget.mufac_training import NETWORK, mufac_recipe
from forget.progress import OnStep, silent
from forget.recipe import Recipe, to_input

__all__ = ["MUFAC_SIDES", "PROBLEMS", "Problem", "at_side", "load_problem"]

PROBLEMS = {
    "orl": "ORL, 40 people to tell apart",
    "digits": "scikit-learn's small digits",
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "mufac": "MUFAC, 8 age classes at 64 pixels",
    "mufac-128": "MUFAC, 8 age classes at 128 pixels",
}
MUFAC_SIDES = {"mufac": 64, "mufac-128": 128}  # pixels; the second takes four times as long
BUNDLED = ("orl", "digits")


@dataclass(frozen=True, eq=False)
class Problem:
    """What a network is trained on, and how.

    Arguments:
        name: Of the data set.
        data: The images.
        config: Settings of the network, for `forget.models.classifier.build`.
        recipe: How it is trained from scratch.
        suggestion: Classes that an example would forget; empty where an example would forget
            the benchmark's images.
    """

    name: str
    data: ImageDataset
    config: Mapping[str, Any] = field(repr=False)
    recipe: Recipe = field(repr=False)
    suggestion: tuple[str, ...] = ()


def load_problem(name: str, source: Path | None = None, on_step: OnStep = silent) -> Problem:
    """Loads a data set with its network and training.

    Arguments:
        name: A name in `PROBLEMS`.
        source: Where the data lie; by default where they are kept.
        on_step: Told of progress where images have to be decoded first.

    Raises:
        ForgetError: No such name, or the data are not there; the remedy says how to get them.
    """
    if name not in PROBLEMS:
        known = ", ".join(PROBLEMS)
        raise ForgetError(f"one of {known}", repr(name), "Choose one of these names.")
    if source is not None and name in BUNDLED:
        raise ForgetError(
            f"no place for {name}, which comes with the program", str(source), "Leave it out."
        )
    if name == "orl":
        data = as_classes(load_faces("orl"), 32)
        augment = Augment(flip=0.5, turn=8, zoom=0.1, shift=0.06, colour=0.1)
        recipe = Recipe(epochs=40, batch=20, rate=0.03, augment=augment)
        return Problem(name, data, _convnet(data), recipe, data.classes[33:34])
    if name in MUFAC_SIDES:
        data, side = load_images("mufac", source, on_step), MUFAC_SIDES[name]
        return Problem(name, at_side(data, side), NETWORK, mufac_recipe(side))
    data = load_images(name, source, on_step)
    if name == "cifar10":
        augment = Augment(turn=0, zoom=0.1, stretch=0, shift=0.1, hide=0)
        recipe = Recipe(12, 64, 0.05, augment=augment)
        return Problem(name, data, _convnet(data), recipe, data.classes[:1])
    epochs = 2 if name == "mnist" else 8
    return Problem(
        name, data, _convnet(data), Recipe(epochs, 64 if name == "mnist" else 32), ("5",)
    )


def at_side(data: ImageDataset, side: int) -> ImageDataset:
    """The data set with images of another size, so that methods see them as the network does."""
    if side == data.images.shape[1]:
        return data
    small = np.empty((len(data.images), side, side, 3), np.uint8)
    for start in range(0, len(small), 512):
        images = to_input(data.images[start : start + 512], side).permute(0, 2, 3, 1)
        small[start : start + 512] = (images * 255).round().byte().numpy()
    return replace(data, images=small)


def _convnet(data: ImageDataset) -> dict[str, Any]:
    side, channels = data.images.shape[1], data.images.shape[3]
    network = {"architecture": "convnet", "classes": len(data.classes)}
    return {**network, "channels": channels, "side": side}

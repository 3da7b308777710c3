"""A made-up MUFAC for the tests of the app, and a network that is as good as prepared."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from data.mufac_sample import Sample, jpeg, pixels

from forget.data import mufac as reader
from forget.data.core import draw_core
from forget.data.mufac import load_mufac
from forget.data.mufac_people import mufac_people
from forget.forget_ready import CoreNetwork, record_of_core, save_core_network
from forget.linear.classifier_features import ClassifierFeatures
from forget.models.classifier import build
from forget.recipe import pixels_hidden
from forget.ui import mufac

__all__ = ["FAMILIES", "Place", "furnished", "network_of", "sample"]

FAMILIES = 24  # of two people each: more than one page


@dataclass(frozen=True)
class Place:
    """Where the app shall find its data, and a network that can be put there."""

    data: Path
    network: Path

    @property
    def home(self) -> Path:
        """The folder of the prepared network."""
        return self.data / "mufac-ready"

    def prepare(self) -> None:
        """Puts the network there, as a finished training does."""
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.network, self.home / "network.safetensors")

    def visit(self, patch: pytest.MonkeyPatch) -> "Place":
        """Makes the app look here."""
        for module in (reader, mufac):
            patch.setattr(module, "APP_DATA", self.data)
        patch.setattr(mufac, "HOME", self.home)
        return self


def sample(families: int = FAMILIES) -> Sample:
    """Returns families F0046, F0047, ... to train on; the first two share a picture."""
    made, seed = Sample(), 0
    stems = [("train", f"F{46 + i:04d}") for i in range(families)]
    for stem, family in [*stems, ("val", "F0900"), ("test", "F0901")]:
        for person in "DS":
            for k in range(3):
                seed += 1
                made.add(stem, family, person, "abcdefgh"[k], jpeg(pixels(seed)))
    shared = made.files[f"train_images/{made.rows['train'][0][3]}"]  # F0046/D
    made.add("train", "F0047", "S", "a", shared)
    return made


def network_of(data: Path, path: Path) -> None:
    """Writes an untrained network whose record names half of the people."""
    images = load_mufac(data / "mufac.zip")
    core = draw_core(images, 0.5, mufac_people(images).joined)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build({"architecture": "resnet18", "classes": 8, "stem": "large"}).eval()
    base = ClassifierFeatures(network, record_of_core(images, core), side=64)
    centre = pixels_hidden(network, images.images[core.images], 64, mirror=True).mean(axis=0)
    about = {"core people": list(core.people), "core images": len(core.images), "side": 64}
    save_core_network(CoreNetwork(base, centre, about), path)


def furnished(folder: Path) -> Place:
    """Returns a place with the data, and with a network that is not prepared yet."""
    place = Place(folder / "app_data", folder / "network.safetensors")
    place.data.mkdir()
    sample().zip(place.data / "mufac.zip")
    with pytest.MonkeyPatch.context() as patch:
        place.visit(patch)
        network_of(place.data, place.network)
    return place

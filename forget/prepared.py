"""MUFAC made forget-ready: a network that half of the people trained, kept, and their models.

The network learns ages from the photographs of the core. Everybody else is added: enrolled in a
linear part on top, from which they can be taken out of the whole model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from forget.data.core import Core, draw_core
from forget.data.dataset import FaceDataset
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import FORGET_IMAGES, load_mufac
from forget.data.mufac_people import MufacPeople, mufac_people
from forget.data.sources import APP_DATA
from forget.data.split import Split, split_by_identity
from forget.errors import CheckpointError, ForgetError
from forget.forget_ready import (
    CoreNetwork,
    core_digest,
    load_core_network,
    save_core_network,
    train_core,
)
from forget.kept import Shelf
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.linearizations import rule_of, training_part
from forget.mufac_training import NETWORK, mufac_recipe
from forget.progress import OnStep, silent
from forget.runs.keeper import FileKeeper

__all__ = [
    "COMMAND",
    "HOME",
    "SHARE",
    "SIDE",
    "Prepared",
    "is_prepared",
    "load_prepared",
    "prepare",
]

HOME = APP_DATA / "mufac-ready"
SHARE = 0.5  # of the people are the core
SIDE = 64  # pixels
COMMAND = "python -m scripts.forget_ready"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The people of MUFAC and the network that their core trained.

    Arguments:
        network: Saw the core alone.
        faces: Everybody's photographs; the core is marked.
        folder: Where it is kept, with what is made of it.
    """

    network: CoreNetwork
    faces: FaceDataset = field(repr=False)
    folder: Path

    @cached_property
    def base(self) -> ClassifierFeatures:
        """The hidden layer that people are told apart by."""
        return self.network.people

    @cached_property
    def split(self) -> Split:
        """Which photographs are held out."""
        return split_by_identity(self.faces)

    @property
    def shelf(self) -> Shelf:
        """What is kept of the network's linearizations."""

        def core() -> FaceDataset:
            return training_part(self.faces, self.faces.core)

        return Shelf(self.folder, lambda: self.base, core)

    def model(self, kind: str = "penultimate", on_step: OnStep = silent) -> LinearModel:
        """The model of everybody, linearized in some way; what takes long is kept.

        Raises:
            ForgetError: No such kind.
        """
        return self.fitted(kind, on_step)[0]

    def fitted(self, kind: str, on_step: OnStep = silent) -> tuple[LinearModel, Rows]:
        """The model of everybody, and the features of all photographs on the grid, (n, d)."""
        features = self.shelf.get(kind, on_step)
        rows = self.shelf.rows(features, self.faces, on_step)
        return self._fit(features, rows, on_step), rows

    def kept(self, kind: str) -> tuple[LinearModel, Rows] | None:
        """What `fitted` returns if nothing has to be trained or computed that takes long.

        None for features with targets: only rows are kept, targets are computed with every fit.

        Raises:
            ForgetError: No such kind.
        """
        features = self.shelf.find(kind)
        if features is None or features.space.targets:
            return None
        rows = self.shelf.find_rows(features, self.faces)
        return None if rows is None else (self._fit(features, rows, silent), rows)

    def _fit(self, features: FeatureMap, rows: Rows, on_step: OnStep) -> LinearModel:
        return LinearModel.fit(features, self.split, rule_of(features), on_step, rows)


def is_prepared(folder: Path = HOME) -> bool:
    """Whether a network was trained and kept."""
    return _file(folder).is_file()


def prepare(
    source: Path | None = None,
    share: float = SHARE,
    side: int = SIDE,
    seed: int = 0,
    folder: Path = HOME,
    on_step: OnStep = silent,
) -> Prepared:
    """Trains the network on a core and keeps it; goes on after a kill, reads what is there.

    The people of the benchmark's forget set are added as long as others suffice for the core.

    Arguments:
        source: Where MUFAC lies; by default in app_data.
        share: Of the people that are the core.
        side: Size of the images at the end of the training, 64 or 128 pixels.
        seed: Of the training; the core is always drawn with the same.
        folder: Where the network is kept.
        on_step: Told of progress; may raise `Cancelled`, then the last whole epoch is kept.

    Raises:
        ForgetError: MUFAC is not there, or what is kept was trained otherwise.
    """
    data = load_mufac(source, on_step)
    people = mufac_people(data, on_step=on_step)
    core = draw_core(data, share, people.joined, data.train[:FORGET_IMAGES])
    wanted = {"core": core_digest(data, core), "seed": seed, "side": side}
    path = _file(folder)
    if path.is_file():
        network = load_core_network(path)
        if {name: network.about.get(name) for name in wanted} != wanted:
            raise ForgetError(
                f"a network trained with {wanted}",
                f"one with { ({name: network.about.get(name) for name in wanted}) }, in {folder}",
                "Choose another folder, or delete this one to train again.",
            )
    else:
        network = _trained(data, core, wanted, side, seed, folder, on_step)
    return _of(network, people, folder)


def load_prepared(
    source: Path | None = None, folder: Path = HOME, on_step: OnStep = silent
) -> Prepared:
    """What `prepare` kept.

    Raises:
        CheckpointError: Nothing is kept there; the remedy is the command that makes it.
        ForgetError: MUFAC is not there.
    """
    if not is_prepared(folder):
        raise CheckpointError(
            "a network that a core of MUFAC's people trained",
            f"none in {folder}",
            f"Train it with: {COMMAND}",
        )
    people = mufac_people(load_mufac(source, on_step), on_step=on_step)
    return _of(load_core_network(_file(folder)), people, folder)


def _file(folder: Path) -> Path:
    return folder / "network.safetensors"


def _trained(
    data: ImageDataset,
    core: Core,
    settings: dict[str, Any],
    side: int,
    seed: int,
    folder: Path,
    on_step: OnStep,
) -> CoreNetwork:
    keeper = FileKeeper(folder / "unfinished.pt", settings)
    recipe = mufac_recipe(side)
    found = train_core(data, core, NETWORK, recipe, seed, keeper=keeper, on_step=on_step)
    save_core_network(found, _file(folder))
    keeper.drop()
    return found


def _of(network: CoreNetwork, people: MufacPeople, folder: Path) -> Prepared:
    inside: Sequence[str] = network.about["core people"]
    core = tuple(person for person in people.faces.identities if person in set(inside))
    return Prepared(network, replace(people.faces, core=core), folder)

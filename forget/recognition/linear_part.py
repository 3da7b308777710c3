"""The linear part of a study: its maps trained, its sums taken, its readout solved."""

from pathlib import Path

from lightning_fabric import Fabric

from forget.data.dataset import FaceDataset
from forget.linear.feature_map import FeatureMap
from forget.linear.linearizer.training import LinearizerSettings
from forget.linear.model import LinearModel
from forget.linearizations import (
    LastLayer,
    make_feature_map,
    train_maps,
    training_part,
)
from forget.pretrained import linearize
from forget.progress import OnStep, silent
from forget.recognition.settings import LinearizerKeys, Settings
from forget.runs.keeper import FileKeeper

__all__ = ["LEVELS", "fit_linear", "steps_of"]

LEVELS = {"linearizer": "embedding", "linearizer-image": "image"}  # kinds that have maps to train


def fit_linear(
    settings: Settings,
    faces: FaceDataset,
    network: LastLayer,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
    partial: Path | None = None,
) -> LinearModel:
    """Trains what has to be trained on the core, and fits everybody's photographs.

    Arguments:
        settings: Of the study; `linearizer` counts.
        faces: The photographs; the last 30 % of each person are held out.
        network: The frozen network.
        fabric: The processes that share the work; one if None.
        on_step: Told of progress.
        partial: File that holds an unfinished training, which goes on from there; None keeps
            nothing. Removed in the end.

    Raises:
        ForgetError: Settings out of range, or photographs that do not fit the network.
    """
    kind = settings.linearizer.kind
    feature_map = _feature_map(settings, faces, network, fabric, on_step, partial)
    return linearize(feature_map, faces, kind=kind, on_step=on_step, fabric=fabric)


def steps_of(keys: LinearizerKeys, photographs: int) -> int:
    """Optimisation steps in an epoch over the photographs of the core."""
    return -(-photographs // keys.batch_size)


def _feature_map(
    settings: Settings,
    faces: FaceDataset,
    network: LastLayer,
    fabric: Fabric | None,
    on_step: OnStep,
    partial: Path | None,
) -> FeatureMap:
    keys = settings.linearizer
    core = training_part(faces, faces.core)
    if keys.kind not in LEVELS:
        return make_feature_map(keys.kind, network, core, on_step, fabric)
    told = LinearizerSettings(
        level=LEVELS[keys.kind],
        couplings=keys.num_blocks,
        dimension=keys.latent_dim,
        rate=keys.learning_rate,
        seed=settings.seed,
    )
    steps = steps_of(keys, len(core.images))
    keeper = None
    if partial is not None:
        about = {"settings": repr(told), "network": network.space.feature_map}
        keeper = FileKeeper(partial, {**about, "people": list(core.identities)})
    found = train_maps(
        network, core, told, steps, keys.batch_size, on_step, fabric, keys.num_epochs, keeper
    )
    if keeper is not None:
        keeper.drop()
    return found

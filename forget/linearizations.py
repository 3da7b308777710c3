"""The ways to linearize a network of faces, by name: which feature map, which readout."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from forget.data.dataset import FaceDataset, known_identities, part_of
from forget.data.split import split_by_identity
from forget.embedder_training import Recipe, album_of, invented_faces
from forget.errors import ForgetError
from forget.linear.backbone import Backbone, FaceNetwork, backbone_of
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.erasing.features import Erased
from forget.linear.face_features import FaceFeatures
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.heads import HeadRule, Wccn
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.remembered import Remembered
from forget.linear.tangent.features import Tangent, TangentSettings
from forget.models.classifier import Classifier
from forget.progress import OnStep, silent
from forget.recipe import changed_views
from forget.training import Keeper

__all__ = [
    "LINEARIZATIONS",
    "LastLayer",
    "Linearization",
    "kind_of",
    "linearization",
    "make_feature_map",
    "rule_of",
    "train_maps",
    "training_part",
]

EPOCH = 1_000_003  # what an epoch adds to the seed of its changes
SAMPLE = 512  # core photographs, at most, that bases are chosen on
# Of the embedder, of a classifier, of a face network from elsewhere.
LastLayer = Penultimate | ClassifierFeatures | FaceFeatures


@dataclass(frozen=True)
class Linearization:
    """One way to make the last step of a model linear in what it learned.

    Arguments:
        title: What to call it in front of a reader.
        says: One plain sentence on what is linear in it.
        rule: The readout on an embedder, with settings chosen on core people.
        classifier_rule: The same on a classifier, whose hidden layer was not trained to tell
            people apart.
        make: From the last layer and photographs of the core to the feature map. It may see
            nobody else: whatever it chooses, it chooses on the core. What has to be trained is
            trained by the processes of the fabric, if there is one.
        wait: How long that takes on 2 cores, in words; empty where it is a matter of seconds.
    """

    title: str
    says: str
    rule: HeadRule
    classifier_rule: HeadRule
    make: Callable[[LastLayer, FaceDataset, OnStep, Fabric | None], FeatureMap]
    wait: str = ""


def _last_layer(
    base: LastLayer, core: FaceDataset, on_step: OnStep, fabric: Fabric | None
) -> FeatureMap:
    return base


def _tangent(
    base: LastLayer, core: FaceDataset, on_step: OnStep, fabric: Fabric | None
) -> FeatureMap:
    some = np.sort(np.random.default_rng(0).permutation(len(core.images))[:SAMPLE])
    found = Tangent.fit(_backbone(base), core.images[some], base.record, TangentSettings())
    on_step(1, 1, "bases")
    return found


def _linearizer(settings: LinearizerSettings, steps: int, batch: int) -> Callable[..., FeatureMap]:
    def make(
        base: LastLayer, core: FaceDataset, on_step: OnStep, fabric: Fabric | None
    ) -> FeatureMap:
        return train_maps(base, core, settings, steps, batch, on_step, fabric)

    return make


def train_maps(
    base: LastLayer,
    core: FaceDataset,
    settings: LinearizerSettings,
    steps: int,
    batch: int,
    on_step: OnStep = silent,
    fabric: Fabric | None = None,
    epochs: int = 1,
    keeper: Keeper | None = None,
) -> LinearizerFeatures:
    """Trains the maps of a Linearizer on photographs of the core, changed at random.

    Arguments:
        base: The last layer of the network, with its training record.
        core: Photographs of the core, and of nobody else.
        settings: Of both maps.
        steps: Optimisation steps in an epoch.
        batch: Photographs in a step; all of them, if there are fewer.
        on_step: Told of each step; what it raises passes through.
        fabric: The processes that share every batch; one if None.
        epochs: How many.
        keeper: Holds an unfinished training; None keeps nothing.
    """
    if isinstance(base, FaceFeatures):
        # Each crop has two views: a larger bank would hold them again and again.
        settings = replace(settings, bank=min(settings.bank, 2 * len(core.images)))

    def batches(epoch: int) -> Iterator[Tensor]:
        bank = 0 if epoch else settings.bank // min(batch, len(core.images)) + 1
        return _changed(base, core, steps + bank, batch, settings.seed + EPOCH * epoch)

    backbone = _backbone(base)
    seen = Remembered(backbone.backbone) if isinstance(backbone, FaceNetwork) else backbone
    found = train_linearizer(
        seen, batches, steps, base.record, settings, on_step, fabric, epochs, keeper
    )
    # The trained maps stand on the network itself, without what it remembers.
    return LinearizerFeatures(backbone, found.record, found.level, found.g_x, found.g_y)


def _backbone(base: LastLayer) -> Backbone:
    if isinstance(base, Penultimate):
        return backbone_of(base.network)
    return base.backbone


def _changed(
    base: LastLayer, core: FaceDataset, steps: int, batch: int, seed: int
) -> Iterator[Tensor]:
    """Batches of core photographs, changed at random, as the network reads them."""
    if isinstance(base, ClassifierFeatures):
        everybody = np.arange(len(core.images))
        return changed_views(core.images, everybody, base.side, steps, batch, seed)
    if isinstance(base, FaceFeatures):
        return _mirrored(base, core, steps, batch, seed)
    random = torch.Generator().manual_seed(seed)
    recipe = Recipe(steps=steps, batch=batch)
    album = album_of(core.images, core.labels)
    return (one.images for one in invented_faces(album, recipe, random))


def _mirrored(
    base: FaceFeatures, core: FaceDataset, steps: int, batch: int, seed: int
) -> Iterator[Tensor]:
    """Batches of crops, half of them mirrored: aligned faces bear no other change."""
    draw = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = draw.choice(len(core.images), min(batch, len(core.images)), replace=False)
        view = base.backbone.prepare(core.images[np.sort(chosen)])
        turned = torch.from_numpy(draw.random(len(view)) < 0.5)[:, None, None, None]
        yield torch.where(turned, view.flip(-1), view)


# The ridges were chosen by scripts/choose_ridges.py and choose_mufac_ridges.py, on core people.
LINEARIZATIONS: dict[str, Linearization] = {
    "penultimate": Linearization(
        "Last layer",
        "The readout is a linear function of the network's last hidden layer.",
        Wccn(3.2e-5),
        Wccn(1e-5),
        _last_layer,
    ),
    "tangent": Linearization(
        "Tangent space",
        "The readout also moves the weights of the last layers, to first order.",
        Wccn(3.2e-4),
        Wccn(1e-5),
        _tangent,
    ),
    "linearizer": Linearization(
        "Linearizer of embeddings",
        "A linear operator between two invertible maps of the embedding.",
        Sandwich(32.0, 1e-1),
        Sandwich(10.0, 1e-3),
        _linearizer(LinearizerSettings(level="embedding"), steps=100, batch=96),
        "about a minute",
    ),
    "linearizer-image": Linearization(
        "Linearizer of images",
        "A linear operator from the latents of the image itself to those of the embedding.",
        Sandwich(320.0, 3.2e-1),
        Sandwich(10.0, 1e-3),
        _linearizer(LinearizerSettings(level="image"), steps=400, batch=48),
        "about five minutes",
    ),
}


def linearization(kind: str) -> Linearization:
    """A linearization by name.

    Raises:
        ForgetError: No such kind.
    """
    if kind not in LINEARIZATIONS:
        known = ", ".join(repr(name) for name in LINEARIZATIONS)
        raise ForgetError(f"a linearization of {known}", repr(kind), "Choose one of them.")
    return LINEARIZATIONS[kind]


def kind_of(feature_map: FeatureMap) -> str:
    """The name in `LINEARIZATIONS` that a feature map, or the one behind it, was made by."""
    if isinstance(feature_map, Erased):
        return kind_of(feature_map.base)
    if isinstance(feature_map, ClassifierFeatures | FaceFeatures):
        return "penultimate"
    images = isinstance(feature_map, LinearizerFeatures) and feature_map.level == "image"
    return "linearizer-image" if images else feature_map.kind


def rule_of(feature_map: FeatureMap) -> HeadRule:
    """The readout for a feature map, with the settings for the network behind it."""
    base = feature_map
    while isinstance(base, Erased):
        base = base.base
    network = getattr(base, "backbone", base).network
    one = linearization(kind_of(base))
    return one.classifier_rule if isinstance(network, Classifier) else one.rule


def training_part(faces: FaceDataset, core: Sequence[str]) -> FaceDataset:
    """The photographs of core people that a network and its linearization may be trained on.

    Raises:
        ForgetError: No core.
        IdentityError: Somebody is not in the data set.
    """
    if not core:
        raise ForgetError(
            "core people, to choose the linearization on", "none", "Name them, as in core=['s01']."
        )
    people = known_identities(core, faces.identities)
    indices = split_by_identity(faces).train_of(people)
    labels = tuple(faces.labels[i] for i in indices)
    return replace(faces, images=part_of(faces.images, indices), labels=labels, core=people)


def make_feature_map(
    kind: str,
    base: LastLayer,
    core: FaceDataset,
    on_step: OnStep = silent,
    fabric: Fabric | None = None,
) -> FeatureMap:
    """The feature map of a kind on top of a frozen network.

    Arguments:
        kind: A name in `LINEARIZATIONS`.
        base: The last layer of the network, with its training record.
        core: Photographs that the network was trained on, of nobody else.
        on_step: Told of progress; what it raises passes through.
        fabric: Where to train what has to be trained, from `forget.training.accelerate`; all of
            its processes call this. By default one CPU.

    Raises:
        ForgetError: No such kind, or somebody in `core` is not in the record.
    """
    strangers = [p for p in core.identities if base.record and p not in base.record.people]
    if strangers:
        raise ForgetError(
            "photographs of core people only",
            f"some of {', '.join(strangers[:3])}",
            "What a feature map chooses on somebody, it cannot forget.",
        )
    return linearization(kind).make(base, core, on_step, fabric)

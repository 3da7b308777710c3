"""The ways to linearize a face embedder, by name: which feature map, which readout."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from forget.data.dataset import FaceDataset, known_identities
from forget.data.split import split_by_identity
from forget.embedder_training import Recipe, album_of, invented_faces
from forget.errors import ForgetError
from forget.linear.backbone import backbone_of
from forget.linear.erasing.features import Erased
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.heads import HeadRule, Wccn
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.tangent.features import Tangent, TangentSettings
from forget.progress import OnStep, silent

__all__ = [
    "LINEARIZATIONS",
    "Linearization",
    "kind_of",
    "linearization",
    "make_feature_map",
    "training_part",
]


@dataclass(frozen=True)
class Linearization:
    """One way to make the last step of a model linear in what it learned.

    Arguments:
        title: What to call it in front of a reader.
        says: One plain sentence on what is linear in it.
        rule: The readout, with settings chosen on core people.
        make: From the last layer and photographs of the core to the feature map. It may see
            nobody else: whatever it chooses, it chooses on the core.
        wait: How long that takes on 2 cores, in words; empty where it is a matter of seconds.
    """

    title: str
    says: str
    rule: HeadRule
    make: Callable[[Penultimate, FaceDataset, OnStep], FeatureMap]
    wait: str = ""


def _last_layer(base: Penultimate, core: FaceDataset, on_step: OnStep) -> FeatureMap:
    return base


def _tangent(base: Penultimate, core: FaceDataset, on_step: OnStep) -> FeatureMap:
    settings = TangentSettings()
    found = Tangent.fit(backbone_of(base.network), core.images, base.record, settings)
    on_step(1, 1, "bases")
    return found


def _linearizer(settings: LinearizerSettings, steps: int, batch: int) -> Callable[..., FeatureMap]:
    def make(base: Penultimate, core: FaceDataset, on_step: OnStep) -> FeatureMap:
        album = album_of(core.images, core.labels)
        recipe = Recipe(steps=steps + settings.bank // batch + 1, batch=batch)

        def batches() -> Iterator[Tensor]:
            random = torch.Generator().manual_seed(settings.seed)
            return (one.images for one in invented_faces(album, recipe, random))

        backbone = backbone_of(base.network)
        return train_linearizer(backbone, batches, steps, base.record, settings, on_step)

    return make


# The ridges were chosen by scripts/choose_ridges.py, on core people alone.
LINEARIZATIONS: dict[str, Linearization] = {
    "penultimate": Linearization(
        "Last layer",
        "The readout is a linear function of the network's last hidden layer.",
        Wccn(3.2e-5),
        _last_layer,
    ),
    "tangent": Linearization(
        "Tangent space",
        "The readout also moves the weights of the last layers, to first order.",
        Wccn(3.2e-4),
        _tangent,
    ),
    "linearizer": Linearization(
        "Linearizer of embeddings",
        "A linear operator between two invertible maps of the embedding.",
        Sandwich(32.0, 1e-1),
        _linearizer(LinearizerSettings(level="embedding"), steps=100, batch=96),
        "about a minute",
    ),
    "linearizer-image": Linearization(
        "Linearizer of images",
        "A linear operator from the latents of the image itself to those of the embedding.",
        Sandwich(320.0, 3.2e-1),
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
    images = isinstance(feature_map, LinearizerFeatures) and feature_map.level == "image"
    return "linearizer-image" if images else feature_map.kind


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
    return replace(faces, images=faces.images[indices], labels=labels, core=people)


def make_feature_map(
    kind: str, base: Penultimate, core: FaceDataset, on_step: OnStep = silent
) -> FeatureMap:
    """The feature map of a kind on top of a frozen embedder.

    Arguments:
        kind: A name in `LINEARIZATIONS`.
        base: The last layer of the embedder, with its training record.
        core: Photographs that the embedder was trained on, of nobody else.
        on_step: Told of progress; what it raises passes through.

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
    return linearization(kind).make(base, core, on_step)

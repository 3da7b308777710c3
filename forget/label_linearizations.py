"""The ways to linearize a classifier, by name: which rows, which readout, how it names classes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from forget.data.dataset import Images, Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.linear.backbone import backbone_of
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.feature_map import FeatureMap
from forget.linear.heads import HeadRule, Ridge
from forget.linear.linearizer.operator_ridge import OperatorRidge
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.model import BATCH, LinearModel
from forget.linear.readout import RIDGE, Measured, fit_readout, readout_logits
from forget.linear.tangent.displacement import Displacement
from forget.linear.tangent.features import TangentSettings
from forget.linear.tangent.labels import TangentLabels, fit_tangent_labels, tangent_logits
from forget.progress import OnStep, silent
from forget.recipe import changed_views

__all__ = ["LABEL_LINEARIZATIONS", "LabelReadout", "linearize_classifier"]

SAMPLE = 512  # core images that bases and scales are chosen on


class LabelReadout(Protocol):
    """What makes linear models of classes on a frozen network."""

    @property
    def feature_map(self) -> FeatureMap:
        """What is frozen, with its training record."""
        ...

    def measure(self, images: Images, on_step: OnStep = silent) -> Measured:
        """Rows of images (n, h, w, channels)."""
        ...

    def fit(self, data: ImageDataset, measured: Measured, indices: Indices) -> LinearModel:
        """The model of some images, given what was measured of them."""
        ...

    def logits(
        self, model: LinearModel, measured: Measured, classes: tuple[str, ...]
    ) -> NDArray[np.float64]:
        """Logits (n, c) of measured images in the order of some classes."""
        ...


@dataclass(frozen=True, eq=False)
class OneRow:
    """One row an image, which votes for its class.

    Arguments:
        feature_map: Images to rows.
        rule: Sums to scores.
    """

    feature_map: FeatureMap
    rule: HeadRule

    def measure(self, images: Images, on_step: OnStep = silent) -> Measured:
        """Rows (n, 1, d) of images (n, h, w, channels)."""
        space, n = self.feature_map.space, len(images)
        rows = np.zeros((n, 1, space.dimension), dtype=np.int16)
        targets = np.zeros((n, 1, space.targets), dtype=np.int16)
        for start in range(0, n, BATCH):
            some = images[start : start + BATCH]
            rows[start : start + BATCH, 0] = self.feature_map.rows(some)
            if space.targets:
                targets[start : start + BATCH, 0] = self.feature_map.targets(some)
            on_step(start + len(some), n, "images")
        return Measured(rows, targets if space.targets else None)

    def fit(self, data: ImageDataset, measured: Measured, indices: Indices) -> LinearModel:
        """The model of some images."""
        return fit_readout(self.feature_map, data, measured, indices, self.rule)

    def logits(
        self, model: LinearModel, measured: Measured, classes: tuple[str, ...]
    ) -> NDArray[np.float64]:
        """Logits (n, c): least-squares scores, sharpened."""
        return readout_logits(model, measured.rows[:, 0], classes)


@dataclass(frozen=True, eq=False)
class RowPerOutput:
    """One row an output of the network, and one displacement of its weights for all.

    Arguments:
        feature_map: Images to gradients.
        rule: Sums to displacement.
    """

    feature_map: TangentLabels
    rule: Displacement

    def measure(self, images: Images, on_step: OnStep = silent) -> Measured:
        """Centred logits (n, c) and rows (n, c, p) of images (n, h, w, channels)."""
        return self.feature_map.measure(images, on_step)

    def fit(self, data: ImageDataset, measured: Measured, indices: Indices) -> LinearModel:
        """The model of some images."""
        return fit_tangent_labels(self.feature_map, data, measured, indices, self.rule)

    def logits(
        self, model: LinearModel, measured: Measured, classes: tuple[str, ...]
    ) -> NDArray[np.float64]:
        """Logits (n, c); the classes belong to the network, so they are always all."""
        return tangent_logits(model, measured)


Make = Callable[[ClassifierFeatures, ImageDataset, Indices, OnStep], LabelReadout]


def _last_layer(
    base: ClassifierFeatures, data: ImageDataset, core: Indices, on_step: OnStep
) -> LabelReadout:
    return OneRow(base, Ridge(RIDGE))


def _tangent(
    base: ClassifierFeatures, data: ImageDataset, core: Indices, on_step: OnStep
) -> LabelReadout:
    some = np.sort(np.random.default_rng(0).permutation(core)[:SAMPLE])
    settings = TangentSettings(rank=24, depth=5)
    found = TangentLabels.fit(
        base.network, data.images[some], data.labels[some], base.record, settings, base.side
    )
    on_step(1, 1, "bases")
    return RowPerOutput(found, Displacement(TANGENT_RIDGE * found.energy))


def _linearizer(settings: LinearizerSettings, steps: int, batch: int) -> Make:
    def make(
        base: ClassifierFeatures, data: ImageDataset, core: Indices, on_step: OnStep
    ) -> LabelReadout:
        count = steps + settings.bank // min(batch, len(core)) + 1

        def views(epoch: int) -> Iterator[Tensor]:
            return changed_views(data.images, core, base.side, count, batch, settings.seed)

        backbone = backbone_of(base.network, base.side, mirror=True)
        found = train_linearizer(backbone, views, steps, base.record, settings, on_step)
        return OneRow(found, OperatorRidge(*LINEARIZER_RIDGES))

    return make


# Chosen by scripts/choose_mufac_ridges.py, on core people.
TANGENT_RIDGE = 1.0  # in mean squared norms of a row of the core; 0.3 to 3 differ by noise only
LINEARIZER_RIDGES = (10.0, 1000.0)  # of the operator, of the readout behind it

LABEL_LINEARIZATIONS: dict[str, Make] = {
    "penultimate": _last_layer,
    "tangent": _tangent,
    "linearizer": _linearizer(LinearizerSettings(level="embedding"), steps=100, batch=96),
    "linearizer-image": _linearizer(LinearizerSettings(level="image"), steps=400, batch=48),
}


def linearize_classifier(
    kind: str,
    base: ClassifierFeatures,
    data: ImageDataset,
    core: Indices,
    on_step: OnStep = silent,
) -> LabelReadout:
    """Chooses on core images whatever a linearization of a classifier needs.

    Arguments:
        kind: A name in `LABEL_LINEARIZATIONS`.
        base: The last layer of the network, with its training record.
        data: Images and labels.
        core: Images that the network was trained on, of nobody else.
        on_step: Told of progress; what it raises passes through.

    Raises:
        ForgetError: No such kind, or an image of `core` is not in the record.
    """
    if kind not in LABEL_LINEARIZATIONS:
        known = ", ".join(LABEL_LINEARIZATIONS)
        raise ForgetError(f"a linearization of {known}", repr(kind), "Choose one of them.")
    strange = base.record and set(data.hashes_of(core)) - base.record.photographs
    if strange or not len(core):
        raise ForgetError(
            "images that the network was trained on",
            f"{len(strange)} others" if strange else "none",
            "What a linearization chooses on an image, it cannot forget.",
        )
    return LABEL_LINEARIZATIONS[kind](base, data, core, on_step)

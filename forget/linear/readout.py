"""A linear model whose classes are not people: one chunk of the store for every image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.heads import HeadRule, Ridge
from forget.linear.model import LinearModel
from forget.linear.store import Chunk, FeatureStore

__all__ = ["RIDGE", "SHARPNESS", "Measured", "fit_readout", "readout_logits"]

RIDGE = 1.0  # added to a Gram matrix whose trace is the number of images
SHARPNESS = 10.0  # turns least-squares scores, about 0 and 1, into logits for losses


@dataclass(frozen=True, eq=False)
class Measured:
    """What a frozen network gives of images; what a readout is fitted on and scores.

    Arguments:
        rows: Grid integers, (n, m, d): m rows an image.
        targets: Grid integers, (n, m, k), where they do not depend on the label.
        values: Centred logits (n, c) that a readout adds to, where it does: a number that is
            added to all of them means nothing.
    """

    rows: Rows = field(repr=False)
    targets: Rows | None = field(default=None, repr=False)
    values: NDArray[np.float32] | None = field(default=None, repr=False)

    def __getitem__(self, which: Indices | slice) -> "Measured":
        """Some of the images."""
        return Measured(
            self.rows[which],
            None if self.targets is None else self.targets[which],
            None if self.values is None else self.values[which],
        )


def fit_readout(
    feature_map: FeatureMap,
    data: ImageDataset,
    measured: Measured,
    indices: Indices,
    rule: HeadRule = Ridge(RIDGE),  # noqa: B008 - frozen
) -> LinearModel:
    """Fits a head on features that are known already; any image of it can be subtracted.

    Arguments:
        feature_map: What made the rows.
        data: Names and labels of the images.
        measured: Rows of the images, and their targets where the space has some.
        indices: Which images they are, (n,).
        rule: Statistics to head.
    """
    hashes = data.hashes_of(indices)
    titles = [data.classes[data.labels[i]] for i in indices]
    targets = measured.targets
    chunks = {
        data.unit(index): Chunk(
            measured.rows[k].copy(),  # a view would keep those of everybody
            (hashes[k],),
            titles[k],
            None if targets is None else targets[k].copy(),
        )
        for k, index in enumerate(indices)
    }
    store = FeatureStore(feature_map.space, MappingProxyType(chunks))
    empty = FeatureStore(feature_map.space)
    return LinearModel(feature_map, rule, store.statistics(), store, empty)


def readout_logits(model: LinearModel, rows: Rows, classes: Sequence[str]) -> NDArray[np.float64]:
    """Logits (n, c) in the order of some classes.

    A class that the model has forgotten altogether scores 0, as least squares on a target that
    is always 0 does.

    Arguments:
        model: Fitted by `fit_readout`.
        rows: Grid rows (n, d).
        classes: Names of the columns.
    """
    scores = model.score(rows)
    columns = {name: j for j, name in enumerate(model.classes)}
    logits = np.zeros((len(rows), len(classes)))
    for j, name in enumerate(classes):
        if name in columns:
            logits[:, j] = SHARPNESS * scores[:, columns[name]]
    return logits

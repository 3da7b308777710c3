"""A linear model whose classes are not people: one chunk of the store for every image."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.grid import Rows
from forget.linear.heads import HeadRule, Ridge
from forget.linear.model import LinearModel
from forget.linear.store import Chunk, FeatureStore

__all__ = ["RIDGE", "SHARPNESS", "fit_readout", "readout_logits"]

RIDGE = 1.0  # added to a Gram matrix whose trace is the number of images
SHARPNESS = 10.0  # turns least-squares scores, about 0 and 1, into logits for losses


def fit_readout(
    feature_map: ClassifierFeatures,
    split: Partition,
    rows: Rows,
    indices: Indices,
    rule: HeadRule = Ridge(RIDGE),  # noqa: B008 - frozen
) -> LinearModel:
    """Fits a head on features that are known already; any image of it can be subtracted.

    Arguments:
        feature_map: What made the rows.
        split: Names and labels of the images.
        rows: Grid rows of the images, (n, d).
        indices: Which image each row belongs to, (n,).
        rule: Statistics to head.
    """
    hashes = split.data.hashes_of(indices)
    titles = [split.data.classes[split.data.labels[i]] for i in indices]
    chunks = {
        split.unit(index): Chunk(rows[k : k + 1], (hashes[k],), titles[k])
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

"""What is compared when two faces are: features of the network, or of the linear model on it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forget.data.dataset import Images
from forget.errors import ForgetError
from forget.linear.erasing.features import Erased
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.heads import CosineHead
from forget.linear.linearizer.sandwich import OperatorHead
from forget.linear.model import LinearModel
from forget.linearizations import LastLayer
from forget.models.embedder import Embedder

__all__ = ["Embed", "as_read", "linear_features", "network_features"]

Embed = Callable[[Images], NDArray[np.float64]]  # photographs in, features (n, d) out


def network_features(network: LastLayer) -> Embed:
    """The network's own embedding of photographs."""
    return lambda images: network.features(as_read(network, images)).astype(np.float64)


def linear_features(model: LinearModel) -> Embed:
    """What a linear model compares: features in the space where its head takes cosines.

    Raises:
        ForgetError: Its head compares by something else.
    """
    head = model.head
    if not isinstance(head, CosineHead | OperatorHead):
        raise ForgetError(
            "a model that compares by cosine",
            f"a {type(head).__name__}",
            "Evaluate one that was made by train_linearizer.",
        )

    def embed(images: Images) -> NDArray[np.float64]:
        rows = model.feature_map.rows(as_read(model.feature_map, images))
        return head.whitened(model.feature_map.grid.real(rows))

    return embed


def as_read(feature_map: FeatureMap, images: Images) -> Images:
    """Photographs as a feature map reads them.

    The embedder wants them grey and narrow, and gets the middle of colour crops; every other
    network gets what there is, and says itself what it does not read.
    """
    if not isinstance(_network(feature_map), Embedder) or images.ndim == 3:
        return images
    height, width = Embedder.size
    fitted = [
        ImageOps.fit(Image.fromarray(one).convert("L"), (width, height), Image.Resampling.BICUBIC)
        for one in images
    ]
    return np.stack([np.asarray(one) for one in fitted]) if fitted else images[..., 0]


def _network(feature_map: FeatureMap) -> object:
    while isinstance(feature_map, Erased):
        feature_map = feature_map.base
    if isinstance(feature_map, Penultimate):
        return feature_map.network
    return feature_map.backbone.network  # type: ignore[attr-defined] - all others have one

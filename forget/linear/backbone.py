"""Frozen networks as linearizations see them: images in, a hidden layer out."""

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from forget.data.dataset import Images
from forget.errors import CheckpointError
from forget.models.checkpoint import Tensors
from forget.models.classifier import Classifier, build
from forget.models.convention import Convention
from forget.models.embedder import Embedder, check_photographs, embed, rebuild, shrink
from forget.models.face_backbone import FaceBackbone, build_network
from forget.recipe import pixels_hidden, to_input

__all__ = [
    "Backbone",
    "ClassifierBackbone",
    "EmbedderBackbone",
    "FaceNetwork",
    "backbone_of",
    "read_backbone",
    "unit_rows",
]

CENTRE = "centre"  # the name of its tensor


class Backbone(Protocol):
    """A frozen network; its parameters need no gradient and it is in evaluation mode."""

    network: nn.Module

    @property
    def config(self) -> dict[str, Any]:
        """What builds the same network again, plain values."""
        ...

    @property
    def tensors(self) -> Tensors:
        """Its parameters."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in the hidden layer, m."""
        ...

    @property
    def row_dimension(self) -> int:
        """Numbers in what `rows` returns."""
        ...

    def prepare(self, images: Images) -> Tensor:
        """Images as the network reads them, (n, c, h, w)."""
        ...

    def around(self, view: Tensor) -> list[Tensor]:
        """All ways of looking at prepared images, (n, c, h, w) each, the plain one first."""
        ...

    def hidden(self, view: Tensor) -> Tensor:
        """The last hidden layer (n, m) of one view."""
        ...

    def rows(self, images: Images) -> NDArray[np.float32]:
        """Features of norm 1, (n, m) or more, as the last layer is linearized on."""
        ...


class EmbedderBackbone:
    """The face embedder; it looks at a photograph and at its mirror image.

    Arguments:
        network: It is copied, so that later changes to it do not reach this one.
    """

    kind = "embedder"

    def __init__(self, network: Embedder) -> None:
        tensors = {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
        self.network = rebuild(network.config, tensors)

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the embedder."""
        return {"kind": self.kind, **self.network.config}

    @property
    def tensors(self) -> Tensors:
        """Parameters of the embedder."""
        return _parameters(self.network)

    @property
    def dimension(self) -> int:
        """Length of the embedding."""
        return self.network.dimension

    @property
    def row_dimension(self) -> int:
        """Length of the embedding."""
        return self.network.dimension

    def prepare(self, images: Images) -> Tensor:
        """Photographs (n, height, width) in half their size, (n, 1, h, w).

        Raises:
            PhotographError: They are not grey, or not as large as the embedder reads them.
        """
        check_photographs(images)
        return shrink(torch.from_numpy(np.require(images, requirements="CW"))[:, None] / 255)

    def around(self, view: Tensor) -> list[Tensor]:
        """The photographs and their mirror images."""
        return [view, view.flip(-1)]

    def hidden(self, view: Tensor) -> Tensor:
        """Raw embeddings (n, m)."""
        return self.network.encode(view)

    def rows(self, images: Images) -> NDArray[np.float32]:
        """Unit embeddings (n, m), averaged over small movements."""
        return embed(self.network, images)


class ClassifierBackbone:
    """The body of a classifier.

    Arguments:
        network: It is copied, so that later changes to it do not reach this one.
        side: Height and width that images are scaled to, pixels; None for as they are.
        mirror: Whether it also looks at the mirror image, as is right for faces.
        centre: What rows are measured from, (m,), the mean hidden layer of the core; None for 0.
            Activations are positive, so people's rows would all point the same way.
    """

    kind = "classifier"

    def __init__(
        self,
        network: Classifier,
        side: int | None = None,
        mirror: bool = False,
        centre: NDArray[np.float32] | None = None,
    ) -> None:
        self.side, self.mirror = side, mirror
        self.centre = None if centre is None else np.array(centre, dtype=np.float32)
        self.network = build(network.config, network.state_dict()).eval().requires_grad_(False)
        if self.centre is not None and self.centre.shape != (self.dimension,):
            raise CheckpointError(
                f"a centre of {self.dimension} numbers", f"{self.centre.shape}", "Fit it again."
            )

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the classifier and of what it reads."""
        own = {"kind": self.kind, "side": self.side, "mirror": self.mirror}
        return {**own, "network": self.network.config}

    @property
    def tensors(self) -> Tensors:
        """Parameters of the classifier, and the centre if there is one."""
        centre = {} if self.centre is None else {CENTRE: self.centre}
        return _parameters(self.network) | centre

    @property
    def dimension(self) -> int:
        """Length of the last hidden layer."""
        return self.network.dimension

    @property
    def row_dimension(self) -> int:
        """Length of the last hidden layer, and the constant where there is no centre."""
        return self.network.dimension + (self.centre is None)

    def prepare(self, images: Images) -> Tensor:
        """Images (n, h, w, c) as (n, c, h, w)."""
        return to_input(images, self.side).contiguous(memory_format=torch.channels_last)

    def around(self, view: Tensor) -> list[Tensor]:
        """The images, and their mirror images if it looks at them."""
        return [view, view.flip(-1)] if self.mirror else [view]

    def hidden(self, view: Tensor) -> Tensor:
        """The last hidden layer (n, m)."""
        return self.network.features(view)

    def rows(self, images: Images) -> NDArray[np.float32]:
        """The mean hidden layer over all views as rows of norm 1, see `unit_rows`."""
        hidden = pixels_hidden(self.network, images, self.side, self.mirror)
        return unit_rows(hidden, self.centre)


class FaceNetwork:
    """A face network from elsewhere, which reads aligned crops as its convention says.

    Arguments:
        backbone: The network, frozen, and its convention.
    """

    kind = "face network"

    def __init__(self, backbone: FaceBackbone) -> None:
        self.backbone, self.network = backbone, backbone.network

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the network, its convention, and who saved it."""
        own = {"kind": self.kind, "source": self.backbone.source}
        return {**own, "backbone": self.backbone.config}

    @property
    def tensors(self) -> Tensors:
        """Parameters of the network."""
        return self.backbone.tensors

    @property
    def dimension(self) -> int:
        """Length of the embedding."""
        return self.backbone.dimension

    @property
    def row_dimension(self) -> int:
        """Length of the embedding."""
        return self.backbone.dimension

    def prepare(self, images: Images) -> Tensor:
        """Crops (n, h, w, 3), RGB, as the network reads them.

        Raises:
            PhotographError: Another shape or type.
        """
        return self.backbone.convention.input(images)

    def around(self, view: Tensor) -> list[Tensor]:
        """The crops, and their mirror images where the convention adds them."""
        return [view, view.flip(-1)] if self.backbone.convention.mirrored else [view]

    def hidden(self, view: Tensor) -> Tensor:
        """Raw embeddings (n, m)."""
        return self.network(view)

    def rows(self, images: Images) -> NDArray[np.float32]:
        """Unit embeddings (n, m)."""
        return self.backbone.embed(images)


def backbone_of(
    network: Embedder | Classifier, side: int | None = None, mirror: bool = False
) -> Backbone:
    """The backbone of a network; an embedder has its own size, and always looks at both sides."""
    if isinstance(network, Embedder):
        return EmbedderBackbone(network)
    return ClassifierBackbone(network, side, mirror)


def read_backbone(config: dict[str, Any], tensors: Tensors) -> Backbone:
    """The backbone of some settings with these parameters.

    Raises:
        CheckpointError: No such kind, or the parameters of another network.
    """
    settings = dict(config)
    match settings.pop("kind", None):
        case EmbedderBackbone.kind:
            return EmbedderBackbone(rebuild(settings, tensors))
        case ClassifierBackbone.kind:
            centre = tensors.get(CENTRE)
            state = {n: torch.from_numpy(t.copy()) for n, t in tensors.items() if n != CENTRE}
            network = build(settings.get("network", {}), state)
            mirror = bool(settings.get("mirror", False))
            return ClassifierBackbone(network, settings.get("side"), mirror, centre)
        case FaceNetwork.kind:
            return FaceNetwork(_face_backbone(settings, tensors))
        case other:
            known = (EmbedderBackbone, ClassifierBackbone, FaceNetwork)
            kinds = " or ".join(repr(one.kind) for one in known)
            raise CheckpointError(f"a network of kind {kinds}", repr(other), "Save it again.")


def _face_backbone(settings: dict[str, Any], tensors: Tensors) -> FaceBackbone:
    inner = settings.get("backbone")
    if not isinstance(inner, dict) or not isinstance(inner.get("network"), dict):
        raise CheckpointError("settings of a face network", repr(inner)[:80], "Save it again.")
    network = build_network(str(inner.get("kind")), inner["network"], tensors)
    convention = Convention.from_json(inner.get("convention"))
    return FaceBackbone(network, convention, str(settings.get("source", "")))


def unit_rows(
    hidden: NDArray[np.float32], centre: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Hidden activations (n, m) as rows of norm 1.

    Without a centre a constant is appended, (n, m + 1), which lets a ridge head have an offset,
    and an image of which nothing is seen stays at it; with one the rows are (n, m).
    """
    away = hidden if centre is None else hidden - centre
    norms = np.linalg.norm(away, axis=1, keepdims=True)
    units = away / np.maximum(norms, np.finfo(np.float32).tiny)
    if centre is not None:
        return units
    ones = np.ones((len(hidden), 1), dtype=np.float32)
    return np.concatenate([units, ones], axis=1) / np.sqrt(np.float32(2))


def _parameters(network: nn.Module) -> Tensors:
    return {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}

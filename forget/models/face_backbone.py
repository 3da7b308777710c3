"""A face network with what it reads: RGB photographs in, embeddings out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from forget.errors import CheckpointError
from forget.models.checkpoint import Tensors, fingerprint
from forget.models.convention import Convention
from forget.models.foreign import differences
from forget.models.iresnet import IResNet
from forget.models.mobilefacenet import MobileFaceNet

__all__ = ["KINDS", "FaceBackbone", "build_network"]

KINDS: Mapping[str, type[IResNet] | type[MobileFaceNet]] = {
    "iresnet": IResNet,
    "mobilefacenet": MobileFaceNet,
}


@dataclass(frozen=True, eq=False)
class FaceBackbone:
    """A frozen network that was trained elsewhere. Nobody knows on whose photographs.

    Arguments:
        network: In evaluation mode; its parameters need no gradient.
        convention: How it reads photographs.
        source: Who saved it, such as "adaface".
        centres: Class centres (c, d) of the softmax it was trained with, if they came with it.
        notes: What was concluded instead of read, and what looks odd.

    Raises:
        CheckpointError: The convention is that of photographs of another size.
    """

    network: IResNet | MobileFaceNet = field(repr=False)
    convention: Convention
    source: str
    centres: NDArray[np.floating] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        read = (self.convention.height, self.convention.width)
        if read != self.network.size:
            raise CheckpointError(
                f"a convention of {self.network.size} pixels, as the {self.kind} reads them",
                str(read),
                "Give the convention that the network was trained with.",
            )

    @property
    def kind(self) -> str:
        """Name of the architecture."""
        return next(kind for kind, one in KINDS.items() if isinstance(self.network, one))

    @property
    def dimension(self) -> int:
        """Length d of the embedding."""
        return self.network.dimension

    @property
    def config(self) -> dict[str, Any]:
        """What builds the same network and reads the same photographs, plain values."""
        return {
            "kind": self.kind,
            "network": self.network.config,
            "convention": self.convention.to_json(),
        }

    @property
    def tensors(self) -> Tensors:
        """Parameters of the network."""
        return {name: one.cpu().numpy() for name, one in self.network.state_dict().items()}

    @property
    def fingerprint(self) -> str:
        """SHA-256, hex, of parameters, settings and convention."""
        return fingerprint(self.config, self.tensors)

    def raw(self, photographs: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
        """Embeddings whose norm is as the network made it.

        Arguments:
            photographs: Aligned faces, RGB, (n, height, width, 3), uint8.
            batch: Photographs per pass.

        Returns:
            Float32, (n, d); the sum over photograph and mirror image, if the convention says so.

        Raises:
            PhotographError: Another shape or type.
        """
        device = next(self.network.parameters()).device
        self.convention.input(photographs[:0])  # an empty set of a wrong shape is refused too
        rows = [np.empty((0, self.dimension), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(photographs), batch):
                seen = self.convention.input(photographs[start : start + batch]).to(device)
                found = self.network(seen)
                if self.convention.mirrored:
                    found = found + self.network(seen.flip(-1))
                rows.append(found.cpu().numpy())
        return np.concatenate(rows)

    def embed(self, photographs: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
        """The embeddings of `raw` as unit vectors, (n, d), float32.

        Raises:
            PhotographError: Another shape or type.
        """
        return functional.normalize(torch.from_numpy(self.raw(photographs, batch))).numpy()


def build_network(
    kind: str, settings: Mapping[str, Any], tensors: Tensors
) -> IResNet | MobileFaceNet:
    """The network of some settings with exactly these parameters, frozen, in single precision.

    Counters of batches may be missing, as in old files.

    Arguments:
        kind: One of `KINDS`.
        settings: Of its constructor.
        tensors: By our names.

    Raises:
        CheckpointError: No such kind or settings; names, shapes or kinds of numbers differ, or a
            weight is not finite. Names the first that differ.
    """
    if kind not in KINDS:
        known = " or ".join(KINDS)
        raise CheckpointError(f"a network of kind {known}", str(kind)[:50], "Save it again.")
    what = f"{kind} {', '.join(f'{name} {value}' for name, value in settings.items())}"[:200]
    try:
        with torch.device("meta"):  # shapes only: settings from a file must not fill the memory
            network = KINDS[kind](**settings)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        got = f"{what} ({str(error).splitlines()[0][:200]})"
        raise CheckpointError("settings of a face network", got, "Save it again.") from error
    wanted = network.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    whole = {name: np.zeros((), np.int64) for name in counters} | dict(tensors)
    if differing := differences(wanted, whole):
        raise CheckpointError(
            f"the weights of {what}",
            differing,
            "Choose a whole file of such a network; in another variant its names would differ.",
        )
    state = {
        name: torch.from_numpy(np.array(whole[name], order="C")).to(one.dtype)
        for name, one in wanted.items()
    }
    network.load_state_dict(state, strict=True, assign=True)
    return network.eval().requires_grad_(False)

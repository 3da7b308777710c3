"""How a face network wants its photographs: order of channels, offset, scale and size."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forget.errors import CheckpointError, PhotographError

__all__ = ["ORDERS", "Convention"]

ORDERS = ("rgb", "bgr")
MAX_SIDE = 1024  # pixels


@dataclass(frozen=True)
class Convention:
    r"""Turns photographs into the input of one network, so that nobody else has to.

    .. math:: x = (p - \mathrm{offset}) / \mathrm{scale}

    A network that reads channels in the wrong order or on another scale raises no error: it
    recognises people less well, and nobody sees why. So a convention stays with its network.

    Arguments:
        order: Of the channels that the network reads, "rgb" or "bgr".
        offset: Grey level, in [0, 255], that becomes 0.
        scale: Grey levels that become 1.
        height: Pixels.
        width: Pixels.
        mirrored: Whether the embedding of a face is the sum over it and its mirror image.

    Raises:
        CheckpointError: Settings that no network has.

    Example:
        >>> Convention("bgr").input(np.zeros((2, 112, 112, 3), np.uint8)).shape
        torch.Size([2, 3, 112, 112])
    """

    order: str = "rgb"
    offset: float = 127.5
    scale: float = 127.5
    height: int = 112
    width: int = 112
    mirrored: bool = True

    def __post_init__(self) -> None:
        numbers = [self.offset, self.scale]
        sides = [self.height, self.width]
        if not (
            self.order in ORDERS
            and all(type(one) in (int, float) and math.isfinite(one) for one in numbers)
            and self.scale > 0
            and all(type(one) is int and 0 < one <= MAX_SIDE for one in sides)
            and type(self.mirrored) is bool
        ):
            raise CheckpointError(
                f"order rgb or bgr, a finite offset and scale > 0, sides of 1 to {MAX_SIDE} pixels"
                ", mirrored true or false",
                str(asdict(self))[:300],
                "Look up how the network was trained.",
            )

    def input(self, photographs: NDArray[np.uint8]) -> Tensor:
        """Photographs as the network reads them.

        Arguments:
            photographs: Aligned faces, RGB, (n, height, width, 3), uint8. Where the network reads
                a narrower picture, those of 112 x 112 pixels are cut to its width about the
                middle, which is how the two templates of alignment differ.

        Returns:
            Float32, (n, 3, height, width).

        Raises:
            PhotographError: Another shape or type.
        """
        self._check(photographs)
        aside = (photographs.shape[2] - self.width) // 2
        cut = photographs[:, :, aside : aside + self.width]
        ordered = cut if self.order == "rgb" else cut[..., ::-1]
        pixels = torch.from_numpy(ordered.transpose(0, 3, 1, 2).copy())
        return (pixels.float() - self.offset) / self.scale

    def levels(self, view: Tensor) -> Tensor:
        """The way back: grey levels (n, height, width, 3), RGB, of what the network reads.

        Arguments:
            view: As `input` gives it, (n, 3, height, width), and anything near it.
        """
        pixels = view.movedim(1, -1) * self.scale + self.offset
        return pixels if self.order == "rgb" else pixels.flip(-1)

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: object) -> "Convention":
        """The convention that `to_json` wrote.

        Raises:
            CheckpointError: Not what `to_json` writes.
        """
        names = {*cls.__dataclass_fields__}
        if not isinstance(plain, dict) or {*plain} != names:
            raise CheckpointError(
                f"an input convention with {', '.join(sorted(names))}",
                str(plain)[:200],
                "Use the file as it was written.",
            )
        return cls(**plain)

    def _check(self, photographs: NDArray[np.uint8]) -> None:
        shape, kind = photographs.shape, photographs.dtype
        widths = {self.width, 112} if (self.height, self.width) == (112, 96) else {self.width}
        if (
            kind == np.uint8
            and len(shape) == 4
            and shape[1] == self.height
            and shape[2] in widths
            and shape[3] == 3
        ):
            return
        wanted = " or ".join(str(width) for width in sorted(widths))
        remedy = f"Align the faces and scale them to {self.height} rows and {wanted} columns."
        if len(shape) == 3:
            remedy = "Repeat grey photographs in three channels, and stack single ones. " + remedy
        if kind != np.uint8:
            remedy = (
                "Pass grey levels of 0 to 255 as they are: the scale is chosen here. " + remedy
            )
        raise PhotographError(
            f"RGB photographs (n, {self.height}, {wanted}, 3) of type uint8",
            f"shape {shape}, {kind}",
            remedy,
        )

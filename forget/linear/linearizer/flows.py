"""Bijections of rows and surjections of images, chained from blocks, and how a file restores them.

A fresh flow is an orthogonal map (a fresh surjection: an orthogonal map, then a selection of
coordinates) up to the scales of ActNorm. An inverse amplifies rounding geometrically in depth:
hence a flow has at most `MOST_COUPLINGS` couplings, and nothing here is random at run time.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from torch import Tensor, nn

from forget.errors import CheckpointError, FlowError
from forget.linear.linearizer.blocks import (
    ActNorm,
    Flatten,
    Invertible,
    Mixing,
    Shape,
    Squeeze,
    check_at_least,
    check_same,
)
from forget.linear.linearizer.couplings import Additive, Affine, Surjection

__all__ = [
    "BLOCKS",
    "MOST_COUPLINGS",
    "Chain",
    "build_flow",
    "image_surjection",
    "vector_flow",
]

MOST_COUPLINGS = 8


class Chain(Invertible):
    r"""Applies blocks one after the other; a chain is a block, too.

    .. math:: g = g_k \circ \dots \circ g_1, \quad g^+ = g_1^+ \circ \dots \circ g_k^+

    Bijective if every block is; otherwise :math:`g(g^+(y)) = y` still holds, block by block.

    Arguments:
        shape: Shape of one x, (d,) or (c, h, w); what comes out is `output_shape`, and their
            numbers of entries are `input_dimension` and `output_dimension`.
        blocks: At least one.

    Raises:
        FlowError: A block does not take what the one before it gives.
    """

    block = "chain"

    def __init__(self, shape: Sequence[int], blocks: Iterable[Invertible]) -> None:
        super().__init__(shape=list(shape))
        self.blocks = nn.ModuleList(blocks)
        check_at_least("blocks", len(self.blocks), 1)
        self.bijective = all(block.bijective for block in self.blocks)
        self.input_shape = self.output_shape = tuple(shape)
        for block in self.blocks:
            self.output_shape = block._after(self.output_shape)
        self.input_dimension = math.prod(self.input_shape)
        self.output_dimension = math.prod(self.output_shape)

    @property
    def config(self) -> dict[str, Any]:
        """The settings of the chain and of its blocks as plain JSON values."""
        return {**super().config, "blocks": [block.config for block in self.blocks]}

    def _after(self, shape: Shape) -> Shape:
        check_same(shape, self.input_shape)
        return self.output_shape

    def _before(self, shape: Shape) -> Shape:
        check_same(shape, self.output_shape)
        return self.input_shape

    def _apply_to(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def _undo(self, y: Tensor) -> Tensor:
        for block in reversed(self.blocks):
            y = block.inverse(y)
        return y


BLOCKS: dict[str, type[Invertible]] = {
    "actnorm": ActNorm,
    "additive": Additive,
    "affine": Affine,
    "chain": Chain,
    "flatten": Flatten,
    "mixing": Mixing,
    "squeeze": Squeeze,
    "surjection": Surjection,
}


def vector_flow(
    dimension: int,
    couplings: int = 4,
    hidden: int | None = None,
    kind: str = "affine",
    alpha: float = 0.7,
    seed: int = 0,
) -> Chain:
    """A bijection of rows (n, dimension): ActNorm, Mixing and a coupling, repeated.

    Fresh, it is an orthogonal map up to the scales of ActNorm.

    Arguments:
        dimension: Length of a row, at least 2.
        couplings: From 1 to 8; neighbours change different halves.
        hidden: Width of the conditioners; as wide as a row by default.
        kind: "affine" or "additive". Far from the training data, the inverse of an affine flow
            loses digits with the distance, that of an additive one does not: use float64 there.
        alpha: Bound on the logarithm of an affine scale.
        seed: The same seed gives the same weights; torch's global generator is not used.

    Raises:
        FlowError: No such kind, or a setting out of its bounds.

    Example:
        >>> import torch
        >>> flow = vector_flow(6, couplings=2).double()
        >>> x = torch.ones(3, 6, dtype=torch.float64)
        >>> torch.allclose(flow.inverse(flow(x)), x)
        True
    """
    _check_couplings(couplings)
    width = dimension if hidden is None else hidden
    seeds = _seeds(seed)
    blocks: list[Invertible] = []
    for index in range(couplings):
        blocks += [ActNorm(dimension), Mixing(dimension, next(seeds))]
        swap = bool(index % 2)
        blocks.append(_coupling(kind, dimension, width, False, swap, alpha, next(seeds)))
    return Chain((dimension,), blocks)


def image_surjection(
    channels: int,
    height: int,
    width: int,
    keep: Sequence[int] = (3, 8, 16),
    dimension: int = 512,
    couplings: int = 2,
    hidden: int = 32,
    kind: str = "affine",
    alpha: float = 0.7,
    seed: int = 0,
) -> Chain:
    """A surjection of images (n, channels, height, width) onto rows (n, dimension).

    Each stage is Squeeze, ActNorm, Mixing, couplings, Surjection; the end is Flatten, ActNorm,
    Surjection. Height and width must be multiples of 2 to the number of stages. With the defaults:

        1 x 56 x 48 -> 3 x 28 x 24 -> 8 x 14 x 12 -> 16 x 7 x 6 = 672 -> 512
        3 x 64 x 64 -> 3 x 32 x 32 -> 8 x 16 x 16 -> 16 x 8 x 8 = 1024 -> 512

    A fresh first stage keeps `keep[0]` random directions of each 2 x 2 square, brightness or not;
    training turns them, and principal directions may be assigned to the `weight` of a Mixing.

    Arguments:
        channels: Of an image.
        height: Pixels.
        width: Pixels.
        keep: Channels after each stage; at most four times those before it.
        dimension: Length of a row that comes out.
        couplings: Couplings in each stage; all together from 1 to 8.
        hidden: Channels within the convolutional conditioners; the last block's have `dimension`.
        kind: Of the couplings, "affine" or "additive"; what drops channels is always affine.
        alpha: Bound on the logarithm of an affine scale.
        seed: The same seed gives the same weights; torch's global generator is not used.

    Raises:
        FlowError: A side that cannot be halved that often, or a setting out of its bounds.

    Example:
        >>> import torch
        >>> faces = image_surjection(1, 8, 8, keep=(3, 8), dimension=20, hidden=4)
        >>> faces(torch.zeros(5, 1, 8, 8)).shape, faces.bijective
        (torch.Size([5, 20]), False)
    """
    _check_couplings(couplings * len(keep))
    seeds = _seeds(seed)
    shape = (channels, height, width)
    blocks: list[Invertible] = []
    for kept in keep:
        shape = Squeeze()._after(shape)
        mixed = shape[0]
        blocks += [Squeeze(), ActNorm(mixed), Mixing(mixed, next(seeds))]
        for index in range(couplings):
            swap = bool(index % 2)
            blocks.append(_coupling(kind, mixed, hidden, True, swap, alpha, next(seeds)))
        if kept != mixed:
            blocks.append(Surjection(mixed, kept, hidden, True, alpha, next(seeds)))
        shape = (kept, *shape[1:])
    total = math.prod(shape)
    blocks += [Flatten(shape), ActNorm(total)]
    if dimension != total:
        blocks.append(Surjection(total, dimension, dimension, False, alpha, next(seeds)))
    return Chain((channels, height, width), blocks)


def build_flow(config: Mapping[str, Any], state: Mapping[str, Tensor] | None = None) -> Chain:
    """A chain from its `config`, with these parameters or with the seeds' own.

    Raises:
        FlowError: A setting out of its bounds.
        CheckpointError: Not the settings of a chain, or parameters of another one.
    """
    try:
        flow = _build(config)
    except FlowError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise _not_a_chain(config) from error
    if not isinstance(flow, Chain):
        raise _not_a_chain(config)
    if state is not None:
        try:
            flow.load_state_dict(dict(state), strict=True)
        except RuntimeError as error:
            lines = str(error).splitlines()
            raise CheckpointError(
                f"the parameters of a chain of {len(flow.blocks)} blocks",
                "others (" + " ".join(line.strip() for line in lines[1:3])[:300] + ")",
                "Use the weights that belong to these settings.",
            ) from error
    return flow


def _build(config: Mapping[str, Any]) -> Invertible:
    if not isinstance(config, Mapping):
        raise TypeError(f"{config!r} holds no settings")
    settings = dict(config)
    kind = BLOCKS[settings.pop("block")]
    if kind is Chain:
        settings["blocks"] = [_build(block) for block in settings["blocks"]]
    return kind(**settings)


def _not_a_chain(config: object) -> CheckpointError:
    return CheckpointError(
        f"the settings of a chain of the blocks {', '.join(BLOCKS)}",
        f"{config}"[:300],
        "Give the `config` of a chain.",
    )


def _coupling(
    kind: str, channels: int, hidden: int, image: bool, swap: bool, alpha: float, seed: int
) -> Invertible:
    if kind == "affine":
        return Affine(channels, hidden, image, swap, alpha, seed)
    if kind == "additive":
        return Additive(channels, hidden, image, swap, seed)
    raise FlowError("the kind 'affine' or 'additive'", repr(kind), "Choose one of them.")


def _seeds(seed: int) -> Iterator[int]:
    """Seeds for the blocks of one flow; a flow has far fewer than 1000."""
    return count(1000 * seed)


def _check_couplings(couplings: int) -> None:
    if not 1 <= couplings <= MOST_COUPLINGS:
        raise FlowError(
            f"from 1 to {MOST_COUPLINGS} couplings in a flow",
            f"{couplings}",
            "More of them cannot be inverted precisely; widen `hidden` instead.",
        )

"""A block of every kind and a flow of every shape, with weights as training would leave them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from forget.errors import FlowError
from forget.linear.linearizer.blocks import ActNorm, Flatten, Invertible, Mixing, Squeeze
from forget.linear.linearizer.couplings import Additive, Affine, Surjection
from forget.linear.linearizer.flows import Chain, image_surjection, vector_flow

ROW, IMAGE = (7,), (5, 4, 6)
MEMBERS: dict[str, tuple[Callable[[], Invertible], tuple[int, ...]]] = {
    "additive rows": (lambda: Additive(7, 8), ROW),
    "additive rows, swapped": (lambda: Additive(7, 8, swap=True), ROW),
    "additive images": (lambda: Additive(5, 8, image=True), IMAGE),
    "affine rows": (lambda: Affine(7, 8, alpha=1.0), ROW),
    "affine rows, swapped": (lambda: Affine(7, 8, swap=True), ROW),
    "affine images": (lambda: Affine(5, 8, image=True), IMAGE),
    "affine images, swapped": (lambda: Affine(5, 8, image=True, swap=True), IMAGE),
    "mixing rows": (lambda: Mixing(7), ROW),
    "mixing images": (lambda: Mixing(5), IMAGE),
    "squeeze": (lambda: Squeeze(), IMAGE),
    "actnorm rows": (lambda: ActNorm(7), ROW),
    "actnorm images": (lambda: ActNorm(5), IMAGE),
    "flatten": (lambda: Flatten(IMAGE), IMAGE),
    "additive flow": (lambda: vector_flow(7, 8, kind="additive"), ROW),
    "affine flow": (lambda: vector_flow(7, 4), ROW),
    "image bijection": (lambda: image_surjection(1, 4, 8, (4, 16), 32, 2, 6), (1, 4, 8)),
    "chain in a chain": (lambda: Chain(ROW, [vector_flow(7, 2), Mixing(7, 9)]), ROW),
    "surjection rows": (lambda: Surjection(7, 3, 8), ROW),
    "surjection images": (lambda: Surjection(5, 2, 8, image=True), IMAGE),
    "image surjection": (lambda: image_surjection(1, 8, 12, (3, 6), 20, 2, 6), (1, 8, 12)),
    "additive image surjection": (
        lambda: image_surjection(1, 8, 12, (3, 6), 20, 2, 6, kind="additive"),
        (1, 8, 12),
    ),
    "surjection, then flow": (lambda: Chain(ROW, [Surjection(7, 4), vector_flow(4, 2)]), ROW),
}
SURJECTIVE = [name for name, (make, _) in MEMBERS.items() if not make().bijective]
BIJECTIVE = [name for name in MEMBERS if name not in SURJECTIVE]

every_member = pytest.mark.parametrize("name", MEMBERS)


def draw(shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(16, *shape, generator=random, dtype=torch.float64).to(dtype)


def trained(block: Invertible, shape: tuple[int, ...], dtype: torch.dtype) -> Invertible:
    """Gives random weights to every layer, then lets ActNorm see a batch, as training would."""
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in block.parameters():
            inputs = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=random) / inputs**0.5)
        block.to(dtype).train()(2 * draw(shape, dtype, seed=8) + 1)
    return block.eval()


def member(name: str, dtype: torch.dtype = torch.float64) -> tuple[Invertible, Tensor]:
    make, shape = MEMBERS[name]
    return trained(make(), shape, dtype), 2 * draw(shape, dtype) + 1


def gap(one: Tensor, other: Tensor) -> float:
    assert one.shape == other.shape and one.dtype == other.dtype
    return float(((one - other).abs().max() / other.abs().max()).detach())


def state(block: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in block.state_dict().items()}


def check_told(wrong: Callable[[], object], expected: str, got: str) -> None:
    """Asserts that the error says what was expected, what came and what to do."""
    with pytest.raises(FlowError) as caught:
        wrong()
    assert expected in caught.value.expected
    assert got in caught.value.got
    assert caught.value.remedy.endswith(".")

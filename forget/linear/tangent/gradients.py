"""Gradients of a network's outputs with respect to its weights, projected to few numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from forget.errors import ForgetError
from forget.linear.tangent.layers import Taps, positions, tangent_layers

__all__ = ["Subspace", "fit_subspace", "projected_gradients"]

SAMPLES = 2_000  # columns, at most, that a basis is computed from


@dataclass(frozen=True, eq=False)
class Subspace:
    r"""A fixed low-rank subspace of the weights of some layers.

    A weight matrix W (o, q), a kernel with its input patch as q, moves by

    .. math:: W + V \Theta U^T, \quad \Theta \in R^{b \times a}

    so a displacement is given by the p entries of all Theta, one layer after the other.

    Arguments:
        inputs: U (q, a) by layer, orthonormal columns.
        outputs: V (o, b) by layer, orthonormal columns.
    """

    inputs: Mapping[str, Tensor] = field(repr=False)
    outputs: Mapping[str, Tensor] = field(repr=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in order."""
        return tuple(self.inputs)

    @property
    def dimension(self) -> int:
        """Entries of a displacement, p."""
        return sum(u.shape[1] * self.outputs[name].shape[1] for name, u in self.inputs.items())

    def to(self, like: Tensor) -> "Subspace":
        """The same on the device and in the precision of a tensor."""
        return Subspace(
            {name: u.to(like) for name, u in self.inputs.items()},
            {name: v.to(like) for name, v in self.outputs.items()},
        )

    def displacement(self, theta: Tensor) -> dict[str, Tensor]:
        """Theta (p,) as a change of each layer's weight, in the weight's matrix shape (o, q)."""
        moved, start = {}, 0
        for name, u in self.inputs.items():
            v = self.outputs[name]
            size = u.shape[1] * v.shape[1]
            entries = theta[start : start + size].reshape(v.shape[1], u.shape[1])
            moved[name] = v @ entries @ u.T
            start += size
        return moved


def projected_gradients(
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    images: Tensor,
    subspace: Subspace,
    directions: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""Some outputs of a network and their gradients in a subspace of its weights.

    .. math:: g = vec(V^T \frac{\partial \langle r, f(x) \rangle}{\partial W} U)
              = vec \sum_{s} (V^T \delta_s)(U^T x_s)^T

    over the positions s of a layer, with its inputs x_s and the gradients delta_s of its outputs:
    one forward pass for all, one backward pass through the layers for each output.

    Arguments:
        network: In evaluation mode, so that images do not influence each other.
        forward: The function of the network, (n, ...) to (n, m).
        images: What it reads, (n, ...).
        subspace: Layers and bases.
        directions: Which combinations of the m outputs, (m, r).

    Returns:
        Outputs (n, r) and gradients (n, r, p).
    """
    subspace = subspace.to(directions)
    with torch.enable_grad(), Taps(network, subspace.layers) as taps:
        values = forward(images) @ directions
        taps.check()
        inner = [_inner(taps.layers[n], taps.inputs[n], subspace.inputs[n]) for n in taps.layers]
        found = []
        for j in range(directions.shape[1]):
            deltas = taps.gradients(values[:, j].sum(), more=j + 1 < directions.shape[1])
            parts = [
                torch.einsum("nso,ob,nsa->nba", delta, subspace.outputs[name], x).flatten(1)
                for name, delta, x in zip(subspace.layers, deltas, inner, strict=True)
            ]
            found.append(torch.cat(parts, 1))
    return values.detach(), torch.stack(found, 1)


def fit_subspace(
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    batches: Iterable[Tensor],
    layers: Sequence[str],
    rank: int,
    directions: Tensor,
    kind: str = "pca",
    seed: int = 0,
) -> Subspace:
    """Bases of the main directions of a network's inputs and gradients, layer by layer.

    Arguments:
        network: In evaluation mode.
        forward: The function of the network, (n, ...) to (n, m).
        batches: What it reads, (n, ...) each: core images only.
        layers: Names of convolutions and linear layers.
        rank: Columns of each basis, at most; a small layer has fewer.
        directions: Combinations of the m outputs, (m, r), whose gradients count.
        kind: "pca" of uncentred inputs and gradients, or "random" directions.
        seed: Of random directions, and of the sample that the pca is computed from.

    Raises:
        ForgetError: No such kind or layer, no image, or a rank below 1.
    """
    modules = tangent_layers(network, layers)
    if kind not in ("pca", "random") or rank < 1:
        got = f"{kind!r}, rank {rank}"
        raise ForgetError("the kind 'pca' or 'random' and a rank above 0", got, "Correct them.")
    generator = torch.Generator().manual_seed(seed)
    if kind == "random":
        sizes = {name: module.weight.flatten(1).shape for name, module in modules.items()}
        like = directions
        return Subspace(
            {n: _random(q, rank, generator).to(like) for n, (_, q) in sizes.items()},
            {n: _random(o, rank, generator).to(like) for n, (o, _) in sizes.items()},
        )
    inputs: dict[str, list[Tensor]] = {name: [] for name in layers}
    deltas: dict[str, list[Tensor]] = {name: [] for name in layers}
    for images in batches:
        with torch.enable_grad(), Taps(network, layers) as taps:
            values = forward(images) @ directions
            taps.check()
            for name, module in modules.items():
                inputs[name].append(_patches(module, taps.inputs[name]).flatten(0, 1))
            for j in range(directions.shape[1]):
                more = j + 1 < directions.shape[1]
                for name, delta in zip(
                    layers, taps.gradients(values[:, j].sum(), more), strict=True
                ):
                    deltas[name].append(delta.flatten(0, 1))
    if not inputs[layers[0]]:
        raise ForgetError("core images", "none", "Give at least one.")
    return Subspace(
        {name: _main(torch.cat(rows), rank, generator) for name, rows in inputs.items()},
        {name: _main(torch.cat(rows), rank, generator) for name, rows in deltas.items()},
    )


def _inner(layer: nn.Module, x: Tensor, basis: Tensor) -> Tensor:
    """Inputs of a layer in a basis (q, a), (n, positions, a): for kernels a convolution too."""
    if isinstance(layer, nn.Linear):
        return positions(layer, x @ basis)
    kernels = basis.T.reshape(-1, *layer.weight.shape[1:])
    found = functional.conv2d(x, kernels, None, layer.stride, layer.padding, layer.dilation)
    return positions(layer, found)


def _patches(layer: nn.Module, x: Tensor) -> Tensor:
    """Inputs of a layer, (n, positions, q)."""
    if isinstance(layer, nn.Linear):
        return positions(layer, x)
    if isinstance(layer.padding, str):
        raise ForgetError("padding in pixels", repr(layer.padding), "Choose another layer.")
    shape = layer.kernel_size
    found = functional.unfold(x, shape, layer.dilation, layer.padding, layer.stride)
    return found.transpose(1, 2)


def _main(rows: Tensor, rank: int, generator: torch.Generator) -> Tensor:
    """The main directions (q, rank) of uncentred rows (n, q)."""
    if len(rows) > SAMPLES:
        rows = rows[torch.randperm(len(rows), generator=generator)[:SAMPLES]]
    return torch.linalg.svd(rows, full_matrices=False).Vh[:rank].T.contiguous()


def _random(size: int, rank: int, generator: torch.Generator) -> Tensor:
    values = torch.randn(size, min(rank, size), generator=generator, dtype=torch.float64)
    return torch.linalg.qr(values).Q

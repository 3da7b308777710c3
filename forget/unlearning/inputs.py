"""What reaches the layers of a network: its main directions."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from forget.data.dataset import Indices
from forget.unlearning.course import FORWARD, Course

__all__ = ["Directions", "input_directions"]


@dataclass(frozen=True, eq=False)
class Directions:
    r"""Where inputs of a layer lie: :math:`\sum_x x x^T = U \, diag(\sigma^2) \, U^T`.

    Arguments:
        vectors: U, orthonormal columns, (q, r).
        values: sigma^2, (r,), not negative.
    """

    vectors: Tensor = field(repr=False)
    values: Tensor = field(repr=False)


def input_directions(course: Course, indices: Indices) -> dict[str, Directions]:
    """Main directions of the inputs of each convolution and linear layer, by name.

    A convolution's inputs are its patches, as many as there are places, with q numbers each in
    the order of its kernel.

    Arguments:
        course: Its network is asked, in evaluation mode.
        indices: The images.
    """
    found: dict[str, _Sum] = {}
    network = course.network.eval()
    with ExitStack() as stack, torch.inference_mode():
        for name, layer in network.named_modules():
            ungrouped = isinstance(layer, nn.Conv2d) and layer.groups == 1
            if ungrouped or isinstance(layer, nn.Linear):
                found[name] = _Sum(len(indices))
                handle = layer.register_forward_hook(partial(_add, found[name]))
                stack.callback(handle.remove)
        for batch in course.inputs(indices, FORWARD):
            network(batch.images)
    return {name: one.directions() for name, one in found.items()}


class _Sum:
    """Keeps the inputs themselves where they are fewer than their numbers, else their products."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.rows: list[Tensor] = []
        self.gram: Tensor | None = None

    def add(self, x: Tensor, images: int) -> None:
        """Adds the inputs (n, q) that come from some of the images."""
        if len(x) * self.images < x.shape[1] * images:
            self.rows.append(x)
        else:
            product = x.T @ x
            self.gram = product if self.gram is None else self.gram + product

    def directions(self) -> Directions:
        """Their main directions."""
        if self.gram is None:
            _, values, right = torch.linalg.svd(torch.cat(self.rows).double(), full_matrices=False)
            return Directions(right.T.clone(), (values**2).clone())
        values, vectors = torch.linalg.eigh(self.gram.double())
        return Directions(vectors.clone(), values.clamp(min=0).clone())


def _add(found: _Sum, layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
    x = inputs[0]
    images = len(x)
    if isinstance(layer, nn.Conv2d):
        patches = functional.unfold(
            x, layer.kernel_size, layer.dilation, layer.padding, layer.stride
        )
        x = patches.movedim(1, -1).flatten(0, 1)
    found.add(x.float(), images)

"""How much each parameter matters for some images, read from gradients of batches."""

from collections.abc import Iterator

import torch
from torch import Tensor

from forget.data.dataset import Indices
from forget.recipe import cross_entropy
from forget.training import Objective
from forget.unlearning.course import Course

__all__ = ["mean_gradient", "squared_gradient"]

Weights = dict[str, Tensor]


def squared_gradient(
    course: Course, indices: Indices, objective: Objective | None = None
) -> Weights:
    r"""Mean square of the gradients of batches, by name of the parameter.

    .. math:: I_j = \frac1B \sum_b \left( \partial L_b / \partial \theta_j \right)^2

    The diagonal of the empirical Fisher matrix, but that gradients are those of batches and not
    of single images, as in the published code of the methods that use it.

    Arguments:
        course: Its network is asked, in evaluation mode.
        indices: The images.
        objective: The loss; by default cross-entropy.
    """
    return _mean(course, indices, objective, square=True)


def mean_gradient(course: Course, indices: Indices) -> Weights:
    """Mean gradient of the cross-entropy of some images, by name of the parameter."""
    return _mean(course, indices, None, square=False)


def _mean(course: Course, indices: Indices, objective: Objective | None, square: bool) -> Weights:
    names = [name for name, _ in course.network.named_parameters()]
    found = {name: torch.zeros_like(p) for name, p in course.network.named_parameters()}
    for gradients, share in _gradients(course, indices, objective or cross_entropy()):
        for name, gradient in zip(names, gradients, strict=True):
            found[name] += share * (gradient**2 if square else gradient)
    return found


def _gradients(
    course: Course, indices: Indices, objective: Objective
) -> Iterator[tuple[tuple[Tensor, ...], float]]:
    """The gradient of each batch, and the share of the images that it has."""
    network = course.network.eval()
    parameters = list(network.parameters())
    for batch in course.inputs(indices):
        loss, _ = objective(network, batch)
        yield torch.autograd.grad(loss, parameters), len(batch.labels) / len(indices)

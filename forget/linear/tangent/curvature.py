"""Slope and curvature of the cross-entropy in a network's weights, one batch at a time."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp
from torch.nn import functional

from forget.errors import ForgetError
from forget.linear.tangent.gradients import Subspace
from forget.training import Batch

__all__ = [
    "Weights",
    "ggn_dense",
    "ggn_diagonal",
    "ggn_product",
    "movable",
    "residual",
    "slope",
    "slope_in",
]

Weights = dict[str, Tensor]  # some parameters of a network, or as many changes of them, by name


def movable(network: nn.Module, layers: Sequence[str] = ()) -> Weights:
    """Weights and biases of convolutions and linear layers, detached, not copied.

    Normalisation stays as it is: its statistics belong to the images that it saw, and its scales
    only rescale the weights before it.

    Arguments:
        network: Any.
        layers: Names of layers; empty for all convolutions and linear layers.

    Raises:
        ForgetError: No such layer, or none at all.
    """
    able = {n: m for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    chosen = tuple(layers) or tuple(able)
    if unknown := [name for name in chosen if name not in able]:
        remedy = f"Choose among {', '.join(able)}."
        raise ForgetError("convolutions and linear layers", ", ".join(unknown), remedy)
    if not chosen:
        raise ForgetError("convolutions or linear layers", "none", "Choose another network.")
    return {
        f"{name}.{part}": parameter.detach()
        for name in chosen
        for part, parameter in able[name].named_parameters(recurse=False)
    }


def residual(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    r"""Gradient of the cross-entropy with respect to the logits, (n, c).

    .. math:: r = p - (1 - s) \, e_y - s / c, \quad p = softmax(f)

    Arguments:
        logits: f, (n, c).
        labels: y, (n,).
        smoothing: Share s of the target that is spread over all classes.
    """
    wanted = functional.one_hot(labels, logits.shape[1]).to(logits)
    return logits.softmax(1) - (1 - smoothing) * wanted - smoothing / logits.shape[1]


def slope(
    network: nn.Module, weights: Weights, batch: Batch, smoothing: float = 0.0
) -> tuple[Weights, Tensor]:
    r"""Gradient of the summed cross-entropy of a batch, :math:`\sum_i J_i^T r_i`, and the logits.

    Arguments:
        network: In evaluation mode, so that images do not influence each other.
        weights: Where, and with respect to what.
        batch: Images and labels.
        smoothing: As in `residual`.
    """
    logits, back = _backward(network, weights, batch.images)
    (found,) = back(residual(logits, batch.labels, smoothing))
    return found, logits


def ggn_product(network: nn.Module, weights: Weights, images: Tensor, vector: Weights) -> Weights:
    r"""Product of the generalised Gauss-Newton matrix of a batch, summed, with a vector.

    .. math:: H v = \sum_i J_i^T \, (diag \, p_i - p_i p_i^T) \, J_i v

    J_i (c, P) is the Jacobian of the logits of image i with respect to the weights: J v by
    forward, J^T by backward differentiation, so that no Jacobian is ever formed. For
    cross-entropy it is the Fisher matrix too, positive semi-definite where the Hessian is not.

    References:
        | Fast exact multiplication by the Hessian (Pearlmutter, 1994)
        | Deep learning via Hessian-free optimization (Martens, 2010)
        | New insights and perspectives on the natural gradient method (Martens, 2020), section 8

    Arguments:
        network: In evaluation mode.
        weights: Where, and with respect to what.
        images: (n, ...).
        vector: v, as many entries as the weights.
    """

    def forward(moved: Weights) -> Tensor:
        return functional_call(network, moved, (images,))

    logits, moved = jvp(forward, (weights,), (vector,))
    p = logits.softmax(1)
    _, back = _backward(network, weights, images)
    (found,) = back(p * moved - p * (p * moved).sum(1, keepdim=True))
    return found


def ggn_diagonal(
    network: nn.Module, weights: Weights, images: Tensor, generator: torch.Generator
) -> Weights:
    r"""An unbiased estimate of the diagonal of a batch's Gauss-Newton matrix, never negative.

    .. math:: (\sum_i J_i^T S_i \epsilon_i)^2, \quad S_i S_i^T = diag \, p_i - p_i p_i^T

    with random signs epsilon, squared entry by entry: the products of different images and of
    different columns vanish in the mean. One backward pass for the whole batch.

    References:
        | An estimator for the diagonal of a matrix (Bekas, Kokiopoulou and Saad, 2007)

    Arguments:
        network: In evaluation mode.
        weights: Where, and with respect to what.
        images: (n, ...).
        generator: Of the signs.
    """
    logits, back = _backward(network, weights, images)
    p = logits.softmax(1)
    signs = torch.randint(0, 2, p.shape, generator=generator).to(p) * 2 - 1
    root = p.sqrt()
    (found,) = back(root * signs - p * (root * signs).sum(1, keepdim=True))
    return {name: value.square() for name, value in found.items()}


def ggn_dense(logits: Tensor, gradients: Tensor) -> Tensor:
    r"""The Gauss-Newton matrix of a batch, summed, (p, p), in float64.

    .. math:: H = \sum_i J_i^T \, (diag \, p_i - p_i p_i^T) \, J_i = K^T K, \quad
              K_{io} = \sqrt{p_{io}} \, (J_{io} - \sum_k p_{ik} J_{ik})

    Arguments:
        logits: (n, c).
        gradients: J of the logits in some coordinates, (n, c, p).
    """
    p = logits.softmax(1)
    mean = torch.einsum("nc,ncp->np", p, gradients)
    rows = p.sqrt()[:, :, None] * (gradients - mean[:, None])
    rows = rows.flatten(0, 1).double()
    return rows.T @ rows


def slope_in(subspace: Subspace, gradients: Weights) -> Tensor:
    r"""Gradients of whole weights in a subspace of them, (p,): the adjoint of `displacement`.

    .. math:: g = vec(V^T G U)

    Arguments:
        subspace: Layers and bases.
        gradients: G by the name of the parameter, in the weight's own shape.
    """
    return torch.cat(
        [
            (subspace.outputs[n].T @ gradients[f"{n}.weight"].flatten(1) @ u).flatten()
            for n, u in subspace.inputs.items()
        ]
    )


def _backward(
    network: nn.Module, weights: Weights, images: Tensor
) -> tuple[Tensor, Callable[[Tensor], tuple[Weights]]]:
    """Logits, and what takes cotangents of them (n, c) back to the weights."""

    def forward(moved: Weights) -> Tensor:
        return functional_call(network, moved, (images,))

    return vjp(forward, weights)

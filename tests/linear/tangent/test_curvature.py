"""Laws of slope and curvature: every product against its dense twin, every solver too."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch.func import functional_call, hessian, jacrev

from forget.data.load import load_images
from forget.data.partition import Partition, by_index
from forget.errors import ForgetError
from forget.linear.tangent.curvature import (
    Weights,
    ggn_dense,
    ggn_diagonal,
    ggn_product,
    movable,
    residual,
    slope,
    slope_in,
)
from forget.linear.tangent.gradients import fit_subspace, projected_gradients
from forget.methods.newton_cg import NewtonCg
from forget.methods.tangent_step import TangentStep
from forget.models.classifier import Classifier, build
from forget.recipe import Recipe, fit, to_input
from forget.training import Batch, accelerate

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}
FREE = {"rounds": 1, "tolerance": 1e9, "sample": 10_000}  # one whole step on all that stays


def small() -> torch.nn.Module:
    """A network in float64 with everything that matters: kernels, normalisation, a readout."""
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.BatchNorm2d(3), torch.nn.Tanh()
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(48, 4))
    network[1].running_mean.normal_()
    return network.double().eval().requires_grad_(False)


def batch(n: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(n, 2, 4, 4, generator=generator, dtype=torch.float64)
    return Batch(images, torch.arange(n) % 4)


def flat(weights: Weights) -> torch.Tensor:
    return torch.cat([w.flatten() for w in weights.values()])


def jacobians(network: torch.nn.Module, weights: Weights, images: torch.Tensor) -> torch.Tensor:
    """J (n, c, P), by backward differentiation of each output."""
    found = jacrev(lambda w: functional_call(network, w, (images,)))(weights)
    return torch.cat([found[name].flatten(2) for name in weights], 2)


def dense(logits: torch.Tensor, jacobian: torch.Tensor) -> torch.Tensor:
    """The sum of J^T (diag p - p p^T) J, image by image."""
    found = torch.zeros(jacobian.shape[2], jacobian.shape[2], dtype=torch.float64)
    for p, j in zip(logits.softmax(1), jacobian, strict=True):
        found += j.T @ (torch.diag(p) - torch.outer(p, p)) @ j
    return found


def test_products_are_those_of_the_dense_matrix() -> None:
    network, (images, labels) = small(), batch()
    weights = movable(network)
    assert list(weights) == ["0.weight", "0.bias", "4.weight", "4.bias"]
    jacobian = jacobians(network, weights, images)
    matrix = dense(network(images), jacobian)
    assert torch.allclose(ggn_dense(network(images), jacobian), matrix, atol=1e-12)
    vector = {name: torch.randn_like(w) for name, w in weights.items()}
    product = ggn_product(network, weights, images, vector)
    assert torch.allclose(flat(product), matrix @ flat(vector), atol=1e-12)
    gradient, logits = slope(network, weights, Batch(images, labels), 0.1)
    wanted = torch.einsum("ncp,nc->p", jacobian, residual(logits, labels, 0.1))
    assert torch.allclose(flat(gradient), wanted, atol=1e-12)


def test_the_gradient_of_the_logits_is_autograds() -> None:
    logits = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 2, 0])
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum", label_smoothing=0.2)
    (wanted,) = torch.autograd.grad(loss, logits)
    assert torch.allclose(residual(logits.detach(), labels, 0.2), wanted, atol=1e-12)


def test_the_estimate_of_the_diagonal_is_unbiased() -> None:
    network, (images, _) = small(), batch(3)
    weights, signs = movable(network, ["4"]), torch.Generator().manual_seed(0)
    draws = [flat(ggn_diagonal(network, weights, images, signs)) for _ in range(2_000)]
    found = torch.stack(draws)
    wanted = dense(network(images), jacobians(network, weights, images)).diagonal()
    error = found.std(0) / len(draws) ** 0.5
    assert ((found.mean(0) - wanted).abs() <= 5 * error + 1e-12).all()
    assert (found >= 0).all()


def test_gradients_in_a_subspace_are_the_adjoint_of_its_displacement() -> None:
    network, (images, labels) = small(), batch()
    eye = torch.eye(4, dtype=torch.float64)
    subspace = fit_subspace(network, network, [images], ["0", "4"], 3, eye)
    gradient, logits = slope(network, movable(network), Batch(images, labels))
    found = slope_in(subspace, gradient)
    theta = torch.randn(subspace.dimension, dtype=torch.float64)
    moved = subspace.displacement(theta)
    pairs = [(gradient[f"{name}.weight"].flatten(1) * moved[name]).sum() for name in moved]
    assert torch.allclose(found @ theta, sum(pairs), atol=1e-12)
    _, rows = projected_gradients(network, network, images, subspace, eye)
    wanted = torch.einsum("ncp,nc->p", rows, residual(logits, labels))
    assert torch.allclose(found, wanted, atol=1e-12)


def test_layers_that_cannot_move_are_told() -> None:
    with pytest.raises(ForgetError, match="Choose among 0, 4"):
        movable(small(), ["1"])
    with pytest.raises(ForgetError, match="another network"):
        movable(torch.nn.Flatten())


# The two methods on a last layer, where the loss is convex and its Hessian is at hand.


@cache
def split() -> Partition:
    everything = load_images("digits")
    parts = {"train": everything.train[:300], "test": everything.test}
    data = replace(everything, parts=parts)
    return by_index(data, data.train[::9], "every ninth image")


@cache
def network() -> Classifier:
    recipe = Recipe(epochs=3, batch=32)
    return fit(CONFIG, split().data, split().train, recipe, accelerate("cpu")).double()


def newton_step(removal: bool, ridge: float, bias: bool) -> torch.Tensor:
    """The step of the last layer's weight (and bias) from torch.func's Hessian, dense."""
    model, data = build(CONFIG, network().state_dict()).double().eval(), split().data

    def hidden(indices: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        rows = model.features(to_input(data.images[indices]).double()).detach()
        ones = torch.ones(len(rows), 1, dtype=torch.float64)
        return torch.cat([rows, ones], 1), torch.from_numpy(data.labels[indices])

    start = torch.cat([model.last.weight, model.last.bias[:, None]], 1).detach()
    keep = torch.ones_like(start, dtype=torch.bool)
    keep[:, -1] = bias

    def loss(moved: torch.Tensor, indices: np.ndarray) -> torch.Tensor:
        rows, labels = hidden(indices)
        whole = start.flatten().index_copy(0, places, moved).view_as(start)
        return torch.nn.functional.cross_entropy(rows @ whole.T, labels, reduction="sum")

    places = keep.flatten().nonzero().flatten()
    at, retain, forget = start[keep], split().retain, split().forget
    slope_of = torch.func.grad(loss)
    matrix = hessian(lambda moved: loss(moved, retain))(at) / len(retain)
    gradient = slope_of(at, retain) / len(retain) + ridge * at
    if removal:
        gradient = -slope_of(at, forget) / len(retain)
    step = -torch.linalg.solve(matrix + ridge * torch.eye(len(at), dtype=torch.float64), gradient)
    return torch.zeros_like(start).masked_scatter(keep, step)


def moved(after: Classifier) -> torch.Tensor:
    one, other = after.last, network().last
    weight, bias = one.weight - other.weight, one.bias - other.bias
    return torch.cat([weight, bias[:, None]], 1).detach()


@pytest.mark.parametrize("removal", [True, False])
def test_a_tangent_step_with_a_full_basis_is_the_dense_newton_step(removal: bool) -> None:
    method = TangentStep(layers=("last",), rank=128, removal=removal, ridge=1e-2, **FREE)
    after = method(network(), split(), fabric=accelerate("cpu"))
    assert after.detail["lengths"] == [1.0]
    wanted = newton_step(removal, 1e-2, bias=False)
    assert (moved(after.model) - wanted).norm() < 1e-6 * wanted.norm()


@pytest.mark.parametrize("removal", [True, False])
@pytest.mark.parametrize("exponent", [0.75, 0.0])
def test_enough_conjugate_gradients_are_the_dense_damped_solve(
    removal: bool, exponent: float
) -> None:
    settings = {"layers": ("last",), "iterations": 200, "exponent": exponent, "ridge": 1e-2}
    method = NewtonCg(removal=removal, accuracy=1e-7, **settings, **FREE)
    after = method(network(), split(), fabric=accelerate("cpu"))
    wanted = newton_step(removal, 1e-2, bias=True)
    assert (moved(after.model) - wanted).norm() < 1e-4 * wanted.norm()


@pytest.mark.parametrize("removal", [True, False])
def test_rounds_converge_to_where_the_gradient_of_their_form_vanishes(removal: bool) -> None:
    settings = {**FREE, "rounds": 5}
    method = TangentStep(layers=("last",), rank=128, removal=removal, ridge=1e-2, **settings)
    after = method(network(), split(), fabric=accelerate("cpu")).model
    here = split()

    def total(model: Classifier, indices: np.ndarray) -> torch.Tensor:
        one = Batch(
            to_input(here.data.images[indices]).double(),
            torch.from_numpy(here.data.labels[indices]),
        )
        found, _ = slope(model, movable(model, ["last"]), one)
        return found["last.weight"] / len(here.retain)

    before = network()
    if removal:
        start = total(before, here.forget)
        left = total(after, here.retain) - total(before, here.retain) - start
    else:
        start = total(before, here.retain) + 1e-2 * before.last.weight.detach()
        left = total(after, here.retain) + 1e-2 * after.last.weight.detach()
    assert left.norm() < 0.1 * start.norm()

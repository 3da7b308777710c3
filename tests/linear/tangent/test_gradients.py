"""Laws of projected gradients: they are the dense Jacobian, seen in a subspace."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from forget.errors import ForgetError
from forget.linear.tangent.gradients import Subspace, fit_subspace, projected_gradients
from forget.linear.tangent.layers import tangent_layers
from forget.models.classifier import build


class Branches(nn.Module):
    """Layers beside each other, of which none comes after the other; and a strided kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(2, 5, 3, stride=2, padding=1)
        self.short = nn.Conv2d(2, 5, 1, stride=2, bias=False)
        self.act = nn.ReLU(inplace=True)
        self.last = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.wide(x)) + self.short(x)
        return self.last(self.act(x).mean((2, 3)))


class Tokens(nn.Module):
    """Linear layers that are applied at several positions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 7), nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x))).mean(1)


class Patches(nn.Module):
    """Linear layers whose channels come last on a grid that is as wide as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x))).mean((1, 2))


class Unread(nn.Module):
    """A layer that is computed for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.aside, self.last = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.aside(x)
        return self.last(x)


def resnet() -> nn.Module:
    return build({"architecture": "resnet18", "classes": 3, "stem": "small"})


def convnet() -> nn.Module:
    return build({"architecture": "convnet", "classes": 4, "channels": 2, "side": 8})


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[str, ...]]] = {
    "branches": (Branches, (2, 7, 9), ("wide", "short", "last")),
    "tokens": (Tokens, (5, 6), ("first", "second")),
    "patches": (Patches, (4, 5, 4), ("first", "second")),
    "convnet": (convnet, (2, 8, 8), ("body.0", "body.3", "last")),
    "resnet18": (resnet, (3, 8, 8), ("layer4.0.conv1", "layer4.0.downsample.0", "fc")),
}


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, tuple[str, ...]]:
    make, shape, layers = NETWORKS[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = make().double().eval().requires_grad_(False)
        for module in network.modules():  # so that normalisation is not the identity
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(), module.running_var.uniform_(0.5, 2)
        return network, torch.randn(6, *shape, dtype=torch.float64), layers


def dense(network: nn.Module, x: Tensor, layer: str) -> Tensor:
    """The whole Jacobian (n, m, o, q) of a layer's weight."""
    name = f"{layer}.weight"
    weight = network.get_parameter(name)

    def outputs(w: Tensor) -> Tensor:
        return functional_call(network, {name: w}, (x,))

    return jacrev(outputs)(weight).flatten(4) if weight.ndim == 4 else jacrev(outputs)(weight)


@pytest.mark.parametrize("kind", ["pca", "random"])
@pytest.mark.parametrize("rank", [1, 3, 50])
def test_they_equal_the_dense_jacobian(
    case: tuple[nn.Module, Tensor, tuple[str, ...]], kind: str, rank: int
) -> None:
    network, x, layers = case
    outputs = network(x).shape[1]
    directions = torch.randn(outputs, 2, dtype=torch.float64, generator=torch.manual_seed(0))
    subspace = fit_subspace(network, network, [x], layers, rank, directions, kind)
    values, found = projected_gradients(network, network, x, subspace, directions)
    torch.testing.assert_close(values, network(x) @ directions)
    expected = []
    for layer in layers:
        jacobian = dense(network, x, layer).flatten(3)
        u, v = subspace.inputs[layer], subspace.outputs[layer]
        inside = torch.einsum("nmoq,mr,ob,qa->nrba", jacobian, directions, v, u)
        expected.append(inside.flatten(2))
    torch.testing.assert_close(found, torch.cat(expected, 2), rtol=1e-9, atol=1e-11)
    assert found.shape == (6, 2, subspace.dimension)


def test_a_displacement_moves_the_outputs_as_the_gradients_say(
    case: tuple[nn.Module, Tensor, tuple[str, ...]],
) -> None:
    """First-order expansion: halving the step quarters what is left."""
    network, x, layers = case
    directions = torch.eye(network(x).shape[1], dtype=torch.float64)
    subspace = fit_subspace(network, network, [x], layers, 4, directions)
    values, gradients = projected_gradients(network, network, x, subspace, directions)
    theta = torch.randn(subspace.dimension, dtype=torch.float64, generator=torch.manual_seed(3))
    theta = 1e-4 * theta / theta.norm()
    left = []
    for step in (theta, theta / 2):
        moved = {
            f"{name}.weight": network.get_parameter(f"{name}.weight")
            + change.reshape(network.get_parameter(f"{name}.weight").shape)
            for name, change in subspace.displacement(step).items()
        }
        error = functional_call(network, moved, (x,)) - values - gradients @ step
        left.append(float(error.norm()))
    moved_by = float((gradients @ theta).norm())
    assert left[0] < 1e-2 * moved_by
    assert left[1] < 0.3 * left[0] + 1e-13


def test_a_layer_whose_result_is_not_used_is_refused() -> None:
    network = Unread().eval().requires_grad_(False)
    with pytest.raises(ForgetError, match="'aside', whose result is not used"):
        fit_subspace(network, network, [torch.randn(2, 4)], ["aside", "last"], 2, torch.eye(3))


def test_full_rank_bases_lose_nothing(case: tuple[nn.Module, Tensor, tuple[str, ...]]) -> None:
    network, x, layers = case
    layer = layers[-1]
    directions = torch.eye(network(x).shape[1], dtype=torch.float64)
    o, q = network.get_parameter(f"{layer}.weight").flatten(1).shape
    whole = Subspace(
        {layer: torch.eye(q, dtype=torch.float64)}, {layer: torch.eye(o, dtype=torch.float64)}
    )
    _, found = projected_gradients(network, network, x, whole, directions)
    expected = dense(network, x, layer).flatten(2)
    torch.testing.assert_close(found, expected)


def test_main_directions_hold_more_than_random_ones(
    case: tuple[nn.Module, Tensor, tuple[str, ...]],
) -> None:
    network, x, layers = case
    directions = torch.eye(network(x).shape[1], dtype=torch.float64)
    held = {}
    for kind in ("pca", "random"):
        subspace = fit_subspace(network, network, [x], layers, 2, directions, kind)
        for bases in (subspace.inputs, subspace.outputs):
            for basis in bases.values():
                gram = basis.T @ basis
                torch.testing.assert_close(gram, torch.eye(len(gram), dtype=torch.float64))
        held[kind] = projected_gradients(network, network, x, subspace, directions)[1].norm()
    assert held["pca"] > held["random"]


def test_images_do_not_influence_each_other_and_nothing_is_changed(
    case: tuple[nn.Module, Tensor, tuple[str, ...]],
) -> None:
    network, x, layers = case
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    given = x.clone()
    directions = torch.eye(network(x).shape[1], dtype=torch.float64)
    state = torch.get_rng_state()
    subspace = fit_subspace(network, network, [x], layers, 3, directions, "random", seed=5)
    together = projected_gradients(network, network, x, subspace, directions)
    alone = [
        projected_gradients(network, network, x[i : i + 1], subspace, directions) for i in range(6)
    ]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts))
    assert torch.equal(x, given)
    assert torch.equal(state, torch.get_rng_state())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert not any(module._forward_hooks for module in network.modules())
    again = fit_subspace(network, network, [x], layers, 3, directions, "random", seed=5)
    assert all(torch.equal(u, again.inputs[name]) for name, u in subspace.inputs.items())


def test_what_cannot_be_projected_is_told() -> None:
    network = Branches().eval()
    x, directions = torch.randn(2, 2, 8, 8), torch.eye(4)
    for layers, words in (
        (["act"], "ReLU"),
        (["nowhere"], "no such layer"),
        ([], "layers, each once"),
        (["last", "last"], "layers, each once"),
    ):
        with pytest.raises(ForgetError, match=words):
            tangent_layers(network, layers)
    with pytest.raises(ForgetError, match="'pca' or 'random'"):
        fit_subspace(network, network, [x], ["last"], 2, directions, "best")
    with pytest.raises(ForgetError, match="rank 0"):
        fit_subspace(network, network, [x], ["last"], 0, directions)
    with pytest.raises(ForgetError, match="core images"):
        fit_subspace(network, network, [], ["last"], 2, directions)
    with pytest.raises(ForgetError, match="evaluation mode"):
        fit_subspace(network.train(), network, [x], ["last"], 2, directions)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_layer_that_is_used_twice_is_refused() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    twice = Twice().eval()
    with pytest.raises(ForgetError, match="used once"):
        fit_subspace(twice, twice, [torch.randn(2, 3)], ["layer"], 1, torch.eye(3))

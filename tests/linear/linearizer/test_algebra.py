"""Laws of the Linearizer: the algebra of its operator is the algebra of the map."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from forget.errors import ForgetError
from forget.linear.linearizer.algebra import Induced, Linearizer
from forget.linear.linearizer.flows import Chain, vector_flow
from forget.linear.linearizer.gauge import Gauge

D, K, N = 12, 5, 7
CLOSE = {"rtol": 1e-8, "atol": 1e-8}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def flow(dimension: int, seed: int, kind: str) -> Chain:
    """A map that is no longer as it was born."""
    made = vector_flow(dimension, 4, kind=kind, seed=seed).double()
    made.train()(3 * draw(50, dimension, seed=seed) + 1)  # sets the scales
    random = torch.Generator().manual_seed(seed)
    for name, parameter in made.named_parameters():
        if "conditioner" in name:
            noise = torch.randn(parameter.shape, dtype=torch.float64, generator=random)
            parameter.data.add_(0.1 * noise)
    return made.eval().requires_grad_(False)


def gauged(g: Chain, dimension: int) -> Gauge:
    return Gauge.fit(g, g(draw(60, dimension, seed=9)))


def edited(f: Linearizer) -> Linearizer:
    """After an edit of A, as forgetting makes one: a change of rank 2."""
    return f.edited(f.operator - draw(K, 2, seed=5) @ draw(2, f.operator.shape[1], seed=6) / 5)


def suppressed(f: Linearizer) -> Linearizer:
    q, _ = torch.linalg.qr(draw(f.operator.shape[1], 3, seed=7))
    return f.without(q)


EDITS: dict[str, Callable[[Linearizer], Linearizer]] = {
    "as fitted": lambda f: f,
    "edited": edited,
    "suppressed": suppressed,
}


@pytest.fixture(params=EDITS)
def f(request: pytest.FixtureRequest) -> Linearizer:
    """A rectangular operator between an affine and an additive map, one of them in a gauge."""
    g_x = gauged(flow(D, 1, "affine"), D)
    made = Linearizer(g_x, draw(K, D, seed=3) / 3, flow(K, 2, "additive"))
    return EDITS[request.param](made)


@pytest.fixture
def x() -> Tensor:
    return draw(N, D, seed=11)


@pytest.fixture
def y() -> Tensor:
    return draw(N, K, seed=12)


def test_superposition(f: Linearizer, x: Tensor) -> None:
    one, other, a = x[:3], x[3:6], draw(3, 1, seed=2)
    mixed = f.inputs.add(f.inputs.scale(a, one), f.inputs.scale(-2.0, other))
    expected = f.outputs.add(f.outputs.scale(a, f(one)), f.outputs.scale(-2.0, f(other)))
    torch.testing.assert_close(f(mixed), expected, **CLOSE)


def test_the_induced_operations_are_those_of_a_vector_space(f: Linearizer, x: Tensor) -> None:
    space, (u, v, w) = f.inputs, (x[:2], x[2:4], x[4:6])
    torch.testing.assert_close(space.add(u, v), space.add(v, u), **CLOSE)
    torch.testing.assert_close(
        space.add(space.add(u, v), w), space.add(u, space.add(v, w)), **CLOSE
    )
    nothing = space.g.inverse(torch.zeros(2, D, dtype=torch.float64))
    torch.testing.assert_close(space.add(u, nothing), u, **CLOSE)
    torch.testing.assert_close(space.add(u, space.scale(-1.0, u)), nothing, **CLOSE)
    torch.testing.assert_close(space.scale(2.0, space.scale(3.0, u)), space.scale(6.0, u), **CLOSE)
    sums = space.inner(space.add(u, v), w)
    torch.testing.assert_close(sums, space.inner(u, w) + space.inner(v, w), **CLOSE)


def test_the_adjoint_moves_over(f: Linearizer, x: Tensor, y: Tensor) -> None:
    left = f.outputs.inner(f(x), y)
    torch.testing.assert_close(left, f.inputs.inner(x, f.adjoint()(y)), **CLOSE)
    torch.testing.assert_close(f.adjoint().adjoint()(x), f(x), **CLOSE)


def test_the_pseudo_inverse_satisfies_penrose(f: Linearizer, x: Tensor, y: Tensor) -> None:
    back = f.pinv()
    torch.testing.assert_close(f(back(f(x))), f(x), **CLOSE)
    torch.testing.assert_close(back(f(back(y))), back(y), **CLOSE)
    there = f.then(back)  # f^+ f: symmetric in the induced product
    torch.testing.assert_close(
        f.inputs.inner(there(x), x.flip(0)), f.inputs.inner(x, there(x.flip(0))), **CLOSE
    )
    torch.testing.assert_close(f(back(y)), y, **CLOSE)  # A has full row rank


def test_composition_and_powers_take_one_step(f: Linearizer, x: Tensor) -> None:
    g = Linearizer(f.g_y, draw(K, K, seed=8) / 3, f.g_y)
    torch.testing.assert_close(f.then(g)(x), g(f(x)), **CLOSE)
    torch.testing.assert_close(g.power(3)(f(x)), g(g(g(f(x)))), **CLOSE)
    torch.testing.assert_close(g.power(0)(f(x)), f(x), **CLOSE)


def test_singular_vectors_are_points(f: Linearizer) -> None:
    left, values, right = f.svd()
    torch.testing.assert_close(f(right), f.outputs.scale(values[:, None], left), **CLOSE)
    gram = f.g_x(right) @ f.g_x(right).T
    torch.testing.assert_close(gram, torch.eye(K, dtype=torch.float64), **CLOSE)
    assert (values[:-1] >= values[1:]).all()


def test_a_projection_is_idempotent_and_sends_the_subspace_to_nothing(
    f: Linearizer, x: Tensor
) -> None:
    q, _ = torch.linalg.qr(draw(D, 2, seed=4))
    once = f.without(q)
    torch.testing.assert_close(once.without(q)(x), once(x), **CLOSE)
    nothing = f.g_y.inverse(torch.zeros(2, K, dtype=torch.float64))
    torch.testing.assert_close(once(f.g_x.inverse(q.T)), nothing, **CLOSE)
    outside = f.g_x.inverse(f.g_x(x) - f.g_x(x) @ q @ q.T)
    torch.testing.assert_close(once(outside), f(outside), **CLOSE)


def test_preimages_are_mapped_to_the_same_output(f: Linearizer, y: Tensor) -> None:
    def noise(like: Tensor) -> Tensor:
        return draw(*like.shape, seed=13)

    smallest, moved = f.preimages(y, 0.0, noise), f.preimages(y, 1.0, noise)
    torch.testing.assert_close(smallest, f.pinv()(y), **CLOSE)
    torch.testing.assert_close(f(moved), y, **CLOSE)
    assert (f.g_x(moved).norm(dim=1) > f.g_x(smallest).norm(dim=1)).all()


def test_the_input_stays_as_it_was(f: Linearizer) -> None:
    before = f.operator.clone()
    f.without(torch.linalg.qr(draw(D, 2))[0]), f.edited(torch.zeros_like(before))
    assert torch.equal(f.operator, before)


def test_what_does_not_fit_is_told(f: Linearizer) -> None:
    with pytest.raises(ForgetError, match="an operator"):
        f.edited(torch.zeros(K, D + 1))
    with pytest.raises(ForgetError, match="the same g"):
        f.then(f)
    with pytest.raises(ForgetError, match="g_x = g_y"):
        f.power(2)


@pytest.mark.parametrize("kind", ["affine", "additive"])
def test_a_gauge_makes_the_core_white_and_leaves_the_map_as_it_is(kind: str) -> None:
    g, core = flow(D, 1, kind), draw(400, D, seed=1) @ draw(D, D, seed=2) + 3
    gauge = Gauge.fit(g, g(core), ridge=1e-9)
    z = gauge(core)
    torch.testing.assert_close(z.mean(0), torch.zeros(D, dtype=torch.float64), **CLOSE)
    torch.testing.assert_close(
        torch.cov(z.T), torch.eye(D, dtype=torch.float64), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(gauge.inverse(z), core, rtol=1e-7, atol=1e-7)
    assert gauge.bijective


def test_the_gauge_fixes_the_singular_values() -> None:
    """(M g, A M^-1) is the same map; in its gauge it has the same singular values too."""
    x, t = draw(500, D, seed=1), None
    g, g_y = flow(D, 1, "affine"), flow(K, 2, "affine")
    t = x @ draw(D, K, seed=3) + 0.5 * draw(500, K, seed=4)
    m = draw(D, D, seed=5) + 3 * torch.eye(D, dtype=torch.float64)

    class Moved:
        bijective = True

        def __call__(self, points: Tensor) -> Tensor:
            return g(points) @ m.T

        def inverse(self, latents: Tensor) -> Tensor:
            return g.inverse(latents @ torch.linalg.inv(m).T)

    found = []
    for one in (g, Moved()):
        g_x, out = Gauge.fit(one, one(x), 1e-10), Gauge.fit(g_y, g_y(t), 1e-10)
        operator = torch.linalg.lstsq(g_x(x), out(t)).solution.T
        found.append(Linearizer(g_x, operator, out).svd().values)
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-6)
    assert 0 < found[0].min() and found[0].max() <= 1 + 1e-6  # canonical correlations


def test_a_gauge_needs_a_core_and_a_ridge() -> None:
    g = flow(D, 1, "affine")
    with pytest.raises(ForgetError, match="at least 2 core latents"):
        Gauge.fit(g, draw(1, D))
    with pytest.raises(ForgetError, match="ridge above 0"):
        Gauge.fit(g, draw(9, D), ridge=0.0)
    flat = Gauge.fit(g, torch.cat([draw(30, D - 1), torch.zeros(30, 1)], 1).double())
    assert torch.isfinite(flat.whitener).all()  # a direction in which the core does not vary


def test_induced_needs_no_bijection_for_its_outputs() -> None:
    space = Induced(flow(K, 2, "additive"))
    points = draw(4, K)
    torch.testing.assert_close(space.inner(points, points), space.g(points).square().sum(1))

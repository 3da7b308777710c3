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


@pytest.mark.parametrize("points", [torch.zeros(2, D), torch.zeros(D, dtype=torch.float64), [0.0]])
def test_points_of_another_kind_are_told(f: Linearizer, points: object) -> None:
    with pytest.raises(ForgetError, match=r"points \(n, \.\.\.\) of torch\.float64"):
        f(points)  # type: ignore[arg-type]


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


def test_a_subspace_may_be_given_by_any_basis_of_it(f: Linearizer, x: Tensor) -> None:
    basis = draw(D, 2, seed=4) @ torch.tensor([[3.0, 1.0], [1.0, 0.5]], dtype=torch.float64)
    once, orthonormal = f.without(basis), f.without(torch.linalg.qr(basis).Q)
    torch.testing.assert_close(once.operator, orthonormal.operator, **CLOSE)
    torch.testing.assert_close(once.without(basis)(x), once(x), **CLOSE)


def test_a_factor_multiplies_points_never_coordinates(f: Linearizer) -> None:
    points, factors = draw(D, D, seed=11), draw(D, seed=2)  # as many points as coordinates
    scaled = f.inputs.scale(factors, points)
    torch.testing.assert_close(scaled, f.inputs.scale(factors[:, None], points), **CLOSE)
    one_by_one = [f.inputs.scale(float(a), u[None]) for a, u in zip(factors, points, strict=True)]
    torch.testing.assert_close(scaled, torch.cat(one_by_one), **CLOSE)
    for wrong in (draw(1, D), draw(D, D), draw(D - 1), draw(D, 2), "2", None):
        with pytest.raises(ForgetError, match="one for each of 12 points"):
            f.inputs.scale(wrong, points)


def test_what_does_not_fit_is_told(f: Linearizer) -> None:
    with pytest.raises(ForgetError, match="an operator"):
        f.edited(torch.zeros(K, D + 1))
    with pytest.raises(ForgetError, match="the same g"):
        f.then(f)
    with pytest.raises(ForgetError, match="g_x = g_y"):
        f.power(2)
    square = Linearizer(f.g_y, draw(K, K), f.g_y)
    for times in (2.5, -1, True, "2"):
        with pytest.raises(ForgetError, match="whole number from 0"):
            square.power(times)


@pytest.mark.parametrize(
    "wrong", [draw(K), draw(K, D).float(), draw(K, D).long(), draw(D, K), draw(K, D).numpy()]
)
def test_an_edit_has_the_shape_and_the_numbers_of_the_operator(
    f: Linearizer, wrong: Tensor
) -> None:
    with pytest.raises(ForgetError, match=r"an operator \(5, 12\) of torch.float64"):
        f.edited(wrong)


@pytest.mark.parametrize("wrong", [draw(K, D + 1), draw(K + 1, D), draw(D), [[1.0]]])
def test_an_operator_fits_between_its_maps(f: Linearizer, wrong: Tensor) -> None:
    with pytest.raises(ForgetError, match=r"an operator \(5, 12\) of real numbers"):
        Linearizer(f.g_x, wrong, f.g_y)
    with pytest.raises(ForgetError, match=r"an operator \(5, 12\)"):
        Linearizer(f.g_x.g, wrong, f.g_y)  # without a gauge


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (draw(D), "a basis"),
        (draw(D - 1, 2), "a basis"),
        (draw(D, D + 1), "a basis"),
        (draw(D, 0), "a basis"),
        (draw(D, 2).float(), "a basis"),
        (draw(D, 1).expand(D, 2), "do not depend on each other"),
        (torch.zeros(D, 1).double(), "do not depend on each other"),
        (draw(D, 2) * torch.nan, "finite numbers"),
    ],
)
def test_what_spans_no_subspace_is_told(f: Linearizer, wrong: Tensor, expected: str) -> None:
    with pytest.raises(ForgetError, match=expected):
        f.without(wrong)


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_an_operator_that_is_not_finite_has_no_inverse(
    f: Linearizer, y: Tensor, number: float
) -> None:
    broken = f.operator.clone()
    broken[0, 0] = number
    wrong = f.edited(broken)
    for ask in (wrong.pinv, wrong.svd, lambda: wrong.preimages(y, 0.0, torch.randn_like)):
        with pytest.raises(ForgetError, match="an operator of finite numbers; got 1 others"):
            ask()


def test_induced_needs_no_bijection_for_its_outputs() -> None:
    space = Induced(flow(K, 2, "additive"))
    points = draw(4, K)
    torch.testing.assert_close(space.inner(points, points), space.g(points).square().sum(1))

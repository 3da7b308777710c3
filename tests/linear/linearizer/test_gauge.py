"""A gauge makes latents of the core white, and can be undone in any precision."""

import pytest
import torch
from linear.linearizer.test_algebra import CLOSE, D, K, N, draw, flow
from torch import Tensor

from forget.errors import ForgetError
from forget.linear.linearizer.algebra import Linearizer
from forget.linear.linearizer.gauge import Gauge


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_core_whose_latents_do_not_differ_has_no_gauge(dtype: torch.dtype) -> None:
    g = flow(D, 1, "affine")
    same = draw(1, D).to(dtype).expand(30, D)
    rounded = same * (1 + torch.finfo(dtype).eps * (draw(30, 1) > 0).to(dtype))
    broken = draw(30, D).to(dtype).clone()
    broken[3, 4] = torch.nan
    for wrong in (same, rounded, broken, torch.full_like(broken, torch.inf)):
        with pytest.raises(ForgetError, match="finite core latents that differ"):
            Gauge.fit(g, wrong)


def test_few_core_latents_give_a_gauge_that_is_well_conditioned() -> None:
    g, scales = flow(D, 1, "affine"), torch.logspace(0, -2, 10 * D, dtype=torch.float64)
    many = draw(400, 10 * D, seed=3) * scales
    sizes = {}
    for count in (2, 10, 4 * D, 10 * D, 399):
        others = (many[-1:] - many[:count].mean(0)) @ Gauge.fit(g, many[:count]).whitener
        sizes[count] = float(others.abs().max())
    assert max(sizes.values()) < 8


def test_a_gauge_comes_in_another_precision() -> None:
    g = flow(D, 1, "additive").float()
    narrow = Gauge.fit(g, g(draw(60, D).float()))
    wide, x = narrow.to(torch.float64), draw(N, D)
    torch.testing.assert_close(wide.inverse(wide(x)), x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(narrow(x.float()), wide(x).float(), rtol=1e-4, atol=1e-4)
    assert narrow.mean.dtype == next(g.parameters()).dtype == torch.float32
    with pytest.raises(ForgetError, match="a map of torch modules"):
        Gauge(lambda points: points, narrow.mean, narrow.whitener).to(torch.float64)

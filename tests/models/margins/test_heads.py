"""Laws that every margin head obeys, and each head against its formula in plain Python."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from forget.errors import ForgetError
from forget.models.margins import (
    AdaFace,
    ArcFace,
    CombinedMargin,
    CosFace,
    MagFace,
    MarginHead,
)

D, C = 5, 4
# What the right class scores, of its angle, the length of the embedding and the share.
Formula = Callable[[float, float, float], float]


def cosface(theta: float, length: float, share: float) -> float:
    return math.cos(theta) - share * 0.35


def plain(theta: float, length: float, share: float) -> float:
    return math.cos(theta + share * 0.5)


def easy(theta: float, length: float, share: float) -> float:
    return plain(theta, length, share) if theta < math.pi / 2 else math.cos(theta)


def hard(theta: float, length: float, share: float) -> float:
    m = share * 0.5
    return math.cos(theta + m) if theta < math.pi - m else math.cos(theta) - m * math.sin(m)


def combined(theta: float, length: float, share: float) -> float:
    return math.cos((1 + share * 0.35) * theta + share * 0.3) - share * 0.2


def magface(theta: float, length: float, share: float) -> float:
    m = 0.45 + 0.35 * (min(max(length, 10), 110) - 10) / 100
    return math.cos(theta + share * m) if theta < math.pi / 2 else math.cos(theta)


def adaface(theta: float, length: float, share: float) -> float:
    quality = 0.333 * (min(max(length, 1e-3), 100) - 20) / (100 + 1e-3)
    quality, m = min(max(quality, -1), 1), share * 0.4
    theta = math.acos(min(max(math.cos(theta), 1e-3 - 1), 1 - 1e-3))
    return math.cos(min(max(theta - m * quality, 1e-3), math.pi - 1e-3)) - m - m * quality


CASES: dict[str, tuple[Callable[..., MarginHead], dict, Formula]] = {
    "cosface": (CosFace, {"margin": 0.35}, cosface),
    "arcface": (ArcFace, {}, plain),
    "arcface easy": (ArcFace, {"beyond": "easy"}, easy),
    "arcface hard": (ArcFace, {"beyond": "hard"}, hard),
    "combined": (CombinedMargin, {"margins": (1.35, 0.3, 0.2)}, combined),
    "magface": (MagFace, {}, magface),
    "adaface": (AdaFace, {}, adaface),
}
every_head = pytest.mark.parametrize("name", CASES)


def build(name: str, seed: int = 0) -> MarginHead:
    """A head in float64, in evaluation mode, so that AdaFace's averages stay."""
    make, options, _ = CASES[name]
    head = make(D, C, generator=torch.Generator().manual_seed(seed), **options)
    return head.double().eval()


def faces(seed: int, n: int = 6, length: float = 30.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, D, generator=generator, dtype=torch.float64)
    z = length / math.sqrt(D) * z
    return z, torch.randint(-1, C, (n,), generator=generator)


@every_head
@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000), share=st.floats(0, 1), length=st.sampled_from([0.5, 12, 60, 300])
)
def test_logits_are_the_formula(name: str, seed: int, share: float, length: float) -> None:
    head, (z, labels) = build(name, seed), faces(seed + 1, length=length)
    logits = head(z, labels, share)
    for i, label in enumerate(labels.tolist()):
        long = math.sqrt(sum(x * x for x in z[i].tolist()))
        for j, centre in enumerate(head.centres.tolist()):
            dot = sum(a * b for a, b in zip(z[i].tolist(), centre, strict=True))
            cosine = dot / long / math.sqrt(sum(b * b for b in centre))
            if name == "adaface":
                cosine = min(max(cosine, 1e-3 - 1), 1 - 1e-3)
            wanted = CASES[name][2](math.acos(cosine), long, share) if j == label else cosine
            assert logits[i, j].item() == pytest.approx(head.scale * wanted, rel=1e-9, abs=1e-9)


@every_head
def test_gradients_are_finite_differences(name: str) -> None:
    head, (z, labels) = build(name), faces(3)
    labels[0] = -1
    z.requires_grad_()

    def loss(z: Tensor, centres: Tensor) -> Tensor:
        return torch.func.functional_call(_Loss(head), {"head.centres": centres}, (z, labels))

    class _Loss(torch.nn.Module):
        def __init__(self, head: MarginHead) -> None:
            super().__init__()
            self.head = head

        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return self.head.loss(z, labels).loss

    centres = head.centres.detach().clone().requires_grad_()
    # AdaFace's lengths pass no gradient, so moving an embedding along itself is not what is asked:
    # where the clamp holds quality at -1 the two agree again.
    if name == "adaface":
        head.length_mean.fill_(1e6)
    assert torch.autograd.gradcheck(loss, (z, centres), eps=1e-6, atol=1e-5)


@every_head
def test_without_margin_it_is_a_scaled_softmax(name: str) -> None:
    head, (z, labels) = build(name), faces(4)
    cosines = functional.normalize(z) @ functional.normalize(head.centres).T
    torch.testing.assert_close(head(z, labels, 0.0), head.scale * cosines, rtol=1e-9, atol=1e-9)


@every_head
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_a_margin_never_helps_the_right_class_and_more_of_it_helps_less(
    name: str, seed: int
) -> None:
    head, (z, labels) = build(name, seed), faces(seed)
    # Near the right centre: elsewhere plain angles wrap around, which the next test is about.
    z = z.norm(dim=1, keepdim=True) * functional.normalize(
        head.centres[labels.clamp(min=0)] + 0.02 * z / z.norm(dim=1, keepdim=True)
    )
    right = [
        head(z, labels, share).gather(1, labels.clamp(min=0)[:, None]) for share in (0, 0.5, 1)
    ]
    present = labels >= 0
    assert (right[1][present] < right[0][present]).all()
    assert (right[2][present] < right[1][present]).all()
    others = torch.ones(len(z), C, dtype=torch.bool).scatter(
        1, labels.clamp(min=0)[:, None], False
    )
    assert torch.equal(head(z, labels, 1.0)[others], head(z, labels, 0.0)[others])


@every_head
def test_skipped_embeddings_count_nowhere(name: str) -> None:
    head, (z, labels) = build(name).train(), faces(5, 9)
    labels[:3] = -1
    labels[3:] %= C
    twin = build(name).train()
    with_skipped, without = head.loss(z, labels), twin.loss(z[3:], labels[3:])
    torch.testing.assert_close(with_skipped.loss, without.loss)
    torch.testing.assert_close(with_skipped.logits[3:], without.logits)
    for mine, theirs in zip(head.buffers(), twin.buffers(), strict=True):
        assert torch.equal(mine, theirs)


@every_head
def test_a_batch_of_skipped_embeddings_costs_nothing_and_moves_nothing(name: str) -> None:
    for n in (0, 3):
        head, (z, _) = build(name).train(), faces(6, n)
        z.requires_grad_()
        loss, logits = head.loss(z, torch.full((n,), -1))
        loss.backward()
        assert (loss.item(), logits.shape) == (0.0, (n, C))
        assert not z.grad.any()
        assert not head.centres.grad.any()


@every_head
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_the_axis_and_at_zero_values_and_gradients_are_finite(
    name: str, dtype: torch.dtype
) -> None:
    head = build(name).to(dtype)
    centre = head.centres[0].detach()
    rows = torch.stack([centre, 30 * centre, -centre, -30 * centre, 0 * centre])
    rows.requires_grad_()
    loss, logits = head.loss(rows, torch.zeros(5, dtype=torch.int64))
    loss.backward()
    assert logits.isfinite().all()
    assert rows.grad.isfinite().all()
    assert head.centres.grad.isfinite().all()
    ahead, behind = functional.normalize(rows)[[1, 3]] @ functional.normalize(centre[None]).T
    assert (ahead.item(), behind.item()) == pytest.approx((1, -1))


@every_head
def test_the_loss_near_the_axis_has_a_bounded_gradient_in_single_precision(name: str) -> None:
    head = build(name).float()
    centre = functional.normalize(head.centres[:1].detach())
    across = torch.zeros_like(centre)
    across[0, :2] = torch.stack([centre[0, 1], -centre[0, 0]])
    for tilt in (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        for sign in (1, -1):
            z = (20 * (sign * centre + tilt * across)).requires_grad_()
            head(z, torch.zeros(1, dtype=torch.int64))[0, 0].backward()
            assert z.grad.norm() <= 1.5 * 2 * head.scale / 20 + 1  # |dtheta/dz| is 1 / |z|


@every_head
def test_the_loss_falls_when_it_is_minimised(name: str) -> None:
    head, (z, labels) = build(name).train(), faces(7, 12)
    z.requires_grad_()
    optimiser = torch.optim.SGD([z, head.centres], lr=0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = head.loss(z, labels).loss
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@every_head
def test_half_precision_and_autocast_do_not_blur_the_margin(name: str) -> None:
    head, (z, labels) = build(name).float(), faces(8)
    z = z.bfloat16()
    expected = head(z.float(), labels)
    assert torch.equal(head(z, labels), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(z, labels), expected)
        assert head.loss(z, labels).loss.dtype == torch.float32


@every_head
def test_a_saved_head_goes_on_where_it_was(name: str) -> None:
    head, (z, labels) = build(name).train(), faces(9)
    head.loss(z, labels)
    copy = build(name, seed=1)
    copy.load_state_dict(head.state_dict())
    assert torch.equal(copy(z, labels), head.eval()(z, labels))


@every_head
@pytest.mark.parametrize(
    ("z", "labels"),
    [
        (torch.zeros(2, D + 1), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(D), torch.zeros(1, dtype=torch.int64)),
        (torch.zeros(2, D, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, D), torch.zeros(3, dtype=torch.int64)),
        (torch.zeros(2, D), torch.zeros(2)),
        (torch.zeros(2, D), torch.tensor([0, C])),
        (torch.zeros(2, D), torch.tensor([0, -2])),
    ],
    ids=["dimension", "vector", "integers", "count", "real labels", "beyond", "below"],
)
def test_what_does_not_fit_is_refused(name: str, z: Tensor, labels: Tensor) -> None:
    with pytest.raises(ForgetError):
        build(name).float()(z, labels)
    with pytest.raises(ForgetError, match="share"):
        build(name).float()(torch.zeros(1, D), torch.zeros(1, dtype=torch.int64), 1.5)


@every_head
@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"classes": 0}, {"scale": -1.0}])
def test_sizes_and_scale_are_checked(name: str, wrong: dict[str, float]) -> None:
    make, options, _ = CASES[name]
    with pytest.raises(ForgetError, match="|".join(["dimension", "classes", "scale"])):
        make(**({"dimension": D, "classes": C, **options} | wrong))


@pytest.mark.parametrize(
    ("make", "options", "word"),
    [
        (ArcFace, {"margin": 28.6}, "Divide degrees"),
        (ArcFace, {"margin": -0.1}, "margin in radians"),
        (ArcFace, {"beyond": "soft"}, "plain, easy, hard"),
        (ArcFace, {"margin": float("nan")}, "nan"),
        (CosFace, {"margin": 2.1}, "units of cosine"),
        (CombinedMargin, {"margins": (0.5, 0, 0)}, "factor m1"),
        (CombinedMargin, {"margins": (1, 28.6, 0)}, "Divide degrees"),
        (CombinedMargin, {"margins": (1, 0, -1)}, "m3"),
        (MagFace, {"lengths": (110, 10)}, "l_a < u_a"),
        (MagFace, {"margins": (0.8, 0.45)}, "l_m <= u_m"),
        (MagFace, {"margins": (0.45, 45)}, "Divide degrees"),
        (MagFace, {"strength": 20}, "22.6 or more"),
        (MagFace, {"strength": float("inf")}, "22.6 or more"),
        (AdaFace, {"margin": 23}, "Divide degrees"),
        (AdaFace, {"concentration": -1}, "concentration"),
        (AdaFace, {"momentum": 1.5}, "momentum"),
    ],
)
def test_settings_are_checked(make: Callable[..., MarginHead], options: dict, word: str) -> None:
    with pytest.raises(ForgetError, match=word):
        make(D, C, **options)

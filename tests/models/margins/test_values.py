"""Single margin heads: values by hand, edges, and what they become in special cases."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from forget.models.margins import (
    AdaFace,
    ArcFace,
    CombinedMargin,
    CosFace,
    MagFace,
    MarginHead,
    least_strength,
)
from forget.models.margins.angles import angle

EDGE = math.acos(1 - 1e-3)  # the smallest angle that AdaFace sees
angles = st.floats(0, math.pi)


def score(head: MarginHead, theta: float, length: float = 1.0, share: float = 1.0) -> Tensor:
    """What the right class scores at an angle, before the scale."""
    head = head.double()
    with torch.no_grad():
        head.centres.copy_(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    z = length * torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    return head(z, torch.tensor([0]), share)[0, 0] / head.scale


@given(theta=angles)
def test_angles_come_back_from_their_cosines(theta: float) -> None:
    cosine = torch.tensor(math.cos(theta), dtype=torch.float64)
    assert angle(cosine).item() == pytest.approx(theta, abs=3e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_angles_at_the_ends_are_exact_with_no_gradient(dtype: torch.dtype) -> None:
    step = torch.finfo(dtype).eps
    cosines = torch.tensor([1.0, 1 + step, -1.0, -1 - step], dtype=dtype, requires_grad=True)
    found = angle(cosines)
    torch.testing.assert_close(found, found.new_tensor([0, 0, math.pi, math.pi]))
    found.sum().backward()
    assert (cosines.grad.abs() < 1e-6).all()


@pytest.mark.parametrize(
    ("theta", "plain", "easy", "hard"),
    [
        (0.0, 0.877583, 0.877583, 0.877583),  # cos 0.5
        (1.0, 0.070737, 0.070737, 0.070737),  # cos 1.5
        (2.0, -0.801144, -0.416147, -0.801144),  # cos 2.5; cos 2
        (2.8, -0.987480, -0.942222, -1.181935),  # cos 3.3; cos 2.8; cos 2.8 - 0.5 sin 0.5
        (math.pi, -0.877583, -1.0, -1.239713),  # cos (pi + 0.5); -1; -1 - 0.5 sin 0.5
    ],
)
def test_arcface_by_hand(theta: float, plain: float, easy: float, hard: float) -> None:
    for beyond, value in (("plain", plain), ("easy", easy), ("hard", hard)):
        head = ArcFace(2, 2, beyond=beyond)
        assert score(head, theta).item() == pytest.approx(value, abs=1e-6)


@settings(max_examples=50)
@given(first=angles, second=angles)
def test_only_the_hard_fallback_falls_everywhere(first: float, second: float) -> None:
    near, far = sorted((first, second))
    head = ArcFace(2, 2, beyond="hard")
    assert score(head, near) >= score(head, far) - 1e-12
    assert score(ArcFace(2, 2), math.pi) > score(ArcFace(2, 2), math.pi - 0.5)


@settings(max_examples=50)
@given(theta=angles, share=st.floats(0, 1))
def test_the_combined_margin_holds_the_others(theta: float, share: float) -> None:
    for margins, other in (
        ((1, 0.5, 0), ArcFace(2, 2, margin=0.5)),
        ((1, 0, 0.4), CosFace(2, 2, scale=64, margin=0.4)),
        ((1, 0, 0), CosFace(2, 2, margin=0)),
    ):
        mine = score(CombinedMargin(2, 2, margins), theta, share=share)
        assert mine.item() == pytest.approx(score(other, theta, share=share).item(), abs=3e-8)


def test_cosface_is_to_the_bit_what_it_was() -> None:
    """Weights that were trained with it must come out the same again."""
    generator = torch.Generator().manual_seed(0)
    head = CosFace(8, 30, generator=generator)
    z, labels = torch.randn(50, 8, generator=generator), torch.arange(50) % 30
    for share in (0.0, 0.37, 1.0):
        z.grad = None
        results = []
        for new in (True, False):
            one = z.clone().requires_grad_()
            head.zero_grad()
            if new:
                logits = head(one, labels, share)
            else:
                cosines = functional.normalize(one) @ functional.normalize(head.centres).T
                hot = functional.one_hot(labels, 30).to(one.dtype)
                logits = head.scale * (cosines - share * head.margin * hot)
            functional.cross_entropy(logits, labels).backward()
            results.append((logits, one.grad, head.centres.grad.clone()))
        for mine, theirs in zip(*results, strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize(
    ("length", "margin"), [(1, 0.45), (10, 0.45), (60, 0.625), (110, 0.8), (1e4, 0.8)]
)
def test_magface_by_hand(length: float, margin: float) -> None:
    head = MagFace(2, 2)
    assert score(head, 0.7, length).item() == pytest.approx(math.cos(0.7 + margin), abs=1e-9)
    assert score(head, 2.0, length).item() == pytest.approx(math.cos(2.0), abs=1e-9)
    clamped = min(max(length, 10), 110)
    z = torch.tensor([[length, 0.0], [3.0, 4.0]], dtype=torch.float64)
    reward = head.regulariser(z, torch.tensor([True, False]))
    assert reward.item() == pytest.approx(35 * (1 / clamped + clamped / 110**2))


def test_magface_with_one_margin_is_easy_arcface() -> None:
    head = MagFace(2, 2, margins=(0.5, 0.5), strength=0)
    for theta in (0.0, 0.3, 1.5, 1.6, 3.0):
        z = torch.tensor([[20 * math.cos(theta), 20 * math.sin(theta)]], dtype=torch.float64)
        other = ArcFace(2, 2, beyond="easy").double()
        head = head.double()
        other.load_state_dict(head.state_dict())
        labels = torch.tensor([0])
        torch.testing.assert_close(head.loss(z, labels), other.loss(z, labels))


def test_magface_rewards_length_least_at_its_end() -> None:
    head = MagFace(2, 2)
    lengths = torch.linspace(10, 110, 400, dtype=torch.float64)
    rewards = [head.regulariser(torch.tensor([[a, 0.0]]), torch.tensor([True])) for a in lengths]
    assert all(a > b for a, b in zip(rewards, rewards[1:], strict=False))


def slope_at_the_shortest(strength: float, theta: float) -> float:
    """How the loss changes with the length of an embedding of the least length."""
    head = MagFace(2, 2)
    head.strength = strength
    with torch.no_grad():
        head.double().centres.copy_(torch.tensor([[1.0, 0.0], [math.cos(1.5), math.sin(1.5)]]))
    length = torch.tensor(10.0 + 1e-9, dtype=torch.float64, requires_grad=True)
    z = length * torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    head.loss(z, torch.tensor([0])).loss.backward()
    return length.grad.item()


@settings(max_examples=50)
@given(theta=st.floats(0.01, math.pi / 2 - 0.01))
def test_from_the_least_strength_on_every_embedding_may_grow(theta: float) -> None:
    least = least_strength(64, (10, 110), (0.45, 0.8))
    assert slope_at_the_shortest(least, theta) <= 1e-9
    assert slope_at_the_shortest(0.9 * least, 1.1) > 0


@pytest.mark.parametrize(
    ("scale", "lengths", "margins", "least"),
    [
        (64, (10, 110), (0.45, 0.8), 22.587),
        (64, (1, 51), (0.45, 1), 0.70427),
        (9, (1, 2), (1, 1), 0),
    ],
)
def test_least_strength_by_hand(
    scale: float, lengths: tuple, margins: tuple, least: float
) -> None:
    assert least_strength(scale, lengths, margins) == pytest.approx(least, rel=1e-4)


def adaface(quality: float) -> tuple[AdaFace, float]:
    """A head, and the length at which it finds that quality."""
    head = AdaFace(2, 2, concentration=1.0).double().eval()
    head.length_mean.fill_(40.0)
    head.length_spread.fill_(10.0 - 1e-3)
    return head, 40.0 + 10.0 * quality


@settings(max_examples=50)
@given(theta=st.floats(0.5, 2.7), share=st.floats(0, 1))
def test_adaface_turns_from_arcface_to_cosface_to_twice_the_cosine(
    theta: float, share: float
) -> None:
    m = share * 0.4
    head, length = adaface(-1)
    arcface = score(ArcFace(2, 2, margin=0.4), theta, share=share).item()
    assert score(head, theta, length, share).item() == pytest.approx(arcface, abs=1e-9)
    head, length = adaface(0)
    cosface = score(CosFace(2, 2, margin=0.4), theta, share=share).item()
    assert score(head, theta, length, share).item() == pytest.approx(cosface, abs=1e-9)
    head, length = adaface(1)
    best = math.cos(theta - m) - 2 * m
    assert score(head, theta, length, share).item() == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(
    ("theta", "quality", "wanted"),
    [
        (0.0, 0, math.cos(EDGE) - 0.4),  # the cosine is clamped
        (math.pi, 0, -math.cos(EDGE) - 0.4),
        (0.1, 1, math.cos(1e-3) - 0.8),  # the angle is: 0.1 - 0.4 < 0.001
        (math.pi, -1, -math.cos(1e-3)),  # pi - 0.045 + 0.4 > pi - 0.001
        (1.0, 30, math.cos(0.6) - 0.8),  # the length is clamped to 100, the quality to 1
        (1.0, -30, math.cos(1.4)),  # negative lengths are positive ones on the other side
    ],
)
def test_adaface_at_its_clamps(theta: float, quality: float, wanted: float) -> None:
    head, length = adaface(quality)
    if length < 0:
        length = 1e-9
    assert score(head, theta, length).item() == pytest.approx(wanted, abs=1e-9)
    others = head(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert others[0, 0].item() == pytest.approx(head.scale * (1 - 1e-3))


def test_adaface_clamps_lengths_before_it_counts_them() -> None:
    head = AdaFace(2, 2, momentum=1.0).double()
    z = torch.tensor([[3e5, 0.0], [0.0, 0.0], [0.0, 7.0]], dtype=torch.float64)
    head(z, torch.zeros(3, dtype=torch.int64))
    lengths = torch.tensor([100, 1e-3, 7.0], dtype=torch.float64)
    assert head.length_mean.item() == pytest.approx(lengths.mean().item())
    assert head.length_spread.item() == pytest.approx(lengths.std(correction=1).item())


def test_adaface_counts_a_batch_before_its_margin_and_only_in_training() -> None:
    head = AdaFace(2, 2, margin=0.4, concentration=0.333, momentum=0.01).double()
    with torch.no_grad():
        head.centres.copy_(torch.eye(2))
    lengths, mean, spread = [30.0, 50.0], 20.0, 100.0
    z = torch.tensor([[a * math.cos(1.0), a * math.sin(1.0)] for a in lengths]).double()
    for _ in range(3):
        logits = head(z, torch.zeros(2, dtype=torch.int64))
        mean = 0.01 * 40 + 0.99 * mean
        spread = 0.01 * math.sqrt(200) + 0.99 * spread
        for i, length in enumerate(lengths):
            quality = 0.333 * (length - mean) / (spread + 1e-3)
            wanted = math.cos(1.0 - 0.4 * quality) - 0.4 - 0.4 * quality
            assert logits[i, 0].item() == pytest.approx(64 * wanted, rel=1e-6)
    head.eval()(z, torch.zeros(2, dtype=torch.int64))
    assert head.length_mean.item() == pytest.approx(mean)
    head.train()(z[:1], torch.zeros(1, dtype=torch.int64))  # one alone has no spread
    assert head.length_mean.item() == pytest.approx(mean)
    assert math.isfinite(head.length_spread.item())


def test_adaface_passes_no_gradient_through_lengths() -> None:
    head, length = adaface(0.3)
    z = torch.tensor([[length * 0.6, length * 0.8]], dtype=torch.float64, requires_grad=True)
    head.loss(z, torch.tensor([0])).loss.backward()
    assert (z.grad * z).sum().item() == pytest.approx(0, abs=1e-9)
    other = MagFace(2, 2).double()
    z = z.detach().requires_grad_()
    other.loss(z, torch.tensor([0])).loss.backward()
    assert abs((z.grad * z).sum().item()) > 1e-3

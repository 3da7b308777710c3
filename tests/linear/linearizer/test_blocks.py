"""Every block obeys its law: inverses undo, pseudo-inverses obey Penrose; so do flows."""

import copy
from collections.abc import Callable

import pytest
import torch
from linear.linearizer.members import (
    BIJECTIVE,
    IMAGE,
    MEMBERS,
    ROW,
    SURJECTIVE,
    check_told,
    draw,
    every_member,
    gap,
    member,
    state,
)
from torch import Tensor
from torch.autograd.functional import jacobian  # torch.func takes seconds to load

from forget.errors import FlowError
from forget.linear.linearizer.blocks import ActNorm, Flatten, Invertible, Mixing, Squeeze
from forget.linear.linearizer.couplings import Additive, Affine, Surjection
from forget.linear.linearizer.flows import BLOCKS, image_surjection, vector_flow

# Relative to the largest entry. Far from what was seen, the slope of x exp(s(x)) grows with x.
PRECISION = {torch.float64: 1e-10, torch.float32: 1e-4}
PRECISION_FAR = {torch.float64: 1e-10, torch.float32: 1e-2}

every_dtype = pytest.mark.parametrize("dtype", PRECISION, ids=["float64", "float32"])


def test_the_members_hold_every_block() -> None:
    made = {make().block for make, _ in MEMBERS.values()}
    assert made == set(BLOCKS) and SURJECTIVE and BIJECTIVE


@every_dtype
@pytest.mark.parametrize("scale", [1, 10], ids=["seen", "ten times larger"])
@pytest.mark.parametrize("name", BIJECTIVE)
@torch.no_grad()
def test_inverse_undoes_forward(name: str, scale: int, dtype: torch.dtype) -> None:
    block, x = member(name, dtype)
    y = block(scale * x)
    precision = (PRECISION if scale == 1 else PRECISION_FAR)[dtype]
    assert gap(block.inverse(y), scale * x) < precision


@every_dtype
@every_member
@torch.no_grad()
def test_forward_undoes_inverse_for_edited_latents(name: str, dtype: torch.dtype) -> None:
    block, x = member(name, dtype)
    y = block(x)
    edited = y.flatten(1) - y.flatten(1).roll(1, dims=0) / 2  # no longer in the image of faces
    edited = edited.reshape(y.shape)
    assert gap(block(block.inverse(edited)), edited) < PRECISION[dtype]


@every_dtype
@pytest.mark.parametrize("scale", [1, 10])
@pytest.mark.parametrize("name", SURJECTIVE)
@torch.no_grad()
def test_a_surjection_obeys_the_first_two_penrose_identities(
    name: str, scale: int, dtype: torch.dtype
) -> None:
    g, x = member(name, dtype)
    x = scale * x
    precision = (PRECISION if scale == 1 else PRECISION_FAR)[dtype]
    y = g(x)
    z = y.std() * draw(tuple(y.shape[1:]), dtype, seed=5)
    assert gap(g(g.inverse(y)), y) < precision
    assert gap(g(g.inverse(z)), z) < precision
    assert gap(g.inverse(g(g.inverse(z))), g.inverse(z)) < precision
    assert gap(g.inverse(y), x) > 0.01  # something was dropped


@pytest.mark.parametrize("name", SURJECTIVE)
@torch.no_grad()
def test_any_guess_gives_a_pseudo_inverse_and_the_map_does_not_change(name: str) -> None:
    g, x = member(name)
    y, preimage = g(x), g.inverse(g(x))
    guesses = [part.guess for part in g.modules() if isinstance(part, Surjection)]
    for parameter in [p for guess in guesses for p in guess.parameters()]:
        parameter.add_(0.1)
    assert torch.equal(g(x), y)
    assert gap(g.inverse(y), preimage) > 0.01
    assert gap(g(g.inverse(y)), y) < 1e-10


@every_member
def test_the_same_settings_give_the_same_weights_and_leave_the_global_generator(
    name: str,
) -> None:
    make, _ = MEMBERS[name]
    before = torch.random.get_rng_state()
    one, other = state(make()), state(make())
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(77)
    assert all(torch.equal(one[key], value) for key, value in state(make()).items())
    assert one.keys() == other.keys()
    torch.random.set_rng_state(before)


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: vector_flow(6, 2, seed=seed),
        lambda seed: image_surjection(1, 4, 4, (2,), 6, seed=seed),
        lambda seed: Mixing(6, seed),
        lambda seed: Additive(6, seed=seed),
    ],
)
def test_another_seed_gives_other_weights(make: Callable[[int], Invertible]) -> None:
    one, other = state(make(0)), state(make(1))
    drawn = [key for key in one if key.endswith("base") or one[key].ndim > 1 and one[key].any()]
    changed = [key for key in drawn if not torch.equal(one[key], other[key])]
    assert changed
    assert [key for key in drawn if key.endswith("base")] == [
        key for key in changed if key.endswith("base")
    ]


@every_member
def test_a_copy_is_equal_and_apart(name: str) -> None:
    block, x = member(name)
    copied = copy.deepcopy(block)
    y = block(x)
    assert torch.equal(copied(x), y) and copied.config == block.config
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(0.5)
    assert torch.equal(block(x), y)


@every_member
def test_gradients_reach_every_parameter_of_map_and_inverse(name: str) -> None:
    block, x = member(name)
    parameters = dict(block.named_parameters())
    y = block(x)
    preimage = block.inverse(torch.sin(3 * y.detach()))
    for out, expected in (
        (y, {name for name in parameters if "guess" not in name}),
        (preimage, set(parameters)),
    ):
        block.zero_grad()
        if parameters:
            (out * draw(tuple(out.shape[1:]), seed=4)).sum().backward()
        reached = {n for n, p in parameters.items() if p.grad is not None and p.grad.any()}
        assert reached == expected


@every_member
def test_fresh_maps_are_orthogonal(name: str) -> None:
    make, shape = MEMBERS[name]
    block = make().double().eval()
    x = draw(shape)[0]

    def flat(v: Tensor) -> Tensor:
        return block(v.reshape(1, *shape)).flatten()

    matrix = jacobian(flat, x.flatten())
    torch.testing.assert_close(
        matrix @ matrix.T, torch.eye(len(matrix), dtype=x.dtype), atol=1e-5, rtol=0
    )
    y = block(x[None])
    preimage = block.inverse(y).flatten()  # then the pseudo-inverse is Moore and Penrose's
    torch.testing.assert_close(preimage, matrix.T @ y.flatten(), atol=1e-5, rtol=0)


def test_additive_coupling_equals_its_formula() -> None:
    block, x = member("additive rows, swapped")
    expected = torch.cat((x[:, :3] + block.conditioner(x[:, 3:]), x[:, 3:]), dim=1)
    torch.testing.assert_close(block(x), expected)


def test_affine_scales_stay_within_the_clamp() -> None:
    block, x = member("affine rows")
    far = 1e3 * x
    y = block(far)
    assert torch.equal(y[:, :3], far[:, :3])
    moved = far.clone()
    moved[:, 3:] += 1
    scales = (block(moved) - y)[:, 3:]
    assert scales.max() < 2.7183 and scales.min() > 0.3678
    assert scales.max() > 2.5  # the clamp was reached


def test_mixing_is_a_rotation_even_under_weight_decay() -> None:
    mixing = Mixing(6)
    first = mixing.weight.detach().clone()
    eye = torch.eye(6)
    assert torch.linalg.det(first) > 0
    step = torch.optim.AdamW(mixing.parameters(), lr=0.1, weight_decay=0.5)
    x = draw((6,), torch.float32)
    mixing(x)[:, 0].mean().backward()
    step.step()
    torch.testing.assert_close(mixing.weight @ mixing.weight.T, eye)
    assert gap(mixing.weight.detach(), first) > 0.01
    assert gap(mixing.inverse(mixing(x)).detach(), x) < 1e-5


@pytest.mark.parametrize("channels", [1, 2, 512])
def test_mixing_begins_as_a_rotation_of_any_size(channels: int) -> None:
    weight = Mixing(channels, seed=1).weight.detach().double()
    sign, size = torch.linalg.slogdet(weight)
    assert sign == 1
    assert abs(size) < 1e-3
    torch.testing.assert_close(weight @ weight.T, torch.eye(channels).double(), atol=1e-5, rtol=0)


def test_mixing_mixes_images_as_it_mixes_rows_and_takes_an_assigned_rotation() -> None:
    mixing = Mixing(5)
    x = draw(IMAGE, torch.float32)
    torch.testing.assert_close(mixing(x)[:, :, 1, 2], mixing(x[:, :, 1, 2]))
    wanted = torch.eye(5).roll(1, dims=0)
    mixing.weight = wanted
    torch.testing.assert_close(mixing(x), x.roll(1, dims=1))


def test_squeeze_gathers_squares() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert Squeeze()(x)[0, :, 0, 1].tolist() == [2.0, 3.0, 6.0, 7.0]


@pytest.mark.parametrize("shape", [ROW, IMAGE])
def test_actnorm_is_the_identity_until_its_first_training_batch(shape: tuple[int, ...]) -> None:
    norm = ActNorm(shape[0]).double()
    x = 3 * draw(shape) - 2
    axes = [axis for axis in range(x.ndim) if axis != 1]
    assert torch.equal(norm.eval()(x), x)
    assert torch.equal(norm.train().inverse(x), x)
    assert not norm.initialised
    y = norm(x)
    assert norm.initialised
    zero, one = torch.zeros(shape[0], dtype=x.dtype), torch.ones(shape[0], dtype=x.dtype)
    torch.testing.assert_close(y.mean(axes), zero)
    torch.testing.assert_close(y.std(axes, correction=0), one)
    torch.testing.assert_close(norm(x + 1).mean(axes), 1 / x.std(axes, correction=0))


def test_actnorm_scales_stay_away_from_zero() -> None:
    norm = ActNorm(2)
    x = torch.tensor([[1.0, 1e9], [1.0, -1e9]])
    norm(x)
    with torch.no_grad():
        assert norm(x).isfinite().all()
        unit = norm(x + torch.tensor([1.0, 1e7])) - norm(x)
        assert 1 < unit[0, 0] <= 100 and unit[0, 1] >= 1e5 * 0.99
        norm.stretch.copy_(torch.tensor([-1e6, 1e6]))
        unit = norm(torch.ones(1, 2) + norm.shift) - norm(norm.shift[None])
    torch.testing.assert_close(unit, torch.tensor([[0.01, 100.0]]), rtol=1e-2, atol=0)


@pytest.mark.parametrize("batch", [torch.ones(1, 3), torch.full((4, 3), torch.nan)])
def test_actnorm_refuses_a_batch_that_says_nothing(batch: Tensor) -> None:
    norm = ActNorm(3)
    with pytest.raises(FlowError, match="2 finite values"):
        norm(batch)
    assert not norm.initialised and not norm.shift.any()


@pytest.mark.parametrize(
    ("wrong", "expected", "got"),
    [
        (lambda: Affine(4, alpha=1.5), "at most 1", "1.5"),
        (lambda: Surjection(4, 2, alpha=0.0), "above 0", "0.0"),
        (lambda: Additive(4, hidden=0), "at least 1 hidden", "0"),
        (lambda: Mixing(0), "at least 1 channels", "0"),
        (lambda: Surjection(4, 4), "between 1 and 3", "4"),
        (lambda: Squeeze()(torch.zeros(1, 1, 3, 4)), "even height and width", "(1, 3, 4)"),
        (lambda: Squeeze().inverse(torch.zeros(1, 6, 2, 2)), "multiple of 4", "(6, 2, 2)"),
        (lambda: Mixing(4)(torch.zeros(2, 5)), "rows (4,) or images (4, h, w)", "(5,)"),
        (lambda: Affine(4)(torch.zeros(2, 4, 2, 2)), "rows (4,)", "(4, 2, 2)"),
        (lambda: Affine(4, image=True)(torch.zeros(2, 4)), "images (4, h, w)", "(4,)"),
        (lambda: Surjection(4, 2).inverse(torch.zeros(2, 4)), "rows (2,)", "(4,)"),
        (lambda: Flatten((1, 2, 2))(torch.zeros(1, 1, 2, 3)), "(1, 2, 2)", "(1, 2, 3)"),
    ],
)
def test_errors_say_what_was_expected_what_came_and_what_to_do(
    wrong: Callable[[], object], expected: str, got: str
) -> None:
    check_told(wrong, expected, got)

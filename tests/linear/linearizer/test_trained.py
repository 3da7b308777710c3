"""Maps that were trained in float32 obey the algebra in float64, before and after forgetting."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

import forget
from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import CheckpointError, ForgetError
from forget.linear.backbone import backbone_of
from forget.linear.feature_map import Penultimate
from forget.linear.grid import Grid
from forget.linear.heads import Wccn
from forget.linear.linearizer import objective
from forget.linear.linearizer.algebra import Linearizer
from forget.linear.linearizer.couplings import Additive, Surjection
from forget.linear.linearizer.features import LEVELS, LinearizerFeatures, student_input
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.model import LinearModel
from forget.linearizations import train_maps, training_part
from forget.models.checkpoint import TrainingRecord
from forget.models.embedder import Embedder
from forget.pretrained import load_feature_map

RECORD = TrainingRecord(frozenset(["s01", "s02"]), frozenset())
CLOSE = {"rtol": 1e-8, "atol": 1e-8}


@cache
def faces() -> FaceDataset:
    orl = forget.load_faces("orl")
    return replace(orl.only(orl.identities[:6]), core=("s01", "s02"))


@cache
def network() -> Embedder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Embedder(width=4, dimension=16).eval()


def train(level: str, steps: int = 6, **settings: float) -> LinearizerFeatures:
    backbone = backbone_of(network())
    core = faces().images[split_by_identity(faces()).train_of(faces().core)]
    batches = backbone.prepare(core).split(7)
    told = LinearizerSettings(
        level=level, couplings=2, keep=(2, 3, 4), dimension=20, bank=14, **settings
    )
    return train_linearizer(backbone, lambda epoch: batches * 3, steps, RECORD, told)


@cache
def fitted(level: str) -> LinearModel:
    return LinearModel.fit(train(level), split_by_identity(faces()), Sandwich(1.0, 1e-2))


@cache
def forgotten(level: str) -> LinearModel:
    return forget.unlearn(fitted(level), faces(), ["s05"]).model


@cache
def inputs(level: str) -> Tensor:
    view = backbone_of(network()).prepare(faces().images[::7])
    with torch.no_grad():
        return student_input(backbone_of(network()), level, view).double()


STATES: dict[str, Callable[[str], LinearModel]] = {"fitted": fitted, "forgotten": forgotten}


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def f(level: str, state: str) -> Linearizer:
    model = STATES[state](level)
    return model.feature_map.linearizer(model.head, torch.float64)


@pytest.fixture
def x(level: str) -> Tensor:
    return inputs(level)


@pytest.fixture
def y(f: Linearizer, x: Tensor) -> Tensor:
    return f(x.flip(0)) + 0.1


def test_superposition_induced_sums_and_multiples(f: Linearizer, x: Tensor) -> None:
    u, v, w = x[:2], x[2:4], x[4:6]
    space, out = f.inputs, f.outputs
    torch.testing.assert_close(f(space.add(u, v)), out.add(f(u), f(v)), **CLOSE)
    torch.testing.assert_close(f(space.scale(-2.5, u)), out.scale(-2.5, f(u)), **CLOSE)
    sums = space.add(space.add(u, v), w), space.add(u, space.add(v, w))
    torch.testing.assert_close(*sums, **CLOSE)
    thrice = space.scale(3.0, space.scale(2.0, u)), space.scale(6.0, u)
    torch.testing.assert_close(*thrice, **CLOSE)
    product = space.inner(space.add(u, v), w), space.inner(u, w) + space.inner(v, w)
    torch.testing.assert_close(*product, **CLOSE)


def test_compositions_take_one_step(level: str, f: Linearizer, x: Tensor) -> None:
    other = replace(f, g_x=f.g_y, operator=f.operator[:, : len(f.operator)] / 2)
    torch.testing.assert_close(f.then(other)(x), other(f(x)), **CLOSE)
    torch.testing.assert_close(other.power(2)(f(x)), other(other(f(x))), **CLOSE)
    before = fitted(level).feature_map.linearizer(fitted(level).head, torch.float64)
    back = before.pinv()  # the maps are the same ones, whoever is in the operator
    torch.testing.assert_close(f.then(back)(x), back(f(x)), **CLOSE)


def test_the_adjoint_moves_over(f: Linearizer, x: Tensor, y: Tensor) -> None:
    left, right = f.outputs.inner(f(x), y), f.inputs.inner(x, f.adjoint()(y))
    torch.testing.assert_close(left, right, **CLOSE)


def test_the_pseudo_inverse_satisfies_all_four_of_penrose(
    f: Linearizer, x: Tensor, y: Tensor
) -> None:
    back = f.pinv()
    torch.testing.assert_close(f(back(f(x))), f(x), **CLOSE)
    torch.testing.assert_close(back(f(back(y))), back(y), **CLOSE)
    for space, points, both in (
        (f.inputs, x, lambda one: back(f(one))),
        (f.outputs, y, lambda one: f(back(one))),
    ):
        left, right = points[:3], points[3:6]
        torch.testing.assert_close(
            space.inner(both(left), right), space.inner(left, both(right)), **CLOSE
        )


def test_singular_vectors_are_points(f: Linearizer) -> None:
    left, values, right = f.svd()
    torch.testing.assert_close(f(right), f.outputs.scale(values, left), **CLOSE)
    for space, points in ((f.inputs, right), (f.outputs, left)):
        gram = space.g(points) @ space.g(points).T
        torch.testing.assert_close(gram, torch.eye(len(points), dtype=gram.dtype), **CLOSE)


def test_a_projection_is_idempotent(f: Linearizer, x: Tensor) -> None:
    basis = f.g_x(x[:2]).T
    once = f.without(basis)
    torch.testing.assert_close(once.without(basis)(x), once(x), **CLOSE)
    nothing = f.g_y.inverse(torch.zeros(2, len(f.operator), dtype=torch.float64))
    torch.testing.assert_close(once(x[:2]), nothing, **CLOSE)


def test_in_float32_a_trained_map_is_undone_to_four_digits(level: str) -> None:
    made = fitted(level).feature_map
    f = made.linearizer(fitted(level).head)
    assert f.operator.dtype == torch.float32 and f.g_x is made.g_x
    x = inputs(level).float()
    for g, z in ((f.g_x, f.g_x(x)), (f.g_y, f.g_x(x) @ f.operator.T)):
        assert (g(g.inverse(z)) - z).abs().max() / z.abs().max() < 1e-4
    y = f(x)
    assert (f.g_y.inverse(f.g_y(y)) - y).abs().max() / y.abs().max() < 1e-4


def test_operators_of_one_precision_share_their_maps(level: str) -> None:
    made, head = fitted(level).feature_map, fitted(level).head
    one, other = made.linearizer(head, torch.float64), made.linearizer(head, torch.float64)
    assert one.g_x is other.g_x and one.operator.dtype == torch.float64
    assert made.g_x.mean.dtype == torch.float32  # the features stay as they were
    with pytest.raises(ForgetError, match="float32 or torch.float64"):
        made.linearizer(head, torch.float16)
    with pytest.raises(ForgetError, match="a head with an operator"):
        made.linearizer(
            LinearModel.fit(
                Penultimate(network(), RECORD), split_by_identity(faces()), Wccn(1e-3)
            ).head
        )


def test_the_inverse_of_a_gauge_can_be_differentiated_wherever_it_was_used_first() -> None:
    made = train("embedding", steps=0)
    z = made.g_x(inputs("embedding").float())
    with torch.inference_mode():
        made.g_x.inverse(z)
    latents = z.clone().requires_grad_()
    made.g_x.inverse(latents).sum().backward()
    assert latents.grad is not None and latents.grad.isfinite().all()


def test_the_share_of_the_core_that_was_clipped_is_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LinearizerFeatures, "grid", Grid(bits=15, scale=1.0))
    made = train("embedding", steps=0)
    core = faces().images[split_by_identity(faces()).train_of(faces().core)][:14]
    latents = made.features(core)
    assert made.clipped["latents"] == pytest.approx(made.grid.clipped_share(latents), abs=0.02)
    assert 0.01 < made.clipped["latents"] < 1
    config, tensors = made.parts
    assert LinearizerFeatures.from_parts(config, tensors, RECORD).clipped == made.clipped
    for wrong in ({}, {"g_x": 1.5, "g_y": 0.0}, {"g_x": "0", "g_y": 0.0}):
        with pytest.raises(CheckpointError):
            LinearizerFeatures.from_parts({**config, "clipped": wrong}, tensors, RECORD)


def test_a_file_with_an_inverse_beside_its_whitener_is_foreign() -> None:
    config, tensors = fitted("embedding").feature_map.parts
    assert not [name for name in tensors if "colourer" in name]
    older = {**tensors, "g_x/colourer": np.linalg.inv(tensors["g_x/whitener"])}
    with pytest.raises(CheckpointError):
        LinearizerFeatures.from_parts(config, older, RECORD)


def test_a_small_bank_leaves_added_people_on_the_grid(orl: FaceDataset) -> None:
    core = training_part(orl, orl.core)
    made = train_maps(load_feature_map(), core, LinearizerSettings(bank=64), 0, 48)
    assert made.space.dimension > 64
    added = orl.images[np.concatenate([orl.of(person) for person in orl.added])]
    latents = made.features(added)
    assert made.grid.clipped_share(latents) < 1e-3
    assert 0.5 < np.sqrt(np.mean(latents**2)) < 2  # nor was the grid made too coarse for them
    assert np.mean(np.abs(made.targets(added)) == made.grid.limit) < 1e-3


@pytest.mark.parametrize(
    ("level", "block"), [("embedding", Additive), ("image", Surjection)], ids=LEVELS
)
def test_a_bank_goes_through_the_maps_in_parts(
    level: str, block: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(level, steps=0)
    seen: list[int] = []
    plain = block._apply_to

    def watched(self: torch.nn.Module, x: Tensor) -> Tensor:
        seen.append(len(x))
        return plain(self, x)

    monkeypatch.setattr(objective, "PART", 4)
    monkeypatch.setattr(block, "_apply_to", watched)
    parts = train(level, steps=0)
    assert max(seen) == 4
    for one, other in zip(whole.parts[1].items(), parts.parts[1].items(), strict=True):
        assert one[0] == other[0]
        np.testing.assert_allclose(other[1], one[1], rtol=1e-4, atol=1e-4)
    seen.clear()
    train(level, steps=2, every=1)
    assert max(seen) == 7  # a batch, never the bank of 14


@pytest.mark.parametrize(("steps", "warm"), [(5, 0.2), (1, 1.0), (1, 0.0), (2, 0.5), (3, 1.0)])
def test_any_number_of_steps_can_be_warmed_up(steps: int, warm: float) -> None:
    made = train("embedding", steps=steps, warm=warm)
    assert np.isfinite(made.features(faces().images[:2])).all()

"""Laws of the tangent space of a classifier: one displacement, solved, subtracted, proved."""

from functools import cache

import numpy as np
import pytest
import torch

from forget.data.load import load_images
from forget.data.partition import Partition, by_index
from forget.errors import ForgetError, StatisticsError
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.linear.proof import prove
from forget.linear.readout import Measured
from forget.linear.tangent.displacement import Displacement, newton_step
from forget.linear.tangent.features import TangentSettings
from forget.linear.tangent.gradients import projected_gradients
from forget.linear.tangent.labels import TangentLabels, fit_tangent_labels, tangent_logits
from forget.methods.subtract import subtract
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier, build
from forget.recipe import Recipe, fit
from forget.training import accelerate

RULE = Displacement(1.0)
CORE, ADDED = 400, 300


@cache
def split() -> Partition:
    data = load_images("digits")
    return by_index(data, data.train[CORE : CORE + 40], "some added images")


@cache
def network() -> Classifier:
    config = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}
    data = split().data
    return fit(config, data, data.train[:CORE], Recipe(epochs=3, rate=0.02), accelerate("cpu"))


@cache
def features() -> TangentLabels:
    data = split().data
    core = data.train[:CORE]
    record = TrainingRecord(frozenset(), frozenset(data.hashes_of(core)))
    settings = TangentSettings(rank=6, depth=3)
    return TangentLabels.fit(network(), data.images[core], data.labels[core], record, settings)


def added() -> np.ndarray:
    return split().data.train[CORE : CORE + ADDED]


@cache
def measured() -> Measured:
    return features().measure(split().data.images[added()])


@cache
def model() -> LinearModel:
    return fit_tangent_labels(features(), split().data, measured(), added(), RULE)


def test_the_displacement_is_the_dense_least_squares_solution() -> None:
    space = features().space
    z = space.grid.real(measured().rows.reshape(-1, space.dimension))
    labels = split().data.labels[added()]
    t = space.target_grid.real(features().lacking(measured().values, labels)).reshape(-1, 1)
    stacked = np.concatenate([z, np.sqrt(RULE.ridge) * np.eye(z.shape[1])])
    wanted = np.concatenate([t, np.zeros((z.shape[1], 1))])
    theta = np.linalg.lstsq(stacked, wanted, rcond=None)[0]
    np.testing.assert_allclose(model().head.theta, theta, rtol=1e-7, atol=1e-9)
    logits = tangent_logits(model(), measured())
    np.testing.assert_allclose(
        logits, measured().values + (z @ theta).reshape(logits.shape), rtol=1e-9, atol=1e-6
    )


def test_rows_are_the_gradients_of_all_centred_outputs() -> None:
    some = split().data.images[added()[:5]]
    found = features().measure(some)
    space, of = features().space, features()
    view = torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255
    values, gradients = projected_gradients(
        of._network, of._network, view, of._subspace, torch.eye(10) - 0.1
    )
    np.testing.assert_allclose(found.values, values, atol=1e-5)
    apart = np.abs(space.grid.real(found.rows) - gradients.numpy())
    assert apart.max() <= 1.01 * space.grid.scale / 2**15


def test_targets_are_the_contrast_less_what_the_network_says() -> None:
    labels = split().data.labels[added()]
    wanted = features().space.target_grid.real(features().lacking(measured().values, labels))
    reached = measured().values + wanted[:, :, 0]
    expected = features().contrast * (np.eye(10)[labels] - 0.1)
    step = features().space.target_grid.scale / 2**15
    assert np.abs(reached - expected).max() <= 0.51 * step
    np.testing.assert_allclose(measured().values.mean(1), 0, atol=1e-5)


def test_forgetting_equals_a_fit_without_the_images_bit_for_bit() -> None:
    after = subtract(model(), split())
    kept = ~np.isin(added(), split().forget)
    left = measured()[kept]
    again = fit_tangent_labels(features(), split().data, left, added()[kept], RULE)
    assert after.model.statistics.digest() == again.statistics.digest()
    assert head_gap(after.model.head, again.head) == 0.0
    assert prove(after.model).holds
    assert (after.guarantee.kind, after.guarantee.scope) == ("exact", "model")
    assert after.model.statistics.digest() != model().statistics.digest()


def test_a_newton_step_lands_on_the_minimiser_of_what_is_left() -> None:
    after = subtract(model(), split()).model
    gone = np.isin(added(), split().forget)
    space = features().space
    rows = space.grid.real(measured().rows[gone].reshape(-1, space.dimension))
    labels = split().data.labels[added()[gone]]
    lacking = space.target_grid.real(features().lacking(measured().values[gone], labels))
    step = newton_step(model().head, after.statistics, rows, lacking.reshape(-1, 1), RULE.ridge)
    np.testing.assert_allclose(step, after.head.theta, rtol=1e-8, atol=1e-10)
    assert not np.allclose(model().head.theta, after.head.theta)


def test_core_images_are_forgotten_by_the_readout_only() -> None:
    data = split().data
    both = data.train[: CORE + 50]
    fitted = fit_tangent_labels(
        features(), data, features().measure(data.images[both]), both, RULE
    )
    some = by_index(data, data.train[:3], "three core images")
    guarantee = subtract(fitted, some).guarantee
    assert (guarantee.kind, guarantee.scope) == ("exact", "readout")


def test_it_learns_from_the_added_images() -> None:
    """On the images it was fitted on, and on held-out ones no worse than the network alone."""
    data = split().data
    labels = data.labels[added()]
    before = (measured().values.argmax(1) == labels).mean()
    after = (tangent_logits(model(), measured()).argmax(1) == labels).mean()
    assert after > before
    test = features().measure(data.images[data.test])
    of = data.labels[data.test]
    alone = (test.values.argmax(1) == of).mean()
    assert (tangent_logits(model(), test).argmax(1) == of).mean() >= alone - 0.01


def test_rows_lie_inside_the_grid_and_progress_is_told() -> None:
    told: list[int] = []
    some = features().measure(
        split().data.images[added()[:70]], lambda done, total, note="": told.append(done)
    )
    assert told == [64, 70]
    assert np.mean(np.abs(some.rows) == features().grid.limit) < 1e-3
    assert len(features().measure(split().data.images[:0]).values) == 0


def test_its_linear_part_alone_refuses_to_predict() -> None:
    with pytest.raises(ForgetError, match="Ask the model of labels"):
        model().predict(split().data.images[:2])


def test_what_cannot_be_fitted_is_told() -> None:
    data = split().data
    with pytest.raises(ForgetError, match="core images"):
        TangentLabels.fit(network(), data.images[:0], data.labels[:0], None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fresh = build(network().config)
    worst = fresh.eval()(torch.zeros(1, 1, 8, 8)).argmin().item()
    with pytest.raises(ForgetError, match="tells the classes"):
        TangentLabels.fit(fresh, np.zeros((2, 8, 8, 1), np.uint8), np.full(2, worst), None)
    with pytest.raises(StatisticsError, match="ridge above 0"):
        Displacement(0.0)

"""The contract of methods that take a network, tested over every one in the registry."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.data.partition import Partition, by_class, by_index
from forget.errors import ForgetError
from forget.linear.backbone import unit_rows
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.readout import Measured, fit_readout, readout_logits
from forget.methods.kl_uniform import KlUniform, kl_to_uniform
from forget.methods.registry import METHODS, NETWORK_METHODS, unlearn
from forget.methods.retrain import Retrain
from forget.methods.subtract import subtract
from forget.metrics.accuracy import judge
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier, build
from forget.progress import Cancelled
from forget.recipe import Recipe, fit, hidden_of, logits_of, to_input
from forget.training import Batch, accelerate
from forget.unlearning.contract import Kind, NetworkMethod, Scope, Unlearned
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import guarantee_images

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}
RECIPE = Recipe(epochs=2, batch=32)
NEWTON = ("tangent_step", "newton_cg")
# Settings with which two epochs on these few images move the numbers.
SETTINGS: dict[str, dict[str, float]] = {
    "finetune": {"rate": 0.01},
    "kl_uniform": {"rate": 0.01, "forget_rate": 0.01},
    "negative_gradient": {"rate": 0.003},
    "negative_gradient_plus": {"rate": 0.01, "weight": 0.05},
    "random_labels": {"rate": 0.02},
    "cf_k": {"rate": 0.01},
    "eu_k": {"rate": 0.05},
    "l1_sparse": {"rate": 0.02, "penalty": 1e-3},
    "bad_teacher": {"rate": 0.02, "share": 1.0},
    "scrub": {"rate": 0.01, "away": 1, "temperature": 2.0},
    "unsir": {"rate": 0.02, "impair_rate": 0.02},
    "ssd": {"alpha": 6.0},
    "lfssd": {"alpha": 3.0},
    "salun": {"rate": 0.02},
    "fisher": {"alpha": 8e-3},
    "influence": {"iterations": 20},
    "boundary": {"rate": 0.01},
    "sfr_on": {"rate": 0.01, "forget_rate": 0.01},
    "tangent_step": {"rounds": 2, "sample": 300, "rank": 16},
    "newton_cg": {"rounds": 2, "sample": 300, "iterations": 6},
}


def small(name: str) -> NetworkMethod:
    """A method with settings for a small problem."""
    if name == "retrain":
        return Retrain(RECIPE)
    method, settings = NETWORK_METHODS[name], SETTINGS.get(name, {})
    if isinstance(method, Descent):
        settings = {"epochs": 2, **settings}
    return replace(method, **settings)


SMALL = {name: small(name) for name in NETWORK_METHODS}
Results = Callable[[str], Unlearned]
DESCENTS = [name for name, method in SMALL.items() if isinstance(method, Descent)]
every_method = pytest.mark.parametrize("method", NETWORK_METHODS)


@pytest.fixture(scope="module")
def whole() -> Partition:
    """The digits, of which 5 and 7 are to be forgotten."""
    return by_class(load_images("digits"), ["5", "7"])


@pytest.fixture(scope="module")
def split(whole: Partition) -> Partition:
    """Half of them, which is enough for the laws of all methods."""
    parts = {**whole.data.parts, "train": whole.data.train[::2]}
    return by_class(replace(whole.data, parts=parts), ["5", "7"])


@pytest.fixture(scope="module")
def network(split: Partition) -> Classifier:
    """A network that was trained on all digits."""
    return fit(CONFIG, split.data, split.train, RECIPE, accelerate("cpu"))


@pytest.fixture(scope="module")
def able(whole: Partition) -> Classifier:
    """The same on all digits, trained until it names all of them."""
    return fit(CONFIG, whole.data, whole.train, replace(RECIPE, epochs=6), accelerate("cpu"))


@pytest.fixture(scope="module")
def trained(split: Partition) -> Classifier:
    """The same, trained until it fits its images, where a second-order step is worth most."""
    return fit(CONFIG, split.data, split.train, replace(RECIPE, epochs=15), accelerate("cpu"))


@pytest.fixture(scope="module")
def results(network: Classifier, split: Partition) -> Callable[[str], Unlearned]:
    """What each method makes of the network with seed 0; each runs once."""
    return cache(lambda method: SMALL[method](network, split))


def accuracy(network: Classifier, split: Partition, name: str) -> float:
    indices = split.sets[name]
    return judge(logits_of(network, split.data, indices), split.data.labels[indices]).accuracy


def same(one: Classifier, other: Classifier) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


@every_method
def test_input_untouched_same_seed_same_result_progress_to_its_total(
    method: str, network: Classifier, split: Partition
) -> None:
    before, steps = copy.deepcopy(network), []
    one = SMALL[method](
        network, split, 5, lambda done, total, note="": steps.append((done, total))
    )
    other = SMALL[method](network, split, 5)
    assert same(network, before)
    assert same(one.model, other.model)
    assert (one.model.config == network.config and same(one.model, network)) == (
        method == "original"
    )
    assert steps[-1][0] == steps[-1][1] == len(steps)
    assert one.seconds > 0
    assert one.guarantee.reason
    assert not one.model.training


@every_method
def test_cancel_passes(method: str, network: Classifier, split: Partition) -> None:
    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        SMALL[method](network, split, on_step=stop)


@every_method
def test_epochs_are_told_with_the_network_of_then(
    method: str, network: Classifier, split: Partition
) -> None:
    seen = []
    result = SMALL[method](
        network,
        split,
        on_epoch=lambda done, now: seen.append((done.epoch, copy.deepcopy(now).cpu())),
    )
    epochs = SMALL[method].epochs
    assert [epoch for epoch, _ in seen] == list(range(1, epochs + 1))
    assert not seen or same(seen[-1][1], result.model)
    assert result.detail["epochs"] == epochs


@every_method
def test_one_image_can_be_forgotten(method: str, network: Classifier, split: Partition) -> None:
    one = by_index(split.data, split.data.train[:1], "one image")
    assert torch.isfinite(next(SMALL[method](network, one).model.parameters())).all()


@pytest.mark.parametrize("method", [*DESCENTS, *NEWTON])
def test_settings_that_cannot_work_are_told(
    method: str, network: Classifier, split: Partition
) -> None:
    count = "rounds" if method in NEWTON else "epochs"
    for settings in ({count: -1}, {"batch": 0}):
        with pytest.raises(ForgetError, match=f"0 {count} or more"):
            replace(SMALL[method], **settings)
    assert same(replace(SMALL[method], **{count: 0})(network, split).model, network)


# Of a network that names nearly all digits: what two epochs leave of those to forget, at most,
# and keep of the others, at least, as the papers report. Fine-tuning in its forms does not forget.
MOVES: dict[str, tuple[float, float]] = {
    "retrain": (0.0, 0.9),
    "kl_uniform": (0.5, 0.9),
    "negative_gradient": (0.9, 0.8),
    "negative_gradient_plus": (0.7, 0.9),
    "random_labels": (0.1, 0.9),
    "eu_k": (0.1, 0.9),
    "bad_teacher": (0.1, 0.9),
    "scrub": (0.9, 0.9),
    "unsir": (0.1, 0.5),
    "ssd": (0.5, 0.5),
    "lfssd": (0.5, 0.8),
    "salun": (0.1, 0.9),
    "fisher": (0.99, 0.5),
    "influence": (0.99, 0.9),
    "boundary": (0.1, 0.9),
    "sfr_on": (0.95, 0.9),
    "tangent_step": (0.95, 0.9),
    "newton_cg": (0.95, 0.9),
    "certified": (0.5, 0.9),
    "kodge": (0.9, 0.9),
}
STAY = ("original", "finetune", "cf_k", "l1_sparse")


@every_method
def test_each_method_moves_the_numbers_as_its_paper_says(
    method: str, able: Classifier, whole: Partition
) -> None:
    assert accuracy(able, whole, "forget") > 0.99
    after = SMALL[method](able, whole).model
    forget, retain = (accuracy(after, whole, name) for name in ("forget", "retain"))
    if method in STAY:
        assert forget > 0.95 and retain > 0.95
    else:
        most, least = MOVES[method]
        assert forget <= most, f"{method} leaves {forget:.3f} of what it should forget"
        assert retain >= least, f"{method} keeps {retain:.3f} of what stays"


@every_method
def test_the_result_loads_elsewhere(
    method: str, results: Results, split: Partition, tmp_path: Path
) -> None:
    after = results(method).model
    torch.save(after.state_dict(), tmp_path / "state.pt")
    config = json.loads(json.dumps(after.config))
    again = build(config, torch.load(tmp_path / "state.pt", weights_only=True)).eval()
    images = to_input(split.data.images[split.test[:5]])
    with torch.inference_mode():
        assert torch.equal(again(images), after(images))


@pytest.mark.parametrize("method", DESCENTS)
def test_a_killed_method_goes_on_to_the_same_end(
    method: str, network: Classifier, split: Partition
) -> None:
    memory = Memory(1)
    whole = SMALL[method](network, split, 3, keeper=memory)
    assert memory.state is not None
    again = SMALL[method](network, split, 3, keeper=memory)
    assert same(whole.model, again.model)
    assert whole.detail["passes"] == again.detail["passes"]


@every_method
def test_everything_but_one_image_can_be_forgotten(
    method: str, network: Classifier, split: Partition
) -> None:
    data = split.data
    nearly = by_index(data, data.train[:-1], "all but one")
    after = SMALL[method](network, nearly).model
    assert torch.isfinite(next(after.parameters())).all()


def test_nothing_and_everything_are_refused_before_any_method_runs(split: Partition) -> None:
    for forget in (split.data.train[:0], split.data.train):
        with pytest.raises(ForgetError, match="at least one training image"):
            by_index(split.data, forget, "too few or too many")


def test_switched_off_steps(network: Classifier, split: Partition) -> None:
    only_forget = replace(SMALL["kl_uniform"], retain_step=False)
    phases: list[str] = []
    only_forget(network, split, on_epoch=lambda done, now: phases.extend(done.phases))
    assert set(phases) == {"forget"}
    assert replace(SMALL["kl_uniform"], forget_step=False).promise(split).kind is Kind.APPROXIMATE
    with pytest.raises(ForgetError, match="neither"):
        KlUniform(forget_step=False, retain_step=False)


def test_the_divergence_is_torchs_and_zero_for_uniform_answers() -> None:
    images = torch.randn(6, 4)
    loss, logits = kl_to_uniform(torch.nn.Identity(), Batch(images, torch.zeros(6)))
    uniform = torch.full((6, 4), 0.25)
    theirs = torch.nn.functional.kl_div(images.log_softmax(1), uniform, reduction="batchmean")
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-6)
    assert torch.equal(logits, images)
    flat, _ = kl_to_uniform(torch.nn.Identity(), Batch(torch.ones(2, 4), torch.zeros(2)))
    assert flat.item() == pytest.approx(0, abs=1e-6)


def test_guarantees_say_no_more_than_is_true(results: Results) -> None:
    kinds = {name: results(name).guarantee.kind for name in SMALL}
    approximate = {"finetune", "cf_k", "eu_k", "l1_sparse", "influence", *NEWTON}
    # 288 images are more than its noise hides, so that it does not claim its certificate.
    assert kinds.pop("certified") is Kind.APPROXIMATE
    for name, kind in kinds.items():
        wanted = Kind.APPROXIMATE if name in approximate else Kind.NONE
        assert kind is (Kind.EXACT if name == "retrain" else wanted), name


@every_method
def test_the_cost_is_told_in_passes(method: str, results: Results, split: Partition) -> None:
    retain, forget = len(split.retain), len(split.forget)
    passes = results(method).detail["passes"]
    known = {
        **dict.fromkeys(("retrain", "finetune", "cf_k", "eu_k", "l1_sparse"), 2 * retain),
        **dict.fromkeys(("kl_uniform", "random_labels"), 2 * (retain + forget)),
        "original": 0,
        "negative_gradient": 2 * forget,
        "salun": 2 * (retain + forget) + forget,
        "boundary": 2 * forget + round(forget * 4 / 3),
        "scrub": round((2 * retain + forget) * 4 / 3),
        "ssd": retain + 2 * forget,
        "lfssd": retain + 2 * forget,
        "fisher": retain,
        "certified": round((retain + forget) / 3),
    }
    assert passes == known.get(method, passes)
    assert 0 <= passes < 20 * retain


# Newton steps.


class Memory:
    """Keeps the state of the round that a kill came after."""

    def __init__(self, last: int) -> None:
        self.last, self.state = last, None

    def load(self) -> dict[str, object] | None:
        return copy.deepcopy(self.state)

    def save(self, state: dict[str, object]) -> None:
        if state["epoch"] == self.last:
            self.state = copy.deepcopy(state)


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("removal", [True, False])
def test_a_killed_solver_goes_on_to_the_same_end(
    method: str, removal: bool, network: Classifier, split: Partition
) -> None:
    solver, memory, steps = replace(SMALL[method], removal=removal), Memory(1), []
    whole = solver(network, split, 3, keeper=memory)
    again = solver(
        network, split, 3, lambda done, total, note="": steps.append((done, total)), keeper=memory
    )
    assert same(whole.model, again.model)
    assert dict(whole.detail) == dict(again.detail)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("method", NEWTON)
def test_a_step_that_costs_too_much_is_shortened_or_refused(
    method: str, network: Classifier, split: Partition
) -> None:
    small = replace(SMALL[method], ridge=1e-9, tolerance=0.0, rounds=1)
    after = small(network, split)
    (length,) = after.detail["lengths"]
    assert length < 1
    assert same(after.model, network) == (length == 0)
    free = replace(small, tolerance=1e9)(network, split)
    assert free.detail["lengths"] == [1.0]
    assert free.detail["losses"][0] > after.detail["losses"][0]


@pytest.mark.parametrize("method", NEWTON)
def test_normalisation_stays_as_it_is(method: str, network: Classifier, results: Results) -> None:
    before, after = network.state_dict(), results(method).model.state_dict()
    norms = [name for name, m in network.named_modules() if isinstance(m, torch.nn.BatchNorm2d)]
    kept = [name for name in before if name.rpartition(".")[0] in norms]
    assert kept
    assert all(torch.equal(before[name], after[name]) for name in kept)


@pytest.mark.parametrize("method", NEWTON)
def test_forgetting_a_class_moves_towards_the_retrained_network(
    method: str, trained: Classifier, split: Partition
) -> None:
    # Retraining names none of them; a step in the weights of a trained network comes close.
    after = NETWORK_METHODS[method](trained, split).model
    assert accuracy(trained, split, "forget") > 0.95
    assert accuracy(after, split, "forget") < 0.5
    assert accuracy(after, split, "retain") > accuracy(trained, split, "retain") - 0.05


def test_solvers_refuse_settings_that_cannot_work(network: Classifier, split: Partition) -> None:
    for method, settings in (
        ("tangent_step", {"rank": 0}),
        ("newton_cg", {"iterations": 0}),
        ("newton_cg", {"ridge": 0.0}),
    ):
        with pytest.raises(ForgetError):
            replace(SMALL[method], **settings)
    for method in NEWTON:
        with pytest.raises(ForgetError, match="Choose among"):
            replace(SMALL[method], layers=("body.1",))(network, split)


def test_the_registry_names_every_method_and_keeps_the_kinds_apart(orl: object) -> None:
    assert set(SMALL) == set(NETWORK_METHODS)
    assert set(NETWORK_METHODS) < set(METHODS)
    with pytest.raises(ForgetError, match="linear models: subtract, refit"):
        unlearn(None, None, [], "finetune")  # type: ignore[arg-type]


# Subtraction from a readout of single images.


@pytest.fixture(scope="module")
def rows(network: Classifier, split: Partition) -> np.ndarray:
    """Grid rows of all digits."""
    everything = np.arange(len(split.data.images))
    hidden = hidden_of(network, split.data, everything)
    return ClassifierFeatures(network, None).grid.snap(unit_rows(hidden))


@pytest.mark.parametrize("chosen", ["classes", "first", "one image", "all but one a class"])
def test_subtraction_equals_a_fit_that_never_saw_the_images(
    chosen: str, network: Classifier, split: Partition, rows: np.ndarray
) -> None:
    data = split.data
    firsts = np.array([np.flatnonzero(data.labels[data.train] == c)[0] for c in range(10)])
    wanted = {
        "classes": split,
        "first": by_index(data, data.train[:200], "200 images"),
        "one image": by_index(data, data.train[7:8], "one image"),
        "all but one a class": by_index(data, np.setdiff1d(data.train, firsts), "nearly all"),
    }[chosen]
    features = ClassifierFeatures(network, None)
    model = fit_readout(features, wanted.data, Measured(rows[wanted.train][:, None]), wanted.train)
    before = model.statistics.digest()
    after = subtract(model, wanted)
    stays = Measured(rows[wanted.retain][:, None])
    never = fit_readout(features, wanted.data, stays, wanted.retain)
    assert after.model.statistics.digest() == never.statistics.digest()
    assert model.statistics.digest() == before
    names = data.classes
    assert np.array_equal(
        readout_logits(after.model, rows, names), readout_logits(never, rows, names)
    )
    assert after.detail["rows subtracted"] == len(wanted.forget)
    assert not set(wanted.leaving) & set(after.model.people)


def test_a_forgotten_class_scores_nothing(
    network: Classifier, split: Partition, rows: np.ndarray
) -> None:
    features = ClassifierFeatures(network, None)
    model = fit_readout(features, split.data, Measured(rows[split.train][:, None]), split.train)
    logits = readout_logits(model, rows, split.data.classes)
    assert judge(logits, split.data.labels).accuracy > 0.9
    after = readout_logits(subtract(model, split).model, rows, split.data.classes)
    assert not after[:, [5, 7]].any()
    assert np.isfinite(after).all()


def test_rows_lie_on_the_sphere_whatever_the_network_says(network: Classifier) -> None:
    hidden = np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]], dtype=np.float32)
    made = unit_rows(hidden)
    assert np.linalg.norm(made[0]) == pytest.approx(1)
    assert made[1].tolist() == pytest.approx([0, 0, 0.5**0.5])
    assert np.isfinite(made).all()


def test_rows_from_images_are_the_rows_from_hidden_layers(
    network: Classifier, split: Partition
) -> None:
    features, some = ClassifierFeatures(network, None), split.test[:9]
    hidden = hidden_of(network, split.data, some)
    assert np.array_equal(
        features.rows(split.data.images[some]), features.grid.snap(unit_rows(hidden))
    )
    other = fit(CONFIG, split.data, split.retain, RECIPE, accelerate("cpu"))
    assert ClassifierFeatures(other, None).space != features.space


def test_the_scope_follows_the_record(split: Partition) -> None:
    hashes = frozenset(split.data.hashes_of(split.forget[:3]))
    unknown = guarantee_images(None, split)
    knows = guarantee_images(TrainingRecord(frozenset(), hashes), split)
    never = guarantee_images(TrainingRecord(frozenset(), frozenset({"0" * 64})), split)
    assert (unknown.scope, knows.scope, never.scope) == (Scope.READOUT, Scope.READOUT, Scope.MODEL)
    assert "training data unknown" in unknown.reason
    assert "3 of them" in knows.because
    assert {one.kind for one in (unknown, knows, never)} == {Kind.EXACT}


def test_copies_that_stay_are_told() -> None:
    data: ImageDataset = load_images("digits")
    images = data.images.copy()
    images[50] = images[0]
    twins = replace(data, images=images)
    split = by_index(twins, twins.train[:5], "five images")
    assert "1 of them stay" in guarantee_images(None, split).caveat

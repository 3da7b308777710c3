"""The idea of each method, recomputed by hand on a small problem."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from forget.data.load import load_images
from forget.data.partition import Partition, by_class
from forget.errors import ForgetError
from forget.linear.tangent.curvature import ggn_product, movable, slope
from forget.methods.bad_teacher import BadTeacher
from forget.methods.boundary import Boundary
from forget.methods.certified import Certified
from forget.methods.cf_k import CfK
from forget.methods.eu_k import EuK
from forget.methods.finetune import FineTune
from forget.methods.fisher import Fisher
from forget.methods.influence import Influence
from forget.methods.kodge import Kodge
from forget.methods.l1_sparse import L1Sparse
from forget.methods.negative_gradient_plus import NegativeGradientPlus
from forget.methods.random_labels import mislabelled
from forget.methods.salun import SalUn
from forget.methods.scrub import Scrub
from forget.methods.sfr_on import SfrOn
from forget.methods.ssd import Ssd
from forget.methods.unsir import Unsir
from forget.metrics.accuracy import judge
from forget.models.classifier import Classifier, build
from forget.recipe import Recipe, cross_entropy, fit, logits_of, to_input
from forget.training import Batch, accelerate
from forget.unlearning.contract import Work
from forget.unlearning.course import Course
from forget.unlearning.distill import divergence
from forget.unlearning.importance import mean_gradient, squared_gradient
from forget.unlearning.inputs import input_directions

CONFIG = {"architecture": "convnet", "classes": 10, "channels": 1, "side": 8}


@pytest.fixture(scope="module")
def split() -> Partition:
    """Three hundred digits, of which 5 and 7 are to be forgotten."""
    data = load_images("digits")
    parts = {**data.parts, "train": data.train[:300]}
    return by_class(replace(data, parts=parts), ["5", "7"])


@pytest.fixture(scope="module")
def network(split: Partition) -> Classifier:
    """A network that was trained on them."""
    return fit(CONFIG, split.data, split.train, Recipe(6, 32), accelerate("cpu"))


def course(network: Classifier, split: Partition, batch: int = 64) -> Course:
    return Course(network, split, 0, Work(accelerate("cpu")), batch, 0.9)


def batch_of(split: Partition, indices: np.ndarray) -> Batch:
    labels = torch.from_numpy(split.data.labels[indices])
    return Batch(to_input(split.data.images[indices]), labels)


def weights(network: Classifier) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def test_a_step_of_negative_gradient_plus_is_one_of_the_difference(
    network: Classifier, split: Partition
) -> None:
    method = NegativeGradientPlus(1, 10_000, rate=0.1, momentum=0.0, weight=0.3)
    after = method(network, split).model
    twin = build(CONFIG, network.state_dict()).train()
    kept, gone = (
        functional.cross_entropy(twin(images), labels)
        for images, labels in (batch_of(split, split.retain), batch_of(split, split.forget))
    )
    slopes = torch.autograd.grad(kept - 0.3 * gone, list(twin.parameters()))
    for (name, p), slope_ in zip(twin.named_parameters(), slopes, strict=True):
        moved = dict(after.named_parameters())[name]
        assert torch.allclose(moved, p - 0.1 * slope_, atol=1e-5), name


def test_wrong_labels_are_never_right_and_only_of_those_to_forget(split: Partition) -> None:
    for seed in range(5):
        labels = mislabelled(split, seed).labels
        assert not (labels[split.forget] == split.data.labels[split.forget]).any()
        assert np.array_equal(labels[split.retain], split.data.labels[split.retain])
        assert (labels >= 0).all() and (labels < 10).all()
    many = np.concatenate([mislabelled(split, s).labels[split.forget[:1]] for s in range(200)])
    assert len(set(many.tolist())) == 9


def test_only_the_last_stages_move(network: Classifier, split: Partition) -> None:
    before = weights(network)
    for k in (1, 2, 3):
        for method in (CfK(1, rate=0.05, k=k), EuK(1, rate=1e-6, k=k)):
            after = method(network, split).model
            moved = {n for n, w in weights(after).items() if not torch.equal(w, before[n])}
            free = {id(p) for stage in after.stages[-k:] for p in stage.parameters()}
            assert moved == {n for n, p in after.named_parameters() if id(p) in free}
            assert all(p.requires_grad for p in after.parameters())
    # Those that begin anew are far from where they were though they hardly move.
    last = EuK(1, rate=1e-6, k=1)(network, split).model.last.weight
    assert (last - before["last.weight"]).norm() > 0.5 * before["last.weight"].norm()


def test_a_penalty_makes_weights_smaller_and_ends(network: Classifier, split: Partition) -> None:
    usual = FineTune(2, rate=0.01)(network, split).model
    sparse = L1Sparse(2, rate=0.01, penalty=3e-2)(network, split).model
    sizes = [sum(float(w.abs().sum()) for w in weights(n).values()) for n in (usual, sparse)]
    assert sizes[1] < 0.9 * sizes[0]
    free = L1Sparse(1, rate=0.01, penalty=0.0)(network, split).model
    one = FineTune(1, rate=0.01)(network, split).model
    assert all(torch.equal(a, b) for a, b in zip(free.parameters(), one.parameters(), strict=True))


def test_a_bad_teacher_is_imitated_about_what_goes(network: Classifier, split: Partition) -> None:
    after = BadTeacher(3, rate=0.05, share=1.0)(network, split).model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        bad = build(CONFIG).eval()
    gone = batch_of(split, split.forget).images
    kept = batch_of(split, split.retain).images
    with torch.no_grad():
        assert divergence(bad(gone), after(gone)) < 0.5 * divergence(bad(gone), network(gone))
        assert divergence(network(kept), after(kept)) < divergence(bad(kept), after(kept))


def test_rewinding_returns_the_epoch_whose_error_is_nearest(
    network: Classifier, split: Partition
) -> None:
    states = []

    def error(state: dict, indices: np.ndarray) -> float:
        logits = logits_of(build(CONFIG, state).eval(), split.data, indices)
        return 1 - judge(logits, split.data.labels[indices]).accuracy

    def remember(done: object, now: Classifier) -> None:
        states.append({k: v.clone() for k, v in now.state_dict().items()})

    method = Scrub(4, rate=0.02, away=4, rewind=True)
    result = method(network, split, on_epoch=remember)
    labels = split.data.labels
    like = split.test[np.isin(labels[split.test], labels[split.forget])]
    wanted = error(states[-1], like)
    errors = [abs(error(state, split.forget) - wanted) for state in states]
    best = int(np.argmin(errors))
    assert result.detail["rewound to epoch"] == best + 1
    state = result.model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in states[best].items())


def test_noise_is_learned_to_be_wrong(network: Classifier, split: Partition) -> None:
    method, losses = Unsir(noises=16), []
    for steps in (1, 60):
        noise = replace(method, noise_steps=steps, decay=0.0)._noise(course(network, split))
        assert set(noise.labels.tolist()) <= {5, 7}
        with torch.no_grad():
            logits = network.eval()(noise.images)
        losses.append(float(functional.cross_entropy(logits, noise.labels)))
    assert losses[1] > losses[0] + 1


def test_importance_is_the_mean_square_of_batch_gradients(
    network: Classifier, split: Partition
) -> None:
    found = squared_gradient(course(network, split, 7), split.forget)
    mean = mean_gradient(course(network, split, 7), split.forget)
    network.eval()
    squares = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    sums = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    for start in range(0, len(split.forget), 7):
        some = split.forget[start : start + 7]
        loss, _ = cross_entropy()(network, batch_of(split, some))
        for name, g in zip(squares, torch.autograd.grad(loss, network.parameters()), strict=True):
            squares[name] += g**2 * len(some) / len(split.forget)
            sums[name] += g * len(some) / len(split.forget)
    for name in squares:
        assert torch.allclose(found[name], squares[name], rtol=1e-3, atol=1e-9), name
        assert torch.allclose(mean[name], sums[name], rtol=1e-3, atol=1e-7), name


def test_dampening_follows_its_formula(network: Classifier, split: Partition) -> None:
    method = Ssd(alpha=4.0, strength=0.7)
    result = method(network, split)
    ground = course(network, split)
    theirs, all_ = (squared_gradient(ground, s) for s in (split.forget, split.train))
    before, changed, total = weights(network), 0, 0
    for name, now in weights(result.model).items():
        hit = theirs[name] > 4 * all_[name]
        factor = (0.7 * all_[name] / theirs[name]).clamp(max=1)
        assert torch.allclose(now[hit], (factor * before[name])[hit])
        assert torch.equal(now[~hit], before[name][~hit])
        changed, total = changed + int(hit.sum()), total + hit.numel()
    assert result.detail["share dampened"] == pytest.approx(changed / total)
    assert 0 < changed < total


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_so_many_weights_are_salient(share: float, network: Classifier, split: Partition) -> None:
    after = SalUn(1, rate=0.05, share=share)(network, split).model
    before, moved, total = weights(network), 0, 0
    for name, now in weights(after).items():
        moved, total = moved + int((now != before[name]).sum()), total + now.numel()
    assert moved / total <= share + 0.01
    assert moved / total > share / 2  # dead units have no gradient
    assert not any(p._backward_hooks for p in after.parameters())


def test_noise_is_small_where_what_stays_needs_the_weight(
    network: Classifier, split: Partition
) -> None:
    before, after = weights(network), weights(Fisher(alpha=1e-3)(network, split).model)
    importance = squared_gradient(course(network, split), split.retain)["last.weight"].flatten()
    change = (after["last.weight"] - before["last.weight"]).abs().flatten()
    order = importance.argsort()
    half = len(order) // 2
    assert change[order[:half]].mean() > 1.5 * change[order[half:]].mean()
    for name, weight in before.items():
        bound = 0.5 * (weight**2).mean().sqrt()
        assert (after[name] - weight).abs().max() <= 6 * bound + 1e-12


def test_the_influence_step_solves_its_equation(split: Partition) -> None:
    network = fit(CONFIG, split.data, split.train, Recipe(2, 32), accelerate("cpu"))
    method = Influence(batch=10_000, iterations=100, damping=5.0)
    after = method(network, split).model
    network.eval().requires_grad_(False)
    w, n = movable(network), len(split.retain)
    step = {name: dict(after.named_parameters())[name].detach() - w[name] for name in w}
    pull, _ = slope(network, w, batch_of(split, split.forget))
    bent = ggn_product(network, w, batch_of(split, split.retain).images, step)
    left = sum(float(((bent[k] / n + 5 * step[k]) - pull[k] / n).square().sum()) for k in w)
    size = sum(float((pull[k] / n).square().sum()) for k in w)
    assert left < 1e-4 * size
    network.requires_grad_(True)


def test_the_nearest_class_is_another_and_the_second_best_without_reach(
    network: Classifier, split: Partition
) -> None:
    labels = split.data.labels[split.forget]
    for reach in (0.0, 0.1):
        method = Boundary(reach=reach)
        found = np.concatenate(list(method._nearest(course(network, split))))
        assert not (found == labels).any()
        if not reach:
            logits = logits_of(network, split.data, split.forget)
            logits[np.arange(len(labels)), labels] = -np.inf
            assert np.array_equal(found, logits.argmax(1))


def test_slow_weights_go_a_share_of_the_way(network: Classifier, split: Partition) -> None:
    base = SfrOn(1, rate=0.02, forget_rate=0.02)
    whole, half = (
        weights(replace(base, follow=share)(network, split).model) for share in (1.0, 0.5)
    )
    for name, before in weights(network).items():
        assert torch.allclose(half[name], (before + whole[name]) / 2, atol=1e-6), name


def test_directions_of_inputs_and_those_that_are_shared(
    network: Classifier, split: Partition
) -> None:
    some = split.forget[:40]  # fewer than the numbers that the linear layers read
    found = input_directions(course(network, split, 7), some)
    images = batch_of(split, some).images
    with torch.no_grad():
        hidden = network.eval().features(images)
    patches = functional.unfold(images, 5, padding=2, stride=2).movedim(1, -1).flatten(0, 1)
    for name, x in (("last", hidden), ("body.0", patches)):
        seen = found[name]
        gram = (seen.vectors * seen.values) @ seen.vectors.T
        assert torch.allclose(gram, (x.T @ x).double(), rtol=1e-3, atol=1e-2)
    assert found["last"].vectors.shape == (128, 40)
    # What both sets share is spared when the retain set counts for all.
    change = {}
    for scale in (1.0, 1e9):
        after = weights(Kodge(retain_scale=scale, forget_scale=1e9)(network, split).model)
        change[scale] = float((after["last.weight"] - network.last.weight).detach().norm())
    assert change[1e9] < 0.2 * change[1.0]


def test_a_divergence_is_torchs_and_zero_of_equal_answers() -> None:
    one, other = torch.randn(5, 4), torch.randn(5, 4)
    theirs = functional.kl_div(
        (other / 2).log_softmax(1), (one / 2).softmax(1), reduction="batchmean"
    )
    assert divergence(one, other, 2.0).item() == pytest.approx(4 * theirs.item(), rel=1e-5)
    assert divergence(one, one).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NegativeGradientPlus(weight=-1),
        lambda: CfK(k=0),
        lambda: L1Sparse(penalty=-1),
        lambda: BadTeacher(share=0),
        lambda: Unsir(noises=0),
        lambda: Ssd(alpha=0),
        lambda: SalUn(share=2),
        lambda: Fisher(alpha=0),
        lambda: Influence(damping=0),
        lambda: Boundary(reach=-1),
        lambda: SfrOn(follow=0),
        lambda: Kodge(forget_scale=0.5),
        lambda: Certified(ridge=0.0),
    ],
)
def test_settings_of_their_own_are_checked(make: object) -> None:
    with pytest.raises(ForgetError):
        make()  # type: ignore[operator]

"""Laws of the training: seeded, silent about the caller's random state, and stoppable."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from forget.data.dataset import FaceDataset
from forget.embedder_training import Recipe, train_embedder
from forget.errors import ForgetError
from forget.models.embedder import Embedder
from forget.progress import Cancelled

TINY = Recipe(width=4, dimension=16, steps=3, batch=8)
HEIGHT, WIDTH = Embedder.size


@pytest.fixture(scope="module")
def faces(orl: FaceDataset) -> tuple[np.ndarray, list[str]]:
    """Five photographs each of three people."""
    indices = np.concatenate([orl.of(person)[:5] for person in orl.identities[:3]])
    return orl.images[indices], [orl.labels[i] for i in indices]


def same(one: Embedder, other: Embedder) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_same_seed_same_weights_other_seed_others(faces: tuple[np.ndarray, list[str]]) -> None:
    first, second, other = (train_embedder(*faces, seed, recipe=TINY) for seed in (5, 5, 6))
    assert same(first, second)
    assert not same(first, other)


def test_the_random_state_of_the_caller_neither_matters_nor_changes(
    faces: tuple[np.ndarray, list[str]],
) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train_embedder(*faces, recipe=TINY)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = train_embedder(*faces, recipe=TINY, on_step=lambda *_: torch.rand(1) and None)
    assert same(first, second)


def test_progress_ends_at_its_total(faces: tuple[np.ndarray, list[str]]) -> None:
    steps: list[tuple[int, int]] = []
    network = train_embedder(
        *faces, recipe=TINY, on_step=lambda done, total, note="": steps.append((done, total))
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert not network.training


def test_a_request_to_stop_passes_through(faces: tuple[np.ndarray, list[str]]) -> None:
    calls: list[int] = []

    def stop(done: int, total: int, note: str = "") -> None:
        calls.append(done)
        raise Cancelled

    before = torch.get_rng_state()
    with pytest.raises(Cancelled):
        train_embedder(*faces, on_step=stop, recipe=TINY)
    assert calls == [1]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_loss_falls(faces: tuple[np.ndarray, list[str]]) -> None:
    losses: list[float] = []

    def keep(done: int, total: int, note: str = "") -> None:
        losses.append(float(note.removeprefix("loss ")))

    recipe = Recipe(width=4, dimension=16, steps=40, batch=24, margin=0.1, hide=0.0, turn=3.0)
    train_embedder(*faces, recipe=recipe, on_step=keep)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.parametrize("people", [2, 3])
def test_few_people_with_different_numbers_of_photographs(people: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, HEIGHT, WIDTH), dtype=np.uint8)
    labels = ["a", "b", "a", "a", "c" if people == 3 else "b", "a"]
    network = train_embedder(images, labels, recipe=TINY)
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())


def few(n: int, height: int = HEIGHT) -> np.ndarray:
    return np.zeros((n, height, WIDTH), np.uint8)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: train_embedder(few(3), ["a", "a", "a"]), "at least 2 people"),
        (lambda: train_embedder(few(0), []), "at least 2 people"),
        (lambda: train_embedder(few(3), ["a", "b"]), "a label each"),
        (lambda: train_embedder(few(2, 90), ["a", "b"]), "112, 92"),
    ],
)
def test_what_cannot_be_learned_is_refused(attempt: Callable[[], Embedder], message: str) -> None:
    with pytest.raises(ForgetError, match=message):
        attempt()

"""A made-up crowd whose features are on the grid, and each kind of eraser made for some of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from forget.errors import ForgetError
from forget.linear.erasing.eraser import Eraser, leace_eraser, orthogonal_eraser
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics

RIDGE = 1e-4

# A call, the kind of its error, and what that says was expected and what came.
Case = tuple[Callable[[], object], type[ForgetError], str, str]


@dataclass(frozen=True, eq=False)
class Crowd:
    """People with means of their own and variation around them, all on the grid."""

    z: np.ndarray  # (n, d) real
    names: np.ndarray  # (n,)
    sums: Statistics

    def of(self, *people: str) -> list[np.ndarray]:
        return [self.z[self.names == person] for person in people]


def crowd(
    d: int = 16, people: int = 30, each: int = 8, within: float = 0.5, seed: int = 0
) -> Crowd:
    random = np.random.default_rng(seed)
    means = random.normal(size=(people, d)) + 0.5  # a part that all share, as features have it
    noise = random.normal(size=(people * each, d)) @ (random.normal(size=(d, d)) / np.sqrt(d))
    z = np.repeat(means, each, 0) + within * noise
    rows = FINE.snap(z / np.linalg.norm(z, axis=1, keepdims=True))
    names = np.repeat([f"p{i:04}" for i in range(people)], each)
    sums = Statistics.of(Space(FINE, d, "ab" * 32), rows, names.tolist())
    return Crowd(FINE.real(rows), names, sums)


def within_scatter(faces: Crowd) -> np.ndarray:
    people = sorted(set(faces.names))
    centred = np.concatenate([rows - rows.mean(0) for rows in faces.of(*people)])
    spare = len(faces.z) - len(people)
    return centred.T @ centred / spare + RIDGE * np.eye(faces.z.shape[1])


def plain(faces: Crowd, people: list[str]) -> Eraser:
    return orthogonal_eraser(faces.of(*people), None, rank=2)


def whitened(faces: Crowd, people: list[str]) -> Eraser:
    return orthogonal_eraser(faces.of(*people), faces.sums, rank=2)


def leace(faces: Crowd, people: list[str]) -> Eraser:
    return leace_eraser(faces.sums, people)


# How it is made, directions a person, and the metric in which it is orthogonal.
ERASERS: dict[str, tuple[Callable[..., Eraser], int, Callable[[Crowd], np.ndarray]]] = {
    "orthogonal": (plain, 2, lambda faces: np.eye(faces.z.shape[1])),
    "whitened": (whitened, 2, lambda faces: np.linalg.inv(within_scatter(faces))),
    "leace": (leace, 1, lambda faces: np.linalg.inv(np.cov(faces.z.T, bias=True))),
}
every_eraser = pytest.mark.parametrize("kind", ERASERS)

FACES = crowd()
(ONE,) = FACES.of("p0000")


def check_told(
    call: Callable[[], object], kind: type[ForgetError], expected: str, got: str
) -> None:
    """Asserts that the error says what was expected, what came and what to do."""
    with pytest.raises(kind, match=rf"^Expected .*{expected}.*; got .*{got}") as caught:
        call()
    assert type(caught.value) is kind
    assert caught.value.remedy.endswith(".")

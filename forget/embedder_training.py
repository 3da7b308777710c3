"""Trains a face embedder on few photographs of few people, by inventing many more people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from forget.augment import poses
from forget.errors import ForgetError
from forget.models.embedder import Embedder, shrink
from forget.models.margins import CosFace
from forget.processes import alone
from forget.progress import OnStep, silent
from forget.training import Batch, Phase, train

__all__ = ["Album", "Recipe", "album_of", "halved", "invented_faces", "train_embedder"]


@dataclass(frozen=True)
class Recipe:
    """Settings of the training; the defaults were chosen on people of the core only."""

    width: int = 16  # channels of the first convolution
    dimension: int = 128  # length d of the embedding
    steps: int = 800  # optimisation steps
    batch: int = 96  # faces per step
    invented: float = 0.5  # share of a batch that shows invented people
    partners: int = 19  # invented people per person: her forehead, the mouth of `partners` others
    seam: float = 3.0  # softness of the seam between the two halves, in rows of 56
    scale: float = 16.0  # inverse temperature of the softmax
    margin: float = 0.3  # cosine by which the right person must lead
    warm: float = 0.2  # share of the steps in which margin and learning rate grow
    rate: float = 3e-3  # highest learning rate of AdamW
    decay: float = 0.05  # weight decay of matrices and kernels
    turn: float = 12.0  # rotation, degrees either way
    zoom: float = 0.12  # scale, log units either way
    stretch: float = 0.06  # aspect ratio, log units either way
    shift: float = 0.07  # translation, share of the side either way
    gamma: float = 0.4  # exponent of the grey levels, log units either way
    contrast: float = 0.3  # log units either way
    brightness: float = 0.1  # grey levels of [0, 1] either way
    light: float = 0.3  # brightness gradient from edge to centre, relative
    blur: float = 0.2  # probability of a 3 x 3 box blur
    noise: float = 0.04  # largest standard deviation of pixel noise
    hide: float = 0.5  # probability of a flat rectangle over the face


class Album(NamedTuple):
    """Training photographs sorted by person: (n, 1, 56, 46) in [0, 1], and each one's share."""

    faces: Tensor
    first: Tensor  # (c,) index of each person's first photograph
    count: Tensor  # (c,) photographs of each person


def train_embedder(
    images: NDArray[np.uint8],
    labels: Sequence[str],
    seed: int = 0,
    on_step: OnStep = silent,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
) -> Embedder:
    """Trains an embedder whose features also tell apart people it has never seen.

    Every step shows real people and invented ones, whose forehead is one person's and whose mouth
    another's; a mirrored person counts as somebody else. All are told apart by CosFace. Same
    photographs, seed and number of threads give the same weights; the global random state of the
    caller stays as it was.

    Arguments:
        images: Grey photographs, (n, 112, 92), uint8.
        labels: Who is on each photograph, n ids of at least 2 people.
        seed: Seed of weights, batches and distortions.
        on_step: Called after every optimisation step; whatever it raises passes through.
        recipe: Settings.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        ForgetError: No photographs, fewer than 2 people, or not one label per photograph.
    """
    album = album_of(images, labels)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Embedder(recipe.width, recipe.dimension)
    network.to(memory_format=torch.channels_last)
    people = len(album.count)
    classes = 2 * people * (1 + min(recipe.partners, people - 1))
    head = CosFace(recipe.dimension, classes, recipe.scale, recipe.margin, generator)
    optimiser, schedule = _optimiser(network, head, recipe)
    losses: list[float] = []
    shares = (min(1.0, step / (recipe.warm * recipe.steps)) for step in range(recipe.steps))

    def batches(epoch: int) -> Iterator[Batch]:
        return invented_faces(album, recipe, generator)

    def objective(_: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        logits = head(network.encode(batch.images), batch.labels, next(shares))
        loss = functional.cross_entropy(logits, batch.labels)
        losses.append(loss.item())
        return loss, logits

    def told(done: int, total: int, note: str = "") -> None:
        on_step(done, total, f"loss {losses[-1]:.2f}")

    phase = Phase("train", batches, recipe.steps, objective, optimiser, schedule)
    train(network, [phase], 1, alone(), on_step=told)
    return network.eval().to(memory_format=torch.contiguous_format)


def invented_faces(album: Album, recipe: Recipe, generator: torch.Generator) -> Iterator[Batch]:
    """Batches of real and invented people, distorted: (b, 1, 56, 46) in [0, 1]."""
    for _ in range(recipe.steps):
        faces, who = _batch(album, recipe, generator)
        faces = distort(faces, recipe, generator)
        yield Batch(faces.contiguous(memory_format=torch.channels_last), who)


def halved(network: Embedder) -> Embedder:
    """Rounds the weights to half precision, in place, as they are kept in a file."""
    state = network.state_dict()
    rounded = {k: t.half().float() if t.is_floating_point() else t for k, t in state.items()}
    network.load_state_dict(rounded)
    return network


def album_of(images: NDArray[np.uint8], labels: Sequence[str]) -> Album:
    """Photographs (n, 112, 92) sorted by person.

    Raises:
        ForgetError: No photographs, fewer than 2 people, or not one label per photograph.
    """
    people, person = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    if images.shape[1:] != Embedder.size or images.dtype != np.uint8 or len(labels) != len(images):
        raise ForgetError(
            f"grey photographs (n, {Embedder.size[0]}, {Embedder.size[1]}), uint8, a label each",
            f"shape {images.shape}, {images.dtype}, {len(labels)} labels",
            "Crop the photographs to that size and name the person on each.",
        )
    if len(people) < 2:
        raise ForgetError(
            "photographs of at least 2 people",
            f"{len(images)} photographs of {len(people)} people",
            "Add people: a network learns to tell faces apart only by comparing people.",
        )
    order = np.argsort(person, kind="stable")
    count = torch.from_numpy(np.bincount(person))
    faces = shrink(torch.from_numpy(images[order])[:, None] / 255)
    return Album(faces, count.cumsum(0) - count, count)


def _batch(album: Album, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draws faces (b, 1, 56, 46) and the real or invented person on each, (b,)."""
    n, people = recipe.batch, len(album.count)
    partners = min(recipe.partners, people - 1)
    above = torch.randint(people, (n,), generator=generator)
    offset = 1 + torch.randint(partners, (n,), generator=generator)
    offset[int(recipe.invented * n) :] = 0
    mirrored = torch.randint(2, (n,), generator=generator)
    top, bottom = (_draw(album, who, generator) for who in (above, (above + offset) % people))
    bottom[offset == 0] = top[offset == 0]
    middle = (album.faces.shape[2] - 1) / 2
    mouth = torch.sigmoid((torch.arange(album.faces.shape[2]) - middle) / recipe.seam)[:, None]
    faces = torch.lerp(top, bottom, mouth)
    faces = torch.where(mirrored.bool()[:, None, None, None], faces.flip(-1), faces)
    return faces, (offset * people + above) * 2 + mirrored


def _draw(album: Album, who: Tensor, generator: torch.Generator) -> Tensor:
    """Draws one photograph (b, 1, h, w) of each person (b,)."""
    luck = torch.rand(len(who), generator=generator)
    return album.faces[album.first[who] + (luck * album.count[who]).long()]


def distort(x: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Moves, lights, blurs and hides parts of faces (n, 1, h, w), each differently."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((len(x), 1, 1, 1), generator=generator)

    pose = poses(x.shape, recipe.turn, recipe.zoom, recipe.stretch, recipe.shift, generator)
    grid = functional.affine_grid(pose, list(x.shape), align_corners=False)
    x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    x = x.clamp(1e-3, 1) ** (recipe.gamma * uniform(-1, 1)).exp()
    x = x * (recipe.contrast * uniform(-1, 1)).exp() + recipe.brightness * uniform(-1, 1)
    down = torch.linspace(-1, 1, x.shape[2])[:, None]
    across = torch.linspace(-1, 1, x.shape[3])
    x = x * (1 + recipe.light * (uniform(-1, 1) * across + uniform(-1, 1) * down))
    inside = ((down - uniform(-1, 1)).abs() < uniform(0.1, 0.36)) & (
        (across - uniform(-1, 1)).abs() < uniform(0.13, 0.43)
    )
    x = torch.where(inside & (uniform(0, 1) < recipe.hide), uniform(0, 1), x)
    blurred = functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = torch.where(uniform(0, 1) < recipe.blur, blurred, x)
    return x + recipe.noise * uniform(0, 1) * torch.randn(x.shape, generator=generator)


def _optimiser(
    network: Embedder, head: CosFace, recipe: Recipe
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW that decays matrices only, and one cycle of its rate (Smith and Topin, 2018)."""
    everything = [*network.parameters(), *head.parameters()]
    groups = [
        {"params": [p for p in everything if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in everything if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR
    return optimiser, cycle(optimiser, recipe.rate, recipe.steps, pct_start=recipe.warm)

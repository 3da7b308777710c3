"""What the two maps of a Linearizer minimise, on each process for its share of a batch."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from forget.errors import ForgetError
from forget.linear.backbone import Backbone
from forget.linear.linearizer.features import student_input, teacher_output
from forget.linear.linearizer.flows import Chain
from forget.linear.linearizer.settings import LinearizerSettings
from forget.processes import from_first

__all__ = ["Maps", "Objective", "Share", "in_parts", "shares"]

PART = 256  # rows or images of a bank that go through a map at once


class Share(NamedTuple):
    """A process's part of a batch, (n, c, h, w) and (n,), with what the whole batch decides."""

    images: Tensor
    labels: Tensor
    noise: Tensor  # standard normal, (n, m)
    spread: Tensor  # variance of the inputs


class Maps(nn.Module):
    """Both maps; whatever of a step needs gradients is in one forward, where they are averaged."""

    def __init__(self, g_x: Chain, g_y: Chain) -> None:
        super().__init__()
        self.g_x, self.g_y = g_x, g_y

    def forward(
        self, x: Tensor, t: Tensor, operator: Tensor, offset: Tensor, noise: Tensor
    ) -> tuple[Tensor, ...]:
        """Latents of the teacher and what the operator guesses for them, then reconstructions.

        Arguments:
            x: Inputs, (n, ...).
            t: The teacher's embeddings, (n, m).
            operator: Latents of x to those of t, (d, m).
            offset: Added, (m,).
            noise: Added to the teacher's latents, (n, m).

        Returns:
            g_y(t) and the guess, (n, m); the embeddings (n, m) that the guess and the noisy
            latents stand for; and, where g_x drops something, what it makes of x, (n, ...).
        """
        # An inverse magnifies rounding: never in bfloat16, wherever the loop computes in it.
        with torch.autocast(x.device.type, enabled=False):
            u, z = self.g_y(t), self.g_x(x)
            guess = z @ operator + offset
            found = self.g_y.inverse(guess)
            near = self.g_y.inverse(u + noise)
            # What it drops, its pseudo-inverse has to guess.
            back = () if self.g_x.bijective else (self.g_x.inverse(z),)
            return u, guess, found, near, *back


class Objective:
    """The loss of a share; the operator is solved again every few steps.

    Arguments:
        backbone: The frozen teacher.
        maps: Both maps, as they were before the loop wrapped them.
        settings: How.
        bank: Inputs (n, ...) and teacher's embeddings (n, m) that the operator is solved on.
        fabric: Where; the operator is that of the first process.
    """

    def __init__(
        self,
        backbone: Backbone,
        maps: Maps,
        settings: LinearizerSettings,
        bank: tuple[Tensor, Tensor],
        fabric: Fabric,
    ) -> None:
        self.backbone, self.maps, self.settings = backbone, maps, settings
        self.bank, self.fabric = bank, fabric
        self.spread = bank[1].var(0).mean()
        self.steps = 0

    def begin(self) -> None:
        """Begins an epoch, whichever was the last: the operator is solved first."""
        self.steps = 0

    def __call__(self, maps: nn.Module, batch: Share) -> tuple[Tensor, Tensor]:
        """The mean loss, and cosines (n, n) of embeddings found with the teacher's."""
        if self.steps % self.settings.every == 0:
            self._solve()
        self.steps += 1
        with torch.no_grad():
            x = student_input(self.backbone, self.settings.level, batch.images)
            t = teacher_output(self.backbone, batch.images)
        operator, offset, size = self.solved
        noise = batch.noise * size * self.settings.noise
        u, guess, found, near, *back = maps(x, t, operator, offset, noise)
        unlike = 1 - functional.cosine_similarity(found, t).mean()
        errors = [((one - t) ** 2).mean() / self.spread for one in (found, near)]
        latent = ((guess - u) ** 2).mean() / size.square().mean()
        loss = errors[0] + unlike + self.settings.latent * (latent + errors[1])
        for one in back:
            loss = loss + ((one - x) ** 2).mean() / batch.spread
        # Which of the teacher's embeddings in the batch is nearest: an accuracy to follow.
        return loss, functional.normalize(found) @ functional.normalize(t).T

    @torch.no_grad()
    def _solve(self) -> None:
        inputs, teacher = self.bank
        latents = in_parts(self.maps.g_x, inputs), in_parts(self.maps.g_y, teacher)
        self.solved = _regression(*latents, self.settings.ridge)
        from_first(self.fabric, self.solved)


def in_parts(g: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What a map makes of many points (n, ...), with the memory that it needs for a few."""
    return torch.cat([g(part) for part in x.split(PART)])


def shares(
    backbone: Backbone,
    batches: Iterable[Tensor],
    settings: LinearizerSettings,
    fabric: Fabric,
    epoch: int = 0,
) -> Iterator[Share]:
    """Takes this process's part of each batch of prepared images, (n, c, h, w), of an epoch.

    Raises:
        ForgetError: A batch has fewer images than there are processes.
    """
    random = torch.Generator().manual_seed(settings.seed + epoch)
    for images in batches:
        # Drawn for the whole batch: the same numbers for any number of processes.
        noise = torch.randn((len(images), backbone.dimension), generator=random)
        yield _share(images, noise, settings.level, backbone, fabric)


def _share(images: Tensor, noise: Tensor, level: str, backbone: Backbone, fabric: Fabric) -> Share:
    rank, world = fabric.global_rank, fabric.world_size
    if len(images) < world:
        raise ForgetError(
            f"at least {world} images in a batch, one for each process",
            f"{len(images)}",
            "Train on fewer processes, or in larger batches.",
        )
    # Only images are guessed back, and their variance costs nothing.
    spread = student_input(backbone, level, images).var() if level == "image" else torch.ones(())
    mine = images[rank::world]
    return Share(mine, torch.arange(len(mine)), noise[rank::world], spread)


def _regression(z: Tensor, u: Tensor, ridge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Operator (d, k) and offset (k,) of the ridge regression, and the spread of u, (k,)."""
    means = z.mean(0), u.mean(0)
    centred = z - means[0]
    gram = centred.T @ centred
    gram.diagonal().add_(ridge * gram.diagonal().mean())
    operator = torch.linalg.solve(gram, centred.T @ (u - means[1]))
    return operator, means[1] - means[0] @ operator, u.std(0)

"""Damage by noise that the network gets most wrong, then repair."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from forget.data.partition import Partition
from forget.recipe import cross_entropy, to_input
from forget.training import Batch, Phase
from forget.unlearning.contract import Guarantee, Range
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent
from forget.unlearning.guarantees import suppressed

__all__ = ["Unsir"]


@dataclass(frozen=True)
class Unsir(Descent):
    r"""Learns noise that maximises the loss for the classes to forget, and trains on it.

    .. math:: \max_N \; CE(f(N), y) - \lambda |N|^2, \quad
              \text{then} \; \min_\theta \; CE(f_\theta(N), y) + E_{retain} \; CE(f_\theta(x), y)

    In the first epoch a batch of noise is beside every batch of the retain set (impair), in the
    others there is none (repair). The noise never shows the images, only their classes, so it
    was made for whole classes; single images of a class that stays are hardly touched.

    References:
        | Fast Yet Effective Machine Unlearning (Tarun et al., 2023)

    Arguments:
        impair_rate: Learning rate of the first epoch; `rate` is that of the repair.
        noises: How many noise images, of the classes of the forget set as often as there.
        noise_steps: Of Adam, with which the noise is learned.
        noise_rate: Its learning rate.
        decay: lambda, of the mean square of a noise image's pixels.

    Raises:
        ForgetError: No noise, or other settings that cannot work.
    """

    impair_rate: float = 2e-2
    noises: int = 32
    noise_steps: int = 40
    noise_rate: float = 0.1
    decay: float = 0.1
    ranges: ClassVar = {"noises": Range(1), "noise_steps": Range(1), "decay": Range(0)}

    def phases(self, course: Course) -> list[Phase]:
        """Impair, then repair."""
        retain, noise = course.split.retain, []
        course.before(self.noise_steps, lambda: noise.append(self._noise(course)))

        def impair(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            images, labels = (torch.cat(both) for both in zip(batch, noise[0], strict=True))
            logits = network(images).float()
            return functional.cross_entropy(logits, labels), logits[: len(batch.labels)]

        n, cost = self.epochs, 1 + self.noises / self.batch
        return [
            course.phase("impair", retain, impair, self.impair_rate, n, cost=cost, until=1),
            course.phase("repair", retain, cross_entropy(), self.rate, n, first=1),
        ]

    def _noise(self, course: Course) -> Batch:
        split, device = course.split, course.work.fabric.device
        draw = np.random.default_rng(course.seed)
        labels = torch.from_numpy(split.data.labels[draw.choice(split.forget, self.noises)])
        labels = labels.to(device)
        random = torch.Generator().manual_seed(course.seed)
        shape = to_input(split.data.images[:1]).shape[1:]
        noise = torch.randn((self.noises, *shape), generator=random).to(device).requires_grad_()
        optimiser = torch.optim.Adam([noise], self.noise_rate)
        for _ in range(self.noise_steps):
            loss = -functional.cross_entropy(course.original(noise).float(), labels)
            loss = loss + self.decay * (noise**2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            course.passes += self.noises
            course.tick()
        return Batch(noise.detach(), labels)

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return suppressed(split, "damaged by noise of the classes of")

"""A copy of a network on its way from one method's first step to its last."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import count

import torch
from torch import Tensor

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.data.partition import Partition
from forget.models.classifier import Classifier
from forget.recipe import sgd, shuffled, to_input
from forget.training import Batch, Objective, Pair, Phase
from forget.unlearning.contract import Work

__all__ = ["FORWARD", "Course"]

FORWARD = 1 / 3  # of a pass: backward costs about two forwards
TURNS = 1_000  # more than the turns over the other images in an epoch


@dataclass(eq=False)
class Course:
    """What a method works with, and what it has spent.

    Arguments:
        model: The network as it came; it stays as it is.
        split: The images.
        seed: Of everything random.
        work: Where, and who is told.
        batch: Images per step.
        momentum: Of SGD.
        passes: Spent: forward and backward of one image count 1.
    """

    model: Classifier
    split: Partition
    seed: int
    work: Work
    batch: int
    momentum: float = 0.0
    passes: float = 0.0
    _before: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    _hooks: list[torch.utils.hooks.RemovableHandle] = field(default_factory=list)
    _done: int = 0
    _total: int = 0

    @cached_property
    def network(self) -> Classifier:
        """The copy that changes, on the device."""
        return copy.deepcopy(self.model).requires_grad_(True).to(self.work.fabric.device)

    @cached_property
    def original(self) -> Classifier:
        """Another copy, which stays as the network came: frozen, in evaluation mode."""
        frozen = copy.deepcopy(self.model).requires_grad_(False)
        return frozen.to(self.work.fabric.device).eval()

    def phase(
        self,
        name: str,
        indices: Indices,
        objective: Objective,
        rate: float,
        epochs: int,
        *,
        data: ImageDataset | None = None,
        cost: float = 1.0,
        first: int = 0,
        until: int | None = None,
        begin: Callable[[], None] | None = None,
        end: Callable[[], None] | None = None,
    ) -> Phase:
        """Steps of SGD on some images, one pass an epoch.

        Arguments:
            name: Such as "retain".
            indices: The images.
            objective: What is minimised.
            rate: Learning rate.
            epochs: Of the method, to know what the phase will spend.
            data: What the indices point into; by default that of the split.
            cost: Of an image, in passes.
            first: The first epoch, from 0.
            until: The epoch from which on it is gone.
            begin: Called when the phase begins in an epoch.
            end: Called after its last step in an epoch.
        """
        batches, steps = self._shuffled(indices, self.seed, data)
        self._spend(len(indices) * cost, epochs, first, until)

        def begun(epoch: int) -> Iterator[Batch]:
            if begin:
                begin()
            yield from batches(epoch)
            if end:
                end()

        optimiser = sgd(self.network, rate, self.momentum)
        return Phase(name, begun, steps, objective, optimiser, None, first, until)

    def paired(
        self,
        name: str,
        indices: Indices,
        others: Indices,
        objective: Objective,
        rate: float,
        epochs: int,
        *,
        cost: float = 1.0,
    ) -> Phase:
        """The same with other images beside each batch, which come again when they are used up."""
        batches, steps = self._shuffled(indices, self.seed)
        beside, turn = self._shuffled(others, self.seed + 1)

        def pairs(epoch: int) -> Iterator[Pair]:
            endless = (one for k in count() for one in beside(epoch * TURNS + k))
            for batch, other in zip(batches(epoch), endless, strict=False):
                yield Pair(*batch, *other)

        images = len(indices) + len(others) * steps / turn
        self._spend(images * cost, epochs, 0, None)
        return Phase(name, pairs, steps, objective, sgd(self.network, rate, self.momentum))

    def before(self, batches: int, prepare: Callable[[], None]) -> None:
        """Has something done before the first step, which takes so many batches of `inputs`."""
        self._before.append((batches, prepare))

    def prepare(self, steps: int) -> None:
        """Does it, of a course that has so many steps after it."""
        self._total = sum(batches for batches, _ in self._before) + steps
        for _, prepare in self._before:
            prepare()

    def on_step(self, done: int, total: int, note: str = "") -> None:
        """Tells of a step that comes after all that was prepared."""
        self.work.on_step(self._done + done, self._total, note)

    def batches_of(self, images: int) -> int:
        """How many batches so many images are."""
        return -(-images // self.batch)

    def inputs(self, indices: Indices, cost: float = 1.0) -> Iterator[Batch]:
        """Images in their order, in batches; after each, on_step hears of it."""
        data, device = self.split.data, self.work.fabric.device
        for start in range(0, len(indices), self.batch):
            some = indices[start : start + self.batch]
            images = to_input(data.images[some]).contiguous(memory_format=torch.channels_last)
            yield Batch(images.to(device), torch.from_numpy(data.labels[some]).to(device))
            self.passes += cost * len(some)
            self.tick()

    def tick(self) -> None:
        """Tells of a batch that was prepared with."""
        self._done += 1
        self.work.on_step(self._done, self._total, "preparing")

    def only(self, masks: Mapping[str, Tensor], when: Callable[[], bool] = lambda: True) -> None:
        """Multiplies gradients of the copy's parameters with masks of their shapes.

        Arguments:
            masks: By name of the parameter.
            when: Asked in each step whether it should.
        """

        def masked(mask: Tensor, gradient: Tensor) -> Tensor:
            return mask * gradient if when() else gradient

        for name, parameter in self.network.named_parameters():
            self._hooks.append(parameter.register_hook(partial(masked, masks[name])))

    def end(self) -> Classifier:
        """The copy, free of all that was attached to it."""
        for hook in self._hooks:
            hook.remove()
        return self.network.requires_grad_(True)

    def _shuffled(
        self, indices: Indices, seed: int, data: ImageDataset | None = None
    ) -> tuple[Callable[[int], Iterator[Batch]], int]:
        return shuffled(data or self.split.data, indices, self.batch, seed, self.work.fabric)

    def _spend(self, images: float, epochs: int, first: int, until: int | None) -> None:
        last = epochs if until is None else min(until, epochs)
        self.passes += images * max(last - first, 0)

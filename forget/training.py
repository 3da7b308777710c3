"""The one loop that trains networks, on a CPU, a GPU or several, with Lightning Fabric."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from forget.processes import accelerate, describe
from forget.progress import OnStep, silent

__all__ = [
    "Batch",
    "Keeper",
    "Objective",
    "OnEpoch",
    "Pair",
    "Pass",
    "Passed",
    "Phase",
    "accelerate",
    "describe",
    "train",
]


class Batch(NamedTuple):
    """Images (n, c, h, w) in [0, 1] and the class of each, (n,)."""

    images: Tensor
    labels: Tensor


class Pair(NamedTuple):
    """A batch with another beside it, (m, c, h, w) and (m,), for objectives that weigh the two."""

    images: Tensor
    labels: Tensor
    other_images: Tensor
    other_labels: Tensor

    @property
    def batch(self) -> Batch:
        """The one that counts in the accuracy."""
        return Batch(self.images, self.labels)

    @property
    def other(self) -> Batch:
        """The one beside it."""
        return Batch(self.other_images, self.other_labels)


class Objective(Protocol):
    """What a phase minimises, of batches, pairs of them or whatever the phase gives.

    The loss is a mean over the batch: on several processes, each counts as its images do.
    """

    def __call__(self, network: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        """The loss, a scalar, and the logits (n, classes) that it was computed from."""
        ...


class Keeper(Protocol):
    """Where a training leaves what it needs to go on after it was killed."""

    def load(self) -> Mapping[str, Any] | None:
        """What was saved last; None at the beginning."""
        ...

    def save(self, state: Mapping[str, Any]) -> None:
        """Replaces it, atomically."""
        ...


@dataclass(eq=False)
class Phase:
    """One pass over some images with one objective; an epoch is a sequence of phases.

    Arguments:
        name: Such as "retain".
        batches: The batches of an epoch, counted from 0; the same each time it is asked. Named
            tuples of tensors as the objective reads them, with `labels`.
        steps: How many they are.
        objective: What is minimised.
        optimiser: Steps after each batch.
        schedule: Steps after each batch too.
        first: The epoch, counted from 0, in which it is there for the first time.
        until: The epoch from which on it is gone; None for never.
    """

    name: str
    batches: Callable[[int], Iterable[Any]]
    steps: int
    objective: Objective
    optimiser: Optimizer
    schedule: LRScheduler | None = None
    first: int = 0
    until: int | None = None

    def steps_in(self, epoch: int) -> int:
        """How many batches it has in an epoch."""
        there = self.first <= epoch and (self.until is None or epoch < self.until)
        return self.steps if there else 0


class Passed(NamedTuple):
    """Mean loss and accuracy, in [0, 1], of a phase in one epoch, while it was training."""

    loss: float
    accuracy: float


class Pass(NamedTuple):
    """What an epoch did: its number from 1, and each of its phases by name."""

    epoch: int
    phases: Mapping[str, Passed]


OnEpoch = Callable[[Pass, nn.Module], None]


def train(
    network: nn.Module,
    phases: Sequence[Phase],
    epochs: int,
    fabric: Fabric | None = None,
    on_epoch: OnEpoch | None = None,
    keeper: Keeper | None = None,
    average: float = 0.0,
    on_step: OnStep = silent,
) -> nn.Module:
    """Trains a network in place, epoch by epoch, and goes on where an earlier call was killed.

    Several processes follow the gradient of the whole batch, however uneven their shares; but
    batch normalisation sees the images of its own process only, and keeps those of the first.

    Arguments:
        network: Changed in place.
        phases: What an epoch consists of.
        epochs: How many.
        fabric: Where to train; by default one device, the best there is.
        on_epoch: Told of each epoch, with the network as it would be returned then.
        keeper: Holds the state after each epoch, written by the first process and read by all;
            None keeps nothing.
        average: Decay per step of an exponential moving average of the weights, which is then
            what is returned; 0 for none.
        on_step: Told after each batch; what it raises passes through, and the keeper still has
            the last whole epoch.

    Returns:
        The network, or its moving average, in evaluation mode.
    """
    fabric = fabric or accelerate()
    network.to(fabric.device)  # first: a restored optimiser keeps its state where the weights are
    state = _State(network, phases, average)
    start = state.restore(keeper.load() if keeper else None)
    loop = _Loop(fabric, network, phases, state.mean, on_step)
    for epoch in range(start, epochs):
        done = loop.epoch(epoch, epochs)
        result = state.result.eval()
        if on_epoch:
            on_epoch(Pass(epoch + 1, done), result)
        if keeper and fabric.is_global_zero:
            keeper.save(state.capture(epoch + 1))
    return state.result.eval()


@dataclass(eq=False)
class _State:
    """Everything a training needs to go on: weights, optimisers, schedules, moving average."""

    network: nn.Module
    phases: Sequence[Phase]
    average: float
    mean: AveragedModel | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.average:
            rule = get_ema_multi_avg_fn(self.average)
            self.mean = AveragedModel(self.network, multi_avg_fn=rule, use_buffers=True)

    @property
    def result(self) -> nn.Module:
        return self.mean.module if self.mean else self.network

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"network": self.network}
        for phase in self.phases:
            parts[f"{phase.name} optimiser"] = phase.optimiser
            if phase.schedule:
                parts[f"{phase.name} schedule"] = phase.schedule
        return parts | ({"mean": self.mean} if self.mean else {})

    def capture(self, epoch: int) -> dict[str, Any]:
        states = {name: part.state_dict() for name, part in self._parts().items()}
        return {"epoch": epoch, **states}

    def restore(self, saved: Mapping[str, Any] | None) -> int:
        if saved is None:
            return 0
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        return int(saved["epoch"])


class _Loop:
    def __init__(
        self,
        fabric: Fabric,
        network: nn.Module,
        phases: Sequence[Phase],
        mean: AveragedModel | None,
        on_step: OnStep,
    ) -> None:
        self.fabric, self.network, self.phases = fabric, network, phases
        self.mean, self.on_step = mean, on_step
        self.wrapped = fabric.setup_module(network)
        self.optimisers = [fabric.setup_optimizers(phase.optimiser) for phase in phases]

    def epoch(self, epoch: int, epochs: int) -> dict[str, Passed]:
        self.network.train()
        before = sum(self._steps(earlier) for earlier in range(epoch))
        total = sum(self._steps(any_epoch) for any_epoch in range(epochs))
        note = f"epoch {epoch + 1} of {epochs}"
        done: dict[str, Passed] = {}
        for phase, optimiser in zip(self.phases, self.optimisers, strict=True):
            if phase.steps_in(epoch):
                done[phase.name] = self._phase(phase, optimiser, epoch, before, total, note)
                before += phase.steps
        return done

    def _steps(self, epoch: int) -> int:
        return sum(phase.steps_in(epoch) for phase in self.phases)

    def _phase(
        self, phase: Phase, optimiser: Optimizer, epoch: int, before: int, total: int, note: str
    ) -> Passed:
        loss_sum = right = torch.zeros((), device=self.fabric.device)
        seen = 0
        for step, batch in enumerate(self._on_device(phase.batches(epoch)), start=1):
            loss, logits = phase.objective(self.wrapped, batch)
            optimiser.zero_grad()
            self.fabric.backward(self._weighed(loss, len(batch.labels)))
            optimiser.step()
            if phase.schedule:
                phase.schedule.step()
            if self.mean:
                self.mean.update_parameters(self.network)
            loss_sum = loss_sum + loss.detach() * len(batch.labels)
            right = right + (logits.detach().argmax(1) == batch.labels).sum()
            seen += len(batch.labels)
            self.on_step(before + step, total, note)
        totals = torch.stack([loss_sum, right, torch.full_like(loss_sum, seen)])
        loss_sum, right, seen_all = self.fabric.all_reduce(totals, reduce_op="sum").tolist()
        return Passed(loss_sum / seen_all, right / seen_all)

    def _weighed(self, loss: Tensor, images: int) -> Tensor:
        """The loss such that the mean of gradients over processes is that over their images."""
        if self.fabric.world_size == 1:
            return loss
        count = torch.full_like(loss.detach(), images)
        mean = self.fabric.all_reduce(count.clone(), reduce_op="mean")
        return loss * (count / mean)

    def _on_device(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            yield type(batch)(*(tensor.to(self.fabric.device) for tensor in batch))

"""What the methods share that solve for a step of the weights instead of training them."""

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.linear.tangent.curvature import Weights, slope
from forget.models.classifier import Classifier
from forget.progress import OnStep
from forget.recipe import to_input
from forget.training import Batch, Pass, Passed
from forget.unlearning.contract import Guarantee, Kind, NetworkMethod, Scope, Work
from forget.unlearning.course import FORWARD

__all__ = ["NewtonMethod", "Problem", "Solve"]

HALVINGS = 6  # of a step, before it is refused

Solve = Callable[[Indices, Weights], Weights]  # a sample and a mean gradient to a step


@dataclass(eq=False)
class Problem:
    """A network whose weights move, the images, and a count of what was spent on them.

    Arguments:
        network: The copy that moves, in evaluation mode.
        weights: Those of its parameters that move: the very tensors, detached.
        split: The images.
        batch: Images at a time.
        smoothing: Share of the targets that is spread over all classes.
        on_step: Told of each batch.
        total: How many batches at most.
        seed: Of everything random.
        passes: Spent so far; forward and backward of one image count 1.
        done: Batches so far.
    """

    network: Classifier
    weights: Weights = field(repr=False)
    split: Partition
    batch: int
    smoothing: float
    on_step: OnStep
    total: int
    seed: int
    passes: float = 0.0
    done: int = 0

    def batches(self, indices: Indices, cost: float) -> Iterator[Batch]:
        """Images in batches; after each, on_step hears of it and every image counts `cost`."""
        like, data = next(iter(self.weights.values())), self.split.data
        for start in range(0, len(indices), self.batch):
            some = indices[start : start + self.batch]
            images = to_input(data.images[some]).contiguous(memory_format=torch.channels_last)
            yield Batch(images.to(like), torch.from_numpy(data.labels[some]).to(like.device))
            self.passes += cost * len(some)
            self.reach(self.done + 1)

    def reach(self, done: int) -> None:
        """Tells of batches up to a number, also of those that were not needed."""
        while self.done < done:
            self.done += 1
            self.on_step(self.done, self.total, "Newton steps")

    def sample(self, count: int, number: int) -> Indices:
        """Some of the images that stay, drawn by seed and number."""
        retain = self.split.retain
        draw = np.random.default_rng([self.seed, number])
        return np.sort(draw.choice(retain, min(count, len(retain)), replace=False))

    def gradient(self, indices: Indices, start: Weights | None = None) -> Weights:
        """Sum of the gradients of some images; with `start`, less the sum that was there."""
        found = {name: torch.zeros_like(w) for name, w in self.weights.items()}
        for batch in self.batches(indices, 1 if start is None else 2):
            now, _ = slope(self.network, self.weights, batch, self.smoothing)
            then = {} if start is None else slope(self.network, start, batch, self.smoothing)[0]
            for name, value in now.items():
                found[name] += value - then[name] if then else value
        return found

    def judge(self, indices: Indices) -> Passed:
        """Mean loss and accuracy of some images."""
        loss = right = 0.0
        with torch.no_grad():
            for images, labels in self.batches(indices, FORWARD):
                logits = self.network(images)
                loss += float(
                    functional.cross_entropy(
                        logits, labels, reduction="sum", label_smoothing=self.smoothing
                    )
                )
                right += float((logits.argmax(1) == labels).sum())
        return Passed(loss / len(indices), right / len(indices))

    def move(self, step: Weights, indices: Indices, tolerance: float) -> tuple[float, Passed]:
        """Takes a step, halved until the loss of some images rises by no more than `tolerance`.

        Returns:
            Its length, 0 where even the shortest was refused, and loss and accuracy then.
        """
        start = {name: w.clone() for name, w in self.weights.items()}
        before = self.judge(indices)
        for halving in range(HALVINGS + 1):
            self._to(start, step, 0.5**halving)
            now = self.judge(indices)
            if now.loss <= before.loss + tolerance:  # never true of a loss that is no number
                return 0.5**halving, now
        self._to(start, step, 0.0)
        return 0.0, before

    def _to(self, start: Weights, step: Weights, length: float) -> None:
        for name, w in self.weights.items():
            w.copy_(start[name] + length * step[name] if length else start[name])


@dataclass(frozen=True)
class NewtonMethod(NetworkMethod):
    r"""Newton steps on the loss of what stays; a child says which weights and how to solve.

    Each round draws a sample S of the retain set R and takes the step

    .. math:: \theta = -(\bar H_S + \lambda I)^{-1} \bar g, \quad
              \bar H_S = \frac{1}{|S|} \sum_{i \in S} J_i^T (diag \, p_i - p_i p_i^T) J_i

    with one of two gradients. The retained form descends the loss of what stays, with weight
    decay lambda:

    .. math:: \bar g = \frac{1}{|S|} \sum_{i \in S} \nabla \ell_i(w) + \lambda w

    The removal form takes the network as it came, w_0, for the optimum of all images, whatever
    else (decay, augmentation, an early end) held it there; then what stays pulls with the
    opposite of what leaves, the influence function, and no retained gradient is needed:

    .. math:: \bar g_1 = -\frac{1}{|R|} \sum_{i \in F} \nabla \ell_i(w_0), \quad
              \bar g_k = \bar g_1 + \frac{1}{|S|} \sum_{i \in S} \nabla \ell_i(w_{k-1})
                         - \nabla \ell_i(w_0)

    Later rounds add only how the retained gradient has changed, so that repeating the step
    converges instead of pushing on. A network that fits its images has a retained gradient of
    about zero, and only the decay then moves it: removal forgets whole classes in fewer rounds,
    which is why it is the default; the retained form comes closer for images that it had merely
    memorised.

    The detail tells the length of each step, 0 where it was refused, and the loss after it.

    References:
        | Understanding Black-box Predictions via Influence Functions (Koh and Liang, 2017)
        | Certified Data Removal from Machine Learning Models (Guo et al., 2020)
        | Mixed-Privacy Forgetting in Deep Networks (Golatkar et al., 2021)

    Arguments:
        rounds: Newton steps, each linearised where the one before led.
        sample: Images of the retain set in a round.
        batch: Images at a time.
        removal: Whether the gradient is that of the removal form.
        ridge: lambda, of a mean loss, so that it does not depend on the sample; the weight decay
            of the usual training.
        tolerance: A step is halved until the loss of the sample rises by no more, nats.
        smoothing: Label smoothing of the training.

    Raises:
        ForgetError: Settings that cannot work.
    """

    rounds: int = 3
    sample: int = 1_000
    batch: int = 64
    removal: bool = True
    ridge: float = 5e-4
    tolerance: float = 0.02
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        fine = self.rounds >= 0 and self.sample >= 1 and self.batch >= 1 and self.ridge > 0
        if not (fine and self.tolerance >= 0 and 0 <= self.smoothing < 1):
            raise ForgetError(
                "0 rounds or more, samples and batches of at least 1, a ridge above 0, a "
                "tolerance of 0 or more and a smoothing below 1",
                str(self),
                "Correct the settings.",
            )

    @property
    def epochs(self) -> int:  # type: ignore[override]
        """Rounds: each is told like an epoch."""
        return self.rounds

    @abstractmethod
    def moving(self, network: Classifier, split: Partition) -> Weights:
        """The parameters that move: the very tensors, detached."""

    @abstractmethod
    def batches(self, sample: int) -> tuple[int, int]:
        """Batches that a solver takes once and in each round, whose sample has so many."""

    @abstractmethod
    def solver(self, problem: Problem) -> Solve:
        """Solves for steps around the present weights, whatever they are when it is called."""

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Takes the steps with a copy of the network."""
        after = copy.deepcopy(model).requires_grad_(False).to(work.fabric.device).eval()
        sizes = min(self.sample, len(split.retain)), len(split.forget)
        of_sample, of_forget = (-(-size // self.batch) for size in sizes)
        once, each = self.batches(of_sample)
        once += of_forget if self.removal else 0
        each += of_sample * (1 + 1 + HALVINGS + 1)  # gradient, loss before, losses after
        problem = Problem(
            after,
            self.moving(after, split),
            split,
            self.batch,
            self.smoothing,
            work.on_step,
            once + each * self.rounds,
            seed,
        )
        told = {"lengths": [], "losses": []}
        if self.rounds:
            told = self._steps(problem, once, each, work)
        work.detail.update(told, passes=round(problem.passes))
        return after.requires_grad_(True)

    def _steps(self, problem: Problem, once: int, each: int, work: Work) -> dict[str, list[float]]:
        kept: Mapping[str, Any] = (work.keeper.load() if work.keeper else None) or {}
        solve = self.solver(problem)
        start = {name: w.clone() for name, w in problem.weights.items()}
        pull = problem.gradient(problem.split.forget) if self.removal else {}
        problem.reach(once)
        told: dict[str, list[float]] = {"lengths": [], "losses": []}
        if kept:
            problem.network.load_state_dict(kept["network"])
            problem.passes, problem.done = kept["passes"], once + each * kept["epoch"]
            told = {name: list(kept[name]) for name in told}
        for number in range(kept.get("epoch", 0), self.rounds):
            sample = problem.sample(self.sample, number)
            step = solve(sample, self._gradient(problem, sample, start, pull, number))
            length, now = problem.move(step, sample, self.tolerance)
            problem.reach(once + each * (number + 1))
            told["lengths"].append(length)
            told["losses"].append(now.loss)
            if work.on_epoch:
                work.on_epoch(Pass(number + 1, {"retain": now}), problem.network)
            if work.keeper:
                state = {"epoch": number + 1, "network": problem.network.state_dict()}
                work.keeper.save({**state, "passes": problem.passes, **told})
        return told

    def promise(self, split: Partition) -> Guarantee:
        """Approximate."""
        reason = (
            f"The weights took Newton steps towards those of a network without {split.what}; how "
            "close they came is measured, not proved."
        )
        return Guarantee(Kind.APPROXIMATE, Scope.MODEL, reason)

    def _gradient(
        self, problem: Problem, sample: Indices, start: Weights, pull: Weights, number: int
    ) -> Weights:
        if not self.removal:
            now = problem.gradient(sample)
            return {n: g / len(sample) + self.ridge * problem.weights[n] for n, g in now.items()}
        away = {name: -g / len(problem.split.retain) for name, g in pull.items()}
        if not number:
            return away
        changed: dict[str, Tensor] = problem.gradient(sample, start)
        return {name: g / len(sample) + away[name] for name, g in changed.items()}

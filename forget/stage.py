"""One model of an experiment: what is recorded of it, and how it goes on after a kill."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.judgement import Judgement, curves, summary_rows, watched
from forget.linear.statistics import Statistics
from forget.models.classifier import Classifier
from forget.progress import OnStep
from forget.runs.run import Run
from forget.runs.table import Row
from forget.training import Pass
from forget.unlearning.contract import Guarantee

__all__ = ["Stage"]


class Stage:
    """One model of a run: its progress, what is kept of it, and the seconds it took.

    It is the `Keeper` of its training. Of several processes only the first writes.

    Arguments:
        run: Where everything is kept.
        split: The data and what to forget.
        method: "original", or the name of a method.
        seed: Of this model.
        fabric: Where it is computed.
        shown: Whether its epochs are kept as curves and states.
        side: Size of the training images in an epoch, counted from 0; None for as they are.
        on_step: Told of progress; the note names the stage.
    """

    def __init__(
        self,
        run: Run,
        split: Partition,
        method: str,
        seed: int,
        fabric: Fabric,
        shown: bool,
        side: Callable[[int], int | None],
        on_step: OnStep,
    ) -> None:
        self.run, self.split, self.method, self.seed = run, split, method, seed
        self.fabric, self.shown, self.side, self._told = fabric, shown, side, on_step
        self.name, self.seconds, self.began = f"{method}-{seed}", 0.0, perf_counter()
        self.first = fabric.is_global_zero
        fabric.barrier()  # until what the stage before wrote is there
        done = self.run.predictions(method, seed) is not None
        self.done = bool(fabric.broadcast(done))
        if self.done and self.first:  # a kill may have come between the two
            self.run.drop_state(f"{self.name}-partial")

    @property
    def state(self) -> dict[str, Any]:
        """The parameters of the finished model.

        Raises:
            ForgetError: They are gone.
        """
        state = self.run.load_state(self.name)
        if state is None:
            raise ForgetError(
                f"the parameters {self.name}.pt in {self.run.folder}",
                "none, though its predictions are there",
                f"Delete {self.name}.npz in predictions: the run then computes both again.",
            )
        return state

    def on_step(self, done: int, total: int, note: str = "") -> None:
        """Passes progress on, with the name of the stage."""
        if self.first:
            self._told(done, total, f"{self.method} (seed {self.seed}), {note}")

    def load(self) -> dict[str, Any] | None:
        """What an interrupted training left."""
        kept = self.run.load_state(f"{self.name}-partial")
        self.began = perf_counter()
        if kept is not None:
            self.seconds = float(kept.pop("seconds"))
        return kept

    def save(self, state: Mapping[str, Any]) -> None:
        """Keeps what is needed to go on."""
        self._clock()
        if self.first:
            self.run.save_state(f"{self.name}-partial", {**state, "seconds": self.seconds})

    def trained(self, done: Pass, network: nn.Module) -> None:
        """Records an epoch of a training from scratch."""
        if not self.first:
            return
        self._clock()
        rows = [
            Row(self.seed, self.method, done.epoch, "train", metric, value)
            for phase in done.phases.values()
            for metric, value in phase._asdict().items()
        ]
        side = self.side(done.epoch - 1)  # the network knows images of this size
        judged = watched(network, self.split, ["test"], self.fabric.device, side)
        self.run.record([*rows, *judged.rows(self.seed, self.method, done.epoch)])
        self.began = perf_counter()

    def before(self, original: Classifier) -> None:
        """Records the original as epoch 0 of a method."""
        if not self.first:
            return
        table = self.run.table()
        mine = table[(table["method"] == "original") & (table["seed"] == self.seed)]
        last = mine[(mine["epoch"] == mine["epoch"].max()) & ~mine["split"].isin(["", "train"])]
        self.run.record(
            Row(self.seed, self.method, 0, row.split, row.metric, row.value)
            for row in last.itertuples()
        )
        self._show(0, original)

    def unlearned(self, done: Pass, network: nn.Module) -> None:
        """Records an epoch of unlearning, on samples of the large sets."""
        if not self.first:
            return
        self._clock()
        judged = watched(network, self.split, list(self.split.sets), self.fabric.device)
        self.run.record(judged.rows(self.seed, self.method, done.epoch))
        self._show(done.epoch, network)
        self.began = perf_counter()

    def record(self, judgement: Judgement, epoch: int) -> None:
        """Records a judgement of one epoch."""
        if self.first:
            self.run.record(judgement.rows(self.seed, self.method, epoch))

    def finish(
        self,
        network: Classifier | None,
        judgement: Judgement,
        epoch: int,
        guarantee: Guarantee | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps the model and all that was judged; the predictions, last, mark it as done."""
        if not self.first:
            return
        if network is not None:
            self.run.save_state(self.name, network.state_dict())
        summary = summary_rows(judgement, self.seed, self.method, epoch, self.seconds)
        self.run.record([*judgement.rows(self.seed, self.method, epoch), *summary])
        if np.isfinite(self.seconds):
            self.run.took(f"{self.method} seed {self.seed}", self.seconds)
        if guarantee:
            self._promise(guarantee, detail or {})
        self._show(epoch, network)
        self.run.save_predictions(self.method, self.seed, judgement.arrays())
        self.run.drop_state(f"{self.name}-partial")

    def _clock(self) -> None:
        now = perf_counter()
        self.seconds, self.began = self.seconds + now - self.began, now

    def keep_sums(self, statistics: Statistics) -> None:
        """Keeps what the digest of a subtraction is made of; the names of the classes, sorted."""
        if not self.first:
            return
        sums = [statistics.classes[name] for name in sorted(statistics.classes)]
        state = {
            "gram": torch.from_numpy(statistics.gram),
            "counts": torch.tensor([one.count for one in sums]),
            "sums": torch.from_numpy(np.stack([one.total for one in sums])),
            "classes": [one.name for one in sums],
        }
        self.run.save_state(self.name, state)

    def _show(self, epoch: int, network: nn.Module | None) -> None:
        if self.shown:
            if network is not None:
                self.run.save_state(f"epoch-{epoch}", network.state_dict())
            self.run.write_curves(curves(self.run.table(), self.method, self.seed, self.split))

    def _promise(self, guarantee: Guarantee, detail: Mapping[str, Any]) -> None:
        said = {
            "kind": guarantee.kind.value,
            "scope": guarantee.scope.value,
            "reason": guarantee.reason,
            "caveat": guarantee.caveat,
        }
        self.run.promise(self.method, self.seed, {**said, **detail})

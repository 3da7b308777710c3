"""One experiment: train, train again without, unlearn, judge; every step is kept in a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.judgement import Judgement, curves, summary_rows, watched
from forget.linear.classifier_features import ClassifierFeatures, unit_rows
from forget.linear.proof import prove
from forget.linear.readout import fit_readout, readout_logits
from forget.methods.method import Guarantee, NetworkMethod
from forget.methods.retrain import Retrain
from forget.methods.subtract import subtract
from forget.metrics.accuracy import judge
from forget.models.checkpoint import TrainingRecord, write_bytes
from forget.models.classifier import Classifier, build
from forget.progress import OnStep, silent
from forget.recipe import Recipe, fit, hidden_of
from forget.runs.run import Row, Run
from forget.training import Pass

__all__ = ["Experiment"]

REFERENCE = "retrain"


@dataclass(eq=False)
class Experiment:
    """Runs every stage that its folder does not hold yet, so that a killed run goes on.

    Arguments:
        run: Where everything is written.
        split: The data and what to forget.
        config: Settings of the network.
        recipe: How it is trained from scratch.
        methods: Network methods by name, as set; "subtract" may be among them with None.
        seeds: Each trains, retrains and unlearns everything.
        fabric: Where to compute.
        weights: Parameters of a network that was trained elsewhere, instead of training one.
        weights_record: Which images trained them; None where nobody knows.
        on_step: Told of progress; the note names the stage.
    """

    run: Run
    split: Partition
    config: Mapping[str, Any]
    recipe: Recipe
    methods: Mapping[str, NetworkMethod | None]
    seeds: tuple[int, ...]
    fabric: Fabric
    weights: Mapping[str, torch.Tensor] | None = None
    weights_record: TrainingRecord | None = None
    on_step: OnStep = silent
    _hidden: dict[int, np.ndarray] = field(default_factory=dict, init=False)

    def __call__(self) -> None:
        """Runs to the end.

        Raises:
            ForgetError: Another process works on the run.
        """
        with self.run.held():
            for seed in self.seeds:
                original = self._original(seed)
                self._network(REFERENCE, seed, original, Retrain(self.recipe))
                for name, method in self.methods.items():
                    if method is None:
                        self._subtract(seed, original)
                    else:
                        self._network(name, seed, original, method)
            self.run.finish()

    def _original(self, seed: int) -> Classifier:
        stage = _Stage(self, "original", seed)
        if stage.done:
            return build(self.config, stage.state)
        if self.weights is not None:
            network = build(self.config, self.weights)
        else:
            network = fit(
                dict(self.config),
                self.split.data,
                self.split.train,
                self.recipe,
                self.fabric,
                seed,
                on_epoch=stage.trained,
                keeper=stage,
                on_step=stage.on_step,
            )
        last = 0 if self.weights is not None else self.recipe.epochs
        stage.finish(network, self._judge(network, seed, stage.on_step), last)
        return network

    def _network(self, name: str, seed: int, original: Classifier, method: NetworkMethod) -> None:
        stage = _Stage(self, name, seed)
        if stage.done:
            return
        retrained = isinstance(method, Retrain)
        if not retrained:
            stage.before(original)
        after = method(
            original,
            self.split,
            seed,
            stage.on_step,
            fabric=self.fabric,
            on_epoch=stage.trained if retrained else stage.unlearned,
            keeper=stage,
        )
        network = after.model
        judgement = self._judge(network, None, stage.on_step)
        stage.finish(network, judgement, after.detail["epochs"], after.guarantee)

    def _subtract(self, seed: int, original: Classifier) -> None:
        stage = _Stage(self, "subtract", seed)
        if stage.done:
            return
        split, everything = self.split, self._everything()
        record = self.weights_record
        if self.weights is None:
            hashes = frozenset(split.data.hashes_of(split.train))
            record = TrainingRecord(frozenset(), hashes)
        features = ClassifierFeatures(original, record)
        hidden = self._hidden_of(original, seed, stage.on_step)
        rows = features.grid.snap(unit_rows(hidden))
        place = np.searchsorted(everything, split.train)
        before = fit_readout(features, split, rows[place], split.train)
        after = subtract(before, split, seed, stage.on_step)
        for epoch, model in enumerate((before, after.model)):
            logits = readout_logits(model, rows, split.data.classes)
            judgement = Judgement(split, everything, judge(logits, self._labels(everything)))
            stage.record(judgement, epoch)
        proof = prove(after.model)
        detail = {"digest": proof.digest, "digest summed afresh": proof.afresh}
        stage.seconds = after.seconds
        stage.finish(None, judgement, 1, after.guarantee, {**after.detail, **detail})

    def _judge(self, network: Classifier, seed: int | None, on_step: OnStep) -> Judgement:
        """Judges a network on all images; the hidden layer of a seed's original is kept."""
        everything = self._everything()
        hidden = self._hidden_of(network, seed, on_step)
        with torch.inference_mode():
            logits = network.classify(torch.from_numpy(hidden)).numpy()
        return Judgement(self.split, everything, judge(logits, self._labels(everything)))

    def _hidden_of(self, network: Classifier, seed: int | None, on_step: OnStep) -> np.ndarray:
        if seed in self._hidden:
            return self._hidden[seed]
        everything, device = self._everything(), self.fabric.device
        hidden = hidden_of(network, self.split.data, everything, device, on_step)
        if seed is not None:
            self._hidden = {seed: hidden}
        return hidden

    def _everything(self) -> np.ndarray:
        return np.unique(np.concatenate(list(self.split.sets.values())))

    def _labels(self, indices: np.ndarray) -> np.ndarray:
        return self.split.data.labels[indices]


class _Stage:
    """One model of a run: its progress, what is kept of it, and the seconds it took."""

    def __init__(self, experiment: Experiment, method: str, seed: int) -> None:
        self.experiment, self.method, self.seed = experiment, method, seed
        self.run, self.name = experiment.run, f"{method}-{seed}"
        self.seconds, self.began = 0.0, perf_counter()
        first = next((name for name, m in experiment.methods.items() if m is not None), None)
        self.shown = method == first and seed == experiment.seeds[0]

    @property
    def done(self) -> bool:
        return self.run.predictions(self.method, self.seed) is not None

    @property
    def state(self) -> dict[str, Any]:
        state = self.run.load_state(self.name)
        if state is None:
            raise ForgetError(
                f"the parameters {self.name}.pt in {self.run.folder}",
                "none, though its predictions are there",
                f"Delete {self.name}.npz in predictions: the run then computes both again.",
            )
        return state

    def on_step(self, done: int, total: int, note: str = "") -> None:
        self.experiment.on_step(done, total, f"{self.method} (seed {self.seed}), {note}")

    def load(self) -> dict[str, Any] | None:
        kept = self.run.load_state(f"{self.name}-partial")
        self.began = perf_counter()
        if kept is not None:
            self.seconds = float(kept.pop("seconds"))
        return kept

    def save(self, state: Mapping[str, Any]) -> None:
        self._clock()
        self.run.save_state(f"{self.name}-partial", {**state, "seconds": self.seconds})

    def trained(self, done: Pass, network: nn.Module) -> None:
        """Records an epoch of a training from scratch."""
        self._clock()
        rows = [
            Row(self.seed, self.method, done.epoch, "train", metric, value)
            for phase in done.phases.values()
            for metric, value in phase._asdict().items()
        ]
        experiment = self.experiment
        side = experiment.recipe.side(done.epoch - 1)  # the network knows images of this size
        device = experiment.fabric.device
        judged = watched(network, experiment.split, ["test"], device, side)
        self.run.record([*rows, *judged.rows(self.seed, self.method, done.epoch)])
        self.began = perf_counter()

    def before(self, original: Classifier) -> None:
        """Records the original as epoch 0 of a method."""
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
        self._clock()
        split = self.experiment.split
        judged = watched(network, split, list(split.sets), self.experiment.fabric.device)
        self.run.record(judged.rows(self.seed, self.method, done.epoch))
        self._show(done.epoch, network)
        self.began = perf_counter()

    def record(self, judgement: Judgement, epoch: int) -> None:
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
        if network is not None:
            self.run.save_state(self.name, network.state_dict())
        summary = summary_rows(judgement, self.seed, self.method, epoch, self.seconds)
        self.run.record([*judgement.rows(self.seed, self.method, epoch), *summary])
        self.run.took(f"{self.method} seed {self.seed}", self.seconds)
        if guarantee:
            self._promise(guarantee, detail or {})
        if self.shown and network is not None:
            self._show(epoch, network)
        self.run.save_predictions(self.method, self.seed, judgement.arrays())
        self.run.drop_state(f"{self.name}-partial")

    def _clock(self) -> None:
        now = perf_counter()
        self.seconds, self.began = self.seconds + now - self.began, now

    def _show(self, epoch: int, network: nn.Module) -> None:
        if self.shown:
            self.run.save_state(f"epoch-{epoch}", network.state_dict())
            split = self.experiment.split
            self.run.write_curves(curves(self.run.table(), self.method, self.seed, split))

    def _promise(self, guarantee: Guarantee, detail: Mapping[str, Any]) -> None:
        path = self.run.folder / "guarantees.json"
        known = json.loads(path.read_text()) if path.is_file() else {}
        known[self.name] = {
            "kind": guarantee.kind,
            "scope": guarantee.scope,
            "reason": guarantee.reason,
            "caveat": guarantee.caveat,
            **detail,
        }
        write_bytes(path, json.dumps(known, indent=2, sort_keys=True).encode())

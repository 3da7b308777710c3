"""One experiment: train, train again without, unlearn, judge; every step is kept in a run."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from forget.data.partition import Partition
from forget.errors import ForgetError, StatisticsError
from forget.judgement import Judgement
from forget.linear.backbone import unit_rows
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.proof import prove
from forget.linear.readout import Measured, fit_readout, readout_logits
from forget.methods.retrain import Retrain
from forget.methods.subtract import subtract
from forget.metrics.accuracy import judge
from forget.models.checkpoint import TrainingRecord
from forget.models.classifier import Classifier, build
from forget.progress import OnStep, silent
from forget.recipe import Recipe, fit, hidden_of
from forget.runs.run import Run
from forget.stage import Stage
from forget.unlearning.contract import NetworkMethod

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
        first = self.fabric.is_global_zero
        with ExitStack() as stack:
            trouble = None
            if first:  # of several processes one holds the run, and all end if it cannot
                try:
                    stack.enter_context(self.run.held())
                except ForgetError as error:
                    trouble = error
            if trouble := self.fabric.broadcast(trouble):
                raise trouble
            for seed in self.seeds:
                original = self._original(seed)
                self._network(REFERENCE, seed, original, Retrain(self.recipe))
                for name, method in self.methods.items():
                    if method is None:
                        self._subtract(seed, original)
                    else:
                        self._network(name, seed, original, method)
            if first:
                self.run.finish()

    def _stage(self, method: str, seed: int) -> Stage:
        names = [name for name, one in self.methods.items() if one is not None]
        shown = (names or list(self.methods) or [None])[0]  # a network method if there is one
        return Stage(
            self.run,
            self.split,
            method,
            seed,
            self.fabric,
            method == shown and seed == self.seeds[0],
            self.recipe.side,
            self.on_step,
        )

    def _original(self, seed: int) -> Classifier:
        stage = self._stage("original", seed)
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
        last = self.recipe.epochs
        if self.weights is not None:  # nobody knows how long they took
            last, stage.seconds = 0, float("nan")
        stage.finish(network, self._judge(network, seed, stage.on_step), last)
        return network

    def _network(self, name: str, seed: int, original: Classifier, method: NetworkMethod) -> None:
        stage = self._stage(name, seed)
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
        network, promise = after.model, after.guarantee
        if retrained and self.weights is not None:
            other = "The weights that were given may have been trained in another way."
            promise = replace(promise, caveat=f"{other} {promise.caveat}".strip())
        judgement = self._judge(network, None, stage.on_step)
        stage.finish(network, judgement, after.detail["epochs"], promise, after.detail)

    def _subtract(self, seed: int, original: Classifier) -> None:
        stage = self._stage("subtract", seed)
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
        seen = Measured(rows[place][:, None])
        before = fit_readout(features, split.data, seen, split.train)
        after = subtract(before, split, seed, stage.on_step)
        for epoch, model in enumerate((before, after.model)):
            logits = readout_logits(model, rows, split.data.classes)
            judgement = Judgement(split, everything, judge(logits, self._labels(everything)))
            stage.record(judgement, epoch)
        proof = prove(after.model)
        if not proof.holds:
            raise StatisticsError(
                f"sums with the digest {proof.afresh}",
                f"{proof.digest} after the subtraction",
                "Please report this: the two must be equal.",
            )
        detail = {"digest": proof.digest, "digest summed afresh": proof.afresh}
        stage.seconds = after.seconds
        stage.keep_sums(after.model.statistics)
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

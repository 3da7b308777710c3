"""Logistic heads on the last hidden layer that forget with a certificate."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import numpy as np
import torch

from forget.data.dataset import Indices
from forget.data.partition import Partition
from forget.linear.certified import Ledger, Reals, fit_heads
from forget.models.classifier import Classifier, UnitReadout
from forget.recipe import EVALUATION_BATCH, hidden_of
from forget.training import Pass
from forget.unlearning.contract import Guarantee, Kind, NetworkMethod, Range, Scope, Work
from forget.unlearning.course import FORWARD
from forget.unlearning.descent import check_settings

__all__ = ["Certified"]

BECAUSE = "the network was trained on them, or may have been"


@dataclass(frozen=True)
class Certified(NetworkMethod):
    """Fits one-against-rest logistic heads on everybody, with noise, and takes a Newton step.

    The network below stays as it is, so the scope is the readout; `forget.linear.certified` has
    the formulas. Detail: the budget of the noise, what was spent, and whether the certificate
    holds.

    References:
        | Certified Data Removal from Machine Learning Models (Guo et al., 2020)

    Arguments:
        epsilon: Of the certificate, with delta: both models are indistinguishable up to them.
        delta: Of the certificate.
        sigma: Standard deviation of the noise.
        ridge: Of the mean loss, in each head.

    Raises:
        StatisticsError: Settings that cannot work.
    """

    epsilon: float = 1.0
    delta: float = 1e-4
    sigma: float = 1.0
    ridge: float = 1e-4
    ranges: ClassVar = {"ridge": Range(0, above=True)}

    def __post_init__(self) -> None:
        check_settings(self)
        Ledger(self.epsilon, self.delta, self.sigma)

    @property
    def epochs(self) -> int:  # type: ignore[override]
        """The step is told like an epoch."""
        return 1

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Fits, removes, and puts the heads on a copy of the network."""
        after = UnitReadout(model.config, len(split.data.classes))
        after.base.load_state_dict(model.state_dict())
        after = after.eval().to(work.fabric.device)
        everything, leaving = np.concatenate([split.forget, split.retain]), len(split.forget)
        rows, signs = _rows(after, split, everything, work), _signs(split, everything)
        ledger = Ledger(self.epsilon, self.delta, self.sigma)
        heads = fit_heads(rows, signs, self.ridge, ledger, seed)
        heads = heads.remove(rows[:leaving], signs[:leaving], rows[leaving:])
        with torch.no_grad():
            after.readout.weight.copy_(torch.from_numpy(heads.weights.T))
        spent = heads.ledger
        work.detail.update(
            passes=round(FORWARD * len(split.train)),
            budget=spent.budget,
            spent=spent.spent,
            holds=spent.holds,
        )
        if work.on_epoch:
            work.on_epoch(Pass(1, {}), after)
        return after

    def promise(self, split: Partition) -> Guarantee:
        """Certified for the heads, whose scope is the readout."""
        reason = (
            f"The heads have forgotten {split.what} up to epsilon {self.epsilon:g} and delta "
            f"{self.delta:g}, by a bound that depends on the data; the layers below have not: "
            f"{BECAUSE}."
        )
        return Guarantee(Kind.CERTIFIED, Scope.READOUT, reason, BECAUSE)

    def vouch(self, split: Partition, detail: Mapping[str, Any]) -> Guarantee:
        """Only approximate where the noise does not hide what is left."""
        if detail["holds"]:
            return self.promise(split)
        reason = (
            f"The heads took a Newton step away from {split.what}, but what may be left, "
            f"{detail['spent']:.2g}, is more than the noise hides, {detail['budget']:.2g}: no "
            f"certificate. The layers below have not forgotten: {BECAUSE}."
        )
        return Guarantee(Kind.APPROXIMATE, Scope.READOUT, reason, BECAUSE)


def _rows(network: Classifier, split: Partition, indices: Indices, work: Work) -> Reals:
    """What the heads read, (n, d)."""
    steps, done = -(-len(indices) // EVALUATION_BATCH), count(1)

    def on_step(images: int, of: int, note: str = "") -> None:
        work.on_step(next(done), steps, note)

    device = work.fabric.device
    return hidden_of(network, split.data, indices, device, on_step).astype(np.float64)


def _signs(split: Partition, indices: Indices) -> Reals:
    classes = np.arange(len(split.data.classes))
    return np.where(split.data.labels[indices][:, None] == classes, 1.0, -1.0)

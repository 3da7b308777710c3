"""Doing nothing: what every method begins with, and has to be better than."""

import copy
from dataclasses import dataclass

from forget.data.partition import Partition
from forget.models.classifier import Classifier
from forget.unlearning.contract import Guarantee, Kind, NetworkMethod, Scope, Work

__all__ = ["Original"]


@dataclass(frozen=True)
class Original(NetworkMethod):
    """Returns a copy of the network, which remembers everything."""

    epochs = 0

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Copies the network."""
        work.on_step(1, 1, "copying")
        return copy.deepcopy(model)

    def promise(self, split: Partition) -> Guarantee:
        """None."""
        return Guarantee(Kind.NONE, Scope.MODEL, f"Nothing was done about {split.what}.")

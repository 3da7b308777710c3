"""Training everything again without the images: what every other method is read against."""

from dataclasses import dataclass, field

from forget.data.partition import Partition
from forget.models.classifier import Classifier
from forget.recipe import Recipe, fit
from forget.unlearning.contract import Guarantee, Kind, NetworkMethod, Scope, Work

__all__ = ["Retrain"]


@dataclass(frozen=True)
class Retrain(NetworkMethod):
    """Trains a new network of the same architecture on the retain set, from random weights.

    Reads nothing of the network but its architecture.

    Arguments:
        recipe: How the network was trained; the same again makes it the reference.
    """

    recipe: Recipe = field(default_factory=Recipe)

    @property
    def epochs(self) -> int:  # type: ignore[override]
        """Passes over the retain set."""
        return self.recipe.epochs

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Trains the new network."""
        return fit(
            model.config,
            split.data,
            split.retain,
            self.recipe,
            work.fabric,
            seed,
            work.on_epoch,
            work.keeper,
            work.on_step,
        )

    def promise(self, split: Partition) -> Guarantee:
        """Exact; copies that stay are told."""
        forgotten, kept = (split.data.hashes_of(i) for i in (split.forget, split.retain))
        twins = len(set(forgotten) & set(kept))
        caveat = f"{twins:,} of them stay as copies in the images that are kept." if twins else ""
        reason = f"The network was trained from random weights on everything but {split.what}."
        return Guarantee(Kind.EXACT, Scope.MODEL, reason, caveat=caveat)

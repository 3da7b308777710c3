"""Going on with the images that stay, in the hope that the others fade."""

from dataclasses import dataclass

from forget.data.partition import Partition
from forget.methods.method import Guarantee, NetworkMethod, Work
from forget.methods.step import check_steps, step_on, went_on_without
from forget.models.classifier import Classifier
from forget.recipe import cross_entropy, sgd, shuffled
from forget.training import Phase

__all__ = ["FineTune"]


@dataclass(frozen=True)
class FineTune(NetworkMethod):
    r"""Trains on with cross-entropy on the retain set alone.

    .. math:: \min_\theta \; E_{(x, y) \in retain} \; CE(f_\theta(x), y)

    References:
        | Eternal Sunshine of the Spotless Net (Golatkar, Achille and Soatto, 2020), a baseline

    Arguments:
        epochs: Passes over the retain set; 2 is the MUFAC benchmark's.
        batch: Images per step.
        rate: Learning rate of SGD; the benchmark's.
        momentum: Of SGD.

    Raises:
        ForgetError: Settings that cannot work.
    """

    epochs: int = 2
    batch: int = 64
    rate: float = 1e-3
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_steps(self.epochs, self.batch, self.rate)

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Trains a copy of the network on `split.retain`."""

        def phases(network: Classifier) -> list[Phase]:
            batches, steps = shuffled(split.data, split.retain, self.batch, seed, work.fabric)
            optimiser = sgd(network, self.rate, self.momentum)
            return [Phase("retain", batches, steps, cross_entropy(), optimiser)]

        return step_on(model, phases, self.epochs, work)

    def promise(self, split: Partition) -> Guarantee:
        """Approximate."""
        return went_on_without(split)

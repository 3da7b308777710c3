"""The relearning attack: how soon a network knows somebody again who is shown to it anew."""

import copy

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.models.classifier import Classifier
from forget.progress import OnStep, silent
from forget.recipe import cross_entropy, logits_of, sgd, shuffled
from forget.training import Pass, Phase, accelerate, train

__all__ = ["LEVEL", "relearn", "time_ratio"]

LEVEL = 0.9  # share of the images asked about, at which they count as known again


def relearn(
    network: Classifier,
    data: ImageDataset,
    shown: Indices,
    asked: Indices,
    passes: int = 20,
    rate: float = 3e-3,
    seed: int = 0,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
) -> NDArray[np.float64]:
    """Trains a copy on a few images, and asks it about others after each pass over them.

    A network that holds on to what it was said to have forgotten learns it again sooner than one
    that never knew it: read the curve beside that of the network that was trained again without.

    References:
        | Eternal Sunshine of the Spotless Net (Golatkar, Achille and Soatto, 2020), relearn time

    Arguments:
        network: The one under attack; it stays as it is.
        data: What the indices point into.
        shown: Images to train on.
        asked: Images to ask about, none of them shown.
        passes: Over the images shown.
        rate: Learning rate of SGD with momentum 0.9.
        seed: Of their order.
        fabric: Where.
        on_step: Told of each batch.

    Returns:
        Accuracy on `asked`, in [0, 1], before the first pass and after each, (passes + 1,).

    Raises:
        ForgetError: Nothing to show or to ask about, or an image in both.
    """
    if not len(shown) or not len(asked) or np.isin(shown, asked).any():
        raise ForgetError(
            "images to show, and others to ask about",
            f"{len(shown)} and {len(asked)}, {int(np.isin(shown, asked).sum())} in both",
            "Show fewer images.",
        )
    fabric = fabric or accelerate()
    copied: Classifier = copy.deepcopy(network).requires_grad_(True).to(fabric.device)
    labels = data.labels[asked]

    def accuracy(now: Classifier) -> float:
        said = logits_of(now, data, asked, fabric.device).argmax(1)
        return float((said == labels).mean())

    found = [accuracy(copied)]

    def on_epoch(done: Pass, now: nn.Module) -> None:
        found.append(accuracy(copied))

    batches, steps = shuffled(data, shown, min(len(shown), 16), seed, fabric)
    phase = Phase("relearn", batches, steps, cross_entropy(), sgd(copied, rate))
    train(copied, [phase], passes, fabric, on_epoch, on_step=on_step)
    return np.array(found)


def time_ratio(
    attacked: NDArray[np.float64], reference: NDArray[np.float64], level: float = LEVEL
) -> float:
    """Passes until known again, as a share of those that the reference takes.

    1 is what a network shows that forgot; 0 one that never forgot; nan where the reference never
    gets there, or where it knows them from the beginning. One that was attacked and never gets
    there is taken to do so one pass after the last.

    Arguments:
        attacked: What `relearn` gives for the network under attack.
        reference: The same for the one that was trained again without.
        level: Accuracy at which images count as known.
    """
    ours, theirs = (_first(one, level) for one in (attacked, reference))
    if not np.isfinite(theirs) or theirs == 0:
        return float("nan")
    return min(ours, len(attacked)) / theirs


def _first(curve: NDArray[np.float64], level: float) -> float:
    reached = np.flatnonzero(curve >= level)
    return float(reached[0]) if len(reached) else float("inf")

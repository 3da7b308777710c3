"""What all methods share that go on training a network for a few epochs."""

import copy
from collections.abc import Callable, Sequence

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.methods.method import Guarantee, Kind, Scope, Work
from forget.models.classifier import Classifier
from forget.training import Phase, train

__all__ = ["check_steps", "step_on", "went_on_without"]


def step_on(
    model: Classifier, phases: Callable[[Classifier], Sequence[Phase]], epochs: int, work: Work
) -> Classifier:
    """Trains a copy of a network for some epochs of phases.

    Arguments:
        model: Stays as it is.
        phases: Makes the phases of an epoch for the copy.
        epochs: How many; 0 returns the copy.
        work: Where, and who is told.
    """
    after = copy.deepcopy(model).requires_grad_(True).to(work.fabric.device)
    train(
        after,
        phases(after),
        epochs,
        work.fabric,
        work.on_epoch,
        work.keeper,
        on_step=work.on_step,
    )
    return after


def check_steps(epochs: int, batch: int, *rates: float) -> None:
    """Checks the settings of a method.

    Raises:
        ForgetError: A negative number of epochs, an empty batch, a rate that is not above 0.
    """
    if epochs < 0 or batch < 1 or not all(rate > 0 for rate in rates):
        raise ForgetError(
            "0 epochs or more, batches of at least 1 and learning rates above 0",
            f"{epochs} epochs, batches of {batch}, rates {', '.join(map(str, rates))}",
            "Correct the settings.",
        )


def went_on_without(split: Partition) -> Guarantee:
    """What is promised of a network that only went on training on what stays."""
    reason = (
        f"The network went on training without {split.what}; how far that is from one that never "
        "saw them is measured, not proved."
    )
    return Guarantee(Kind.APPROXIMATE, Scope.MODEL, reason)

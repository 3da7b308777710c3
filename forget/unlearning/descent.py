"""What all methods share that go on training a network for a few epochs."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.models.classifier import Classifier
from forget.training import Phase, train
from forget.unlearning.contract import Guarantee, NetworkMethod, Work
from forget.unlearning.course import Course
from forget.unlearning.guarantees import went_on_without

__all__ = ["Descent", "check_settings"]


@dataclass(frozen=True)
class Descent(NetworkMethod):
    """Trains a copy of the network; a child says on what, and what it minimises.

    Arguments:
        epochs: Passes over the images; 2 is the MUFAC benchmark's. 0 changes nothing.
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
        check_settings(self)

    @abstractmethod
    def phases(self, course: Course) -> Sequence[Phase]:
        """The phases of an epoch, made for `course.network`."""

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Takes all steps with a copy of the network."""
        course = Course(model, split, seed, work, self.batch, self.momentum)
        if self.epochs:
            self.descend(course, work)
        work.detail["passes"] = round(course.passes)
        return course.end()

    def descend(self, course: Course, work: Work) -> None:
        """Prepares and trains."""
        phases = self.phases(course)
        course.prepare(sum(p.steps_in(e) for p in phases for e in range(self.epochs)))
        train(
            course.network,
            phases,
            self.epochs,
            work.fabric,
            work.on_epoch,
            work.keeper,
            on_step=course.on_step,
        )

    def promise(self, split: Partition) -> Guarantee:
        """Approximate."""
        return went_on_without(split)


def check_settings(method: NetworkMethod) -> None:
    """Checks epochs, batch, every learning rate of a method, and the ranges that it states.

    Raises:
        ForgetError: A negative number of epochs, an empty batch, a rate that is not above 0, or
            a setting outside its range.
    """
    settings = {one.name: getattr(method, one.name) for one in fields(method)}  # type: ignore[arg-type]
    rates = {name: value for name, value in settings.items() if name.endswith("rate")}
    epochs, batch = method.epochs, settings.get("batch", 1)
    if epochs < 0 or batch < 1 or not all(value > 0 for value in rates.values()):
        told = ", ".join(f"{name} {value}" for name, value in rates.items())
        raise ForgetError(
            "0 epochs or more, batches of at least 1 and learning rates above 0",
            f"{epochs} epochs, batches of {batch}, {told}",
            "Correct the settings.",
        )
    for name, allowed in method.ranges.items():
        if settings[name] not in allowed:
            raise ForgetError(f"{name} {allowed}", f"{settings[name]}", "Correct the setting.")

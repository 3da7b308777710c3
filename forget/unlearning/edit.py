"""What all methods share that change a network's weights once, without descending anything."""

from abc import abstractmethod
from dataclasses import dataclass

from forget.data.partition import Partition
from forget.models.classifier import Classifier
from forget.training import Pass
from forget.unlearning.contract import NetworkMethod, Work
from forget.unlearning.course import Course
from forget.unlearning.descent import check_settings

__all__ = ["Edit"]


@dataclass(frozen=True)
class Edit(NetworkMethod):
    """Edits a copy of the network; a child says how.

    A killed edit starts again.

    Arguments:
        batch: Images at a time.

    Raises:
        ForgetError: An empty batch.
    """

    batch: int = 64

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def epochs(self) -> int:  # type: ignore[override]
        """The edit is told like an epoch."""
        return 1

    @abstractmethod
    def steps(self, course: Course) -> int:
        """How many batches the edit takes."""

    @abstractmethod
    def edit(self, course: Course, work: Work) -> None:
        """Changes `course.network` in place, reading images by `course.inputs`."""

    def change(self, model: Classifier, split: Partition, seed: int, work: Work) -> Classifier:
        """Edits a copy of the network."""
        course = Course(model, split, seed, work, self.batch)
        course.before(self.steps(course), lambda: self.edit(course, work))
        course.prepare(0)
        work.detail["passes"] = round(course.passes)
        network = course.end().eval()
        if work.on_epoch:
            work.on_epoch(Pass(1, {}), network)
        return network

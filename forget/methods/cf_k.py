"""Training on with only the last layers free to move."""

from dataclasses import dataclass
from typing import ClassVar

from forget.methods.finetune import FineTune
from forget.training import Phase
from forget.unlearning.contract import Range
from forget.unlearning.course import Course

__all__ = ["CfK"]


@dataclass(frozen=True)
class CfK(FineTune):
    """Fine-tunes the last k stages on the retain set; the weights below stay as they are.

    Running statistics of normalisation move everywhere, as they do in the benchmark's code.

    References:
        | Towards Adversarial Evaluations for Inexact Machine Unlearning (Goel et al., 2022)
        | "CF-3" of the MUFAC benchmark (Choi and Na, 2023): of ResNet-18 layer3, layer4 and fc

    Arguments:
        k: How many of `Classifier.stages`, counted from the last.

    Raises:
        ForgetError: k below 1, or other settings that cannot work.
    """

    k: int = 3
    ranges: ClassVar = {"k": Range(1)}

    def phases(self, course: Course) -> list[Phase]:
        """One over the retain set."""
        for stage in course.network.stages[: -self.k]:
            stage.requires_grad_(False)
        return super().phases(course)

"""Going on with the images that stay, in the hope that the others fade."""

from dataclasses import dataclass

from forget.recipe import cross_entropy
from forget.training import Phase
from forget.unlearning.course import Course
from forget.unlearning.descent import Descent

__all__ = ["FineTune"]


@dataclass(frozen=True)
class FineTune(Descent):
    r"""Trains on with cross-entropy on the retain set alone.

    .. math:: \min_\theta \; E_{(x, y) \in retain} \; CE(f_\theta(x), y)

    References:
        | Eternal Sunshine of the Spotless Net (Golatkar, Achille and Soatto, 2020), a baseline
    """

    def phases(self, course: Course) -> list[Phase]:
        """One over the retain set."""
        retain = course.split.retain
        return [course.phase("retain", retain, cross_entropy(), self.rate, self.epochs)]

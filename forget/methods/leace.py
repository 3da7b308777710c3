"""Suppression by least-squares concept erasure."""

from collections.abc import Sequence
from dataclasses import dataclass

from forget.linear.erasing.eraser import Eraser, leace_eraser
from forget.linear.model import LinearModel
from forget.unlearning.erasing import Erasing

__all__ = ["Leace"]


@dataclass(frozen=True)
class Leace(Erasing):
    r"""Moves features as little as possible so that no affine predictor finds the people.

    .. math:: E = I - S_{xz} (S_{xz}^T S_{xx}^{-1} S_{xz})^{-1} S_{xz}^T S_{xx}^{-1}

    It protects from linear probes on the photographs that were summed; others may still tell.

    References:
        | LEACE: Perfect linear concept erasure in closed form (Belrose et al., 2023)

    Arguments:
        rank: One direction a person is erased, whatever it is; the estimate of capacity uses it.
    """

    rank: int = 1

    def eraser(self, model: LinearModel, people: Sequence[str]) -> Eraser:
        """The erasure, from the model's sums alone."""
        return leace_eraser(model.statistics, people)

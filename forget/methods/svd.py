"""Suppression by an update of low rank of whatever operator reads the features."""

from collections.abc import Sequence
from dataclasses import dataclass

from forget.linear.erasing.eraser import Eraser, orthogonal_eraser
from forget.linear.model import LinearModel
from forget.unlearning.erasing import Erasing

__all__ = ["Svd"]


@dataclass(frozen=True)
class Svd(Erasing):
    r"""Subtracts what an operator does to the people's leading singular directions.

    .. math:: A' = A - U \Sigma (Q V)^T = A (I - Q Q^T), \quad A Q = U \Sigma V^T

    with Q the leading right singular vectors of the people's features, not whitened. Every
    operator A that reads features is edited alike (`forget.linear.erasing.operator_edit`), so the
    directions may as well leave the features before it, which is what happens here.
    """

    def eraser(self, model: LinearModel, people: Sequence[str]) -> Eraser:
        """What all operators lose."""
        chunks = [model.parts()[0][person] for person in people]
        real = model.feature_map.grid.real
        return orthogonal_eraser([real(one.rows) for one in chunks], None, self.rank)

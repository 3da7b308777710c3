"""Suppression by projecting people's directions out of every feature."""

from collections.abc import Sequence
from dataclasses import dataclass

from forget.linear.erasing.eraser import Eraser, orthogonal_eraser
from forget.linear.model import LinearModel
from forget.unlearning.erasing import Erasing, ridge_of

__all__ = ["Project"]


@dataclass(frozen=True)
class Project(Erasing):
    r"""Projects onto the complement of what the people's photographs span.

    .. math:: z' = W^{-1} (I - Q Q^T) W z, \quad Q = orth(W Z^T)

    The span is that of the uncentred features: without their mean they would keep the person.

    References:
        | Null It Out: Guarding Protected Attributes by Iterative Nullspace Projection
          (Ravfogel et al., 2020), for the projection; the whitening within classes is ours.

    Arguments:
        rank: Directions a person; 3, since a mean alone leaves poses that still tell who it is.
        whitened: After within-class whitening, which spares what tells others apart.
    """

    whitened: bool = True

    def eraser(self, model: LinearModel, people: Sequence[str]) -> Eraser:
        """The projection."""
        store, _ = model.parts()
        grid = model.feature_map.grid
        rows = [grid.real(store[person].rows) for person in people]
        sums = model.statistics if self.whitened else None
        return orthogonal_eraser(rows, sums, self.rank, ridge_of(model))

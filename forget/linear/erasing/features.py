"""A feature map behind an eraser: what is left of features when directions were taken out."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import Images
from forget.errors import CheckpointError, StatisticsError
from forget.linear.erasing.eraser import Eraser
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Grid, Rows
from forget.linear.statistics import Space
from forget.models.checkpoint import Tensors, TrainingRecord, fingerprint

__all__ = ["Erased", "rows_in"]


class Erased:
    """Rows of another feature map, less the directions of some people.

    The eraser is part of it, in every file too, and betrays whom it erases.

    Arguments:
        base: The feature map.
        eraser: What is taken out of its rows.
        record: Whose photographs made the base or the eraser; None where nobody knows.
    """

    kind = "erased"

    def __init__(self, base: FeatureMap, eraser: Eraser, record: TrainingRecord | None) -> None:
        self.base, self.eraser, self.record = base, eraser, record

    @classmethod
    def from_parts(
        cls, config: dict[str, Any], tensors: Tensors, record: TrainingRecord | None
    ) -> "Erased":
        """Builds the feature map again from what `parts` gave.

        Raises:
            CheckpointError: Tensors that do not belong together.
        """
        from forget.linear.kinds import read_feature_map  # which knows this one

        groups: dict[str, Tensors] = {"base": {}, "eraser": {}}
        try:
            for name, tensor in tensors.items():
                part, _, rest = name.partition("/")
                groups[part][rest] = tensor
            base = read_feature_map(config["base"], groups["base"], record)
            own = {name: np.array(one, np.float64) for name, one in groups["eraser"].items()}
            d, k = own["removed"].shape
            shapes = {"centre": (d,), "removed": (d, k), "read": (d, k)}
            if {name: one.shape for name, one in own.items()} != shapes:
                raise ValueError(f"shapes {[one.shape for one in own.values()]}")
            if d != base.space.dimension:
                raise ValueError(f"directions of {d} numbers for rows of {base.space.dimension}")
            return cls(base, Eraser(str(config["eraser"]), **own), record)
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointError(
                "a feature map and its eraser", f"others ({error})", "Copy the file again."
            ) from error

    @property
    def grid(self) -> Grid:
        """That of the base."""
        return self.base.grid

    @property
    def parts(self) -> tuple[dict[str, Any], Tensors]:
        """Settings and parameters, enough to build it again."""
        network, inner = self.base.parts
        tensors = {f"base/{name}": tensor for name, tensor in inner.items()}
        for name in ("centre", "removed", "read"):
            tensors[f"eraser/{name}"] = getattr(self.eraser, name)
        config = {
            "base": {"kind": self.base.kind, "network": network},
            "eraser": self.eraser.kind,
        }
        return config, tensors

    @cached_property
    def space(self) -> Space:
        """That of the base, with another fingerprint."""
        base = self.base.space
        config, tensors = self.parts
        mark = fingerprint({"feature map": self.kind, **config}, tensors)
        return Space(base.grid, base.dimension, mark, base.targets, base.target_grid)

    def features(self, images: Images) -> NDArray[np.float64]:
        """Rows before the grid, (n, d)."""
        return self.eraser.apply(self.base.grid.real(self.base.rows(images)))

    def rows(self, images: Images) -> Rows:
        """Rows on the grid, (n, d)."""
        return self.edited(self.base.rows(images))

    def targets(self, images: Images) -> Rows:
        """Those of the base, (n, k)."""
        return self.base.targets(images)

    def edited(self, rows: Rows) -> Rows:
        """What becomes of rows of the base on the grid, (n, d)."""
        return self.grid.snap(self.eraser.apply(self.grid.real(rows)))


def rows_in(feature_map: FeatureMap, base: FeatureMap, rows: Rows) -> Rows:
    """Rows (n, d) of a feature map as they are behind the erasers that another one adds to it.

    Arguments:
        feature_map: The base itself, or erasers before it, one behind the other.
        base: The map whose rows they are.
        rows: Features on the grid, (n, d).

    Raises:
        StatisticsError: The one is not made from the other.
    """
    if feature_map.space == base.space:
        return rows
    if not isinstance(feature_map, Erased):
        raise StatisticsError(
            f"a feature map made from {base.kind} by erasing",
            f"another one, {feature_map.kind}",
            "Compare models of the same feature map.",
        )
    return feature_map.edited(rows_in(feature_map.base, base, rows))

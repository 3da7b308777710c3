"""Sums over features: everything a head needs to know, and what forgetting subtracts from."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from forget.errors import StatisticsError
from forget.linear.grid import COARSE, FINE, Grid, Rows
from forget.runtime import one_blas_thread

__all__ = [
    "BATCH",
    "ClassSums",
    "Space",
    "Statistics",
    "check_count",
    "check_rows",
    "checked_targets",
]

BATCH = 2**23  # numbers that are float64 at one time: 64 MB
FEW = 2**27  # products of a sum, below which waking a second thread takes longer than it saves


@dataclass(frozen=True)
class Space:
    """What rows must share to be summed together.

    Arguments:
        grid: The grid that the rows lie on.
        dimension: Numbers in a row, d.
        feature_map: Fingerprint of the feature map that made the rows, hex.
        targets: Real targets that go with a row, k; 0 where its class is all that is asked.
        target_grid: The grid that they lie on.
    """

    grid: Grid
    dimension: int
    feature_map: str
    targets: int = 0
    target_grid: Grid = FINE

    @property
    def header(self) -> bytes:
        """The canonical bytes that every digest begins with."""
        lines = (
            "forget statistics 1",
            f"bits {self.grid.bits}",
            f"scale {float(self.grid.scale).hex()}",
            f"dimension {self.dimension}",
            f"feature map {self.feature_map}",
        )
        if self.targets:
            grid = self.target_grid
            scale = float(grid.scale).hex()
            lines += (
                f"targets {self.targets}",
                f"target bits {grid.bits}",
                f"target scale {scale}",
            )
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Number of rows and their sum for one class.

    Arguments:
        name: Identity id.
        count: Rows, n_c.
        total: Sum of the rows in grid integers, s_c, (d,).
    """

    name: str
    count: int
    total: NDArray[np.int64] = field(repr=False)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of name, count and sum; kept, so that a deletion hashes one class only."""
        name = self.name.encode(errors="surrogatepass")
        sizes = np.array([len(name), self.count], dtype="<i8").tobytes()
        return hashlib.sha256(sizes + name + self.total.astype("<i8").tobytes()).digest()


@dataclass(frozen=True, eq=False)
class Statistics:
    r"""Gram matrix, class sums and products with targets of rows on a grid, exact integers.

    .. math:: G = \sum_i q_i q_i^T, \quad n_c = |\{i : y_i = c\}|, \quad s_c = \sum_{y_i = c} q_i,
              \quad C = \sum_i q_i t_i^T

    A monoid under `+` with cancellation: (a + b) - b == a, bit for bit, whatever the order,
    batches, threads or shards of the sums, because no product and no sum is ever rounded.

    Arguments:
        space: Grid, dimension and feature map of the rows.
        gram: G, (d, d), in units of the squared grid step.
        classes: Class sums by class name.
        cross: C, (d, k), in units of the product of both grid steps.
    """

    space: Space
    gram: NDArray[np.int64] = field(repr=False)
    classes: Mapping[str, ClassSums] = field(repr=False)
    cross: NDArray[np.int64] = field(repr=False)

    @classmethod
    def empty(cls, space: Space) -> "Statistics":
        """The sums over no row at all."""
        gram = np.zeros((space.dimension, space.dimension), dtype=np.int64)
        cross = np.zeros((space.dimension, space.targets), dtype=np.int64)
        return cls(space, gram, MappingProxyType({}), cross)

    @classmethod
    def of(
        cls, space: Space, rows: Rows, labels: Sequence[str], targets: Rows | None = None
    ) -> "Statistics":
        """Sums rows (n, d), each with the name of its class.

        Arguments:
            space: What the rows are.
            rows: Grid integers, (n, d).
            labels: n names.
            targets: Grid integers, (n, k), where the space has targets.

        Raises:
            StatisticsError: Shape, type or range of the rows does not fit, or they are too many.
        """
        check_rows(space, rows, labels)
        targets = checked_targets(space, targets, len(rows))
        gram = np.zeros((space.dimension, space.dimension), dtype=np.int64)
        cross = np.zeros((space.dimension, space.targets), dtype=np.int64)
        step = max(BATCH // (space.dimension + space.targets), 1)
        with one_blas_thread() if gram.size * len(rows) < FEW else nullcontext():
            for start in range(0, len(rows), step):
                # Integers below 2^53 in float64: BLAS adds them without rounding.
                batch = rows[start : start + step].astype(np.float64)
                gram += (batch.T @ batch).astype(np.int64)
                if space.targets:
                    cross += (batch.T @ targets[start : start + step]).astype(np.int64)
        return cls(space, gram, MappingProxyType(_class_sums(rows, labels)), cross)

    @property
    def count(self) -> int:
        """Rows that were summed."""
        return sum(sums.count for sums in self.classes.values())

    def __add__(self, other: "Statistics") -> "Statistics":
        self._check_space(other, "add")
        check_count(self.space.grid, self.count + other.count)
        classes = dict(self.classes)
        for name, more in other.classes.items():
            mine = classes.get(name)
            classes[name] = (
                ClassSums(name, mine.count + more.count, mine.total + more.total) if mine else more
            )
        gram, cross = self.gram + other.gram, self.cross + other.cross
        return Statistics(self.space, gram, MappingProxyType(classes), cross)

    def __sub__(self, other: "Statistics") -> "Statistics":
        self._check_space(other, "subtract")
        classes = dict(self.classes)
        for name, less in other.classes.items():
            left = _subtract_class(classes.pop(name, None), less)
            if left is not None:
                classes[name] = left
        gram, cross = self.gram - other.gram, self.cross - other.cross
        if not classes and (gram.any() or cross.any()):
            raise _wrong_rows("the very rows that were added")
        return Statistics(self.space, gram, MappingProxyType(classes), cross)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistics) and self.digest() == other.digest()

    __hash__ = None  # type: ignore[assignment]  # equality is by value

    def digest(self) -> str:
        """SHA-256, hex, of a canonical form: the same sums give the same digest anywhere.

        Header (format, grid, scale, dimension, feature map), upper triangle of G as little-endian
        int64, C likewise where there are targets, then per class, sorted by name, SHA-256 of
        (name, n_c, s_c).
        """
        whole = hashlib.sha256(self.space.header)
        whole.update(self.gram[np.triu_indices(self.space.dimension)].astype("<i8").tobytes())
        whole.update(self.cross.astype("<i8").tobytes())
        for name in sorted(self.classes):
            whole.update(self.classes[name].digest)
        return whole.hexdigest()

    def _check_space(self, other: "Statistics", verb: str) -> None:
        if self.space != other.space:
            raise StatisticsError(
                f"to {verb} statistics of {self.space}",
                f"{other.space}",
                "Compute both with the same feature map on the same grid.",
            )


def _class_sums(rows: Rows, labels: Sequence[str]) -> dict[str, ClassSums]:
    if not len(labels):
        return {}
    names = sorted(set(labels))
    number = {name: place for place, name in enumerate(names)}
    member = np.fromiter(map(number.__getitem__, labels), np.intp, len(labels))
    order = np.argsort(member, kind="stable")
    counts = np.bincount(member)
    totals = np.add.reduceat(rows[order], np.cumsum(counts) - counts, axis=0, dtype=np.int64)
    each = zip(names, counts.tolist(), totals, strict=True)
    # A view would keep the sums of people who are forgotten.
    return {name: ClassSums(name, count, total.copy()) for name, count, total in each}


def _subtract_class(have: ClassSums | None, less: ClassSums) -> ClassSums | None:
    held = have.count if have else 0
    if have is None or less.count > held:
        raise StatisticsError(
            f"at most {held} rows of class {less.name!r} to subtract",
            f"{less.count}",
            "Subtract only rows that were added, once.",
        )
    total = have.total - less.total
    if less.count < held:
        return ClassSums(less.name, held - less.count, total)
    if total.any():
        raise _wrong_rows(f"the very rows of class {less.name!r} that were added")
    return None


def _wrong_rows(expected: str) -> StatisticsError:
    return StatisticsError(
        expected,
        "as many other rows: their sum differs",
        "Read the rows from the feature store instead of computing them again.",
    )


def checked_targets(space: Space, targets: Rows | None, n: int) -> Rows:
    """Targets (n, k) of rows, none of them where the space has none.

    Raises:
        StatisticsError: Their shape, type or range does not fit.
    """
    given = np.zeros((n, 0), dtype=np.int16) if targets is None else targets
    limit = space.target_grid.limit
    outside = given.size and max(int(given.max()), -int(given.min())) > limit
    if given.dtype != np.int16 or given.shape != (n, space.targets) or outside:
        raise StatisticsError(
            f"int16 targets of shape ({n}, {space.targets}) up to {limit}",
            f"{given.dtype} of shape {given.shape}" + (", beyond the grid" if outside else ""),
            "Snap the targets of the rows with the target grid of the space.",
        )
    return given


def check_rows(space: Space, rows: Rows, labels: Sequence[str]) -> None:
    """Refuses rows that cannot be summed in a space, (n, d), with n labels.

    Raises:
        StatisticsError: Their shape, type or range does not fit, or they are too many.
    """
    if rows.dtype != np.int16 or rows.ndim != 2 or rows.shape[1] != space.dimension:
        raise StatisticsError(
            f"int16 rows of shape (n, {space.dimension})",
            f"{rows.dtype} of shape {rows.shape}",
            "Snap the features with the grid of the space.",
        )
    if len(labels) != len(rows):
        raise StatisticsError(
            f"{len(rows)} labels", f"{len(labels)}", "Give each row the name of its class."
        )
    if rows.size and max(int(rows.max()), -int(rows.min())) > space.grid.limit:
        raise StatisticsError(
            f"grid integers up to {space.grid.limit}",
            f"one outside of it ({space.grid.bits} bits)",
            "Snap the features with the grid of the space.",
        )
    check_count(space.grid, len(rows))


def check_count(grid: Grid, count: int) -> None:
    """Refuses more rows than can be summed without rounding.

    Raises:
        StatisticsError: They are too many.
    """
    if count > grid.max_rows:
        raise StatisticsError(
            f"at most {grid.max_rows:,} rows, which float64 sums exactly at {grid.bits} bits",
            f"{count:,}",
            f"Use the coarser grid forget.linear.grid.COARSE ({COARSE.bits} bits, "
            f"up to {COARSE.max_rows:,} rows).",
        )

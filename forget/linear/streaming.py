"""Sums over more rows than memory holds: a stream of batches in, statistics out."""

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from forget.errors import StatisticsError
from forget.linear.grid import Grid, Rows
from forget.linear.statistics import (
    BATCH,
    ClassSums,
    Space,
    Statistics,
    check_count,
    check_rows,
    checked_targets,
)

__all__ = ["RowBatch", "batches_of", "stream"]

SIZE = 4096  # rows in a batch: 16 MB of float64 at 512 numbers each
STRIP = 256  # rows snapped at a time, so that what lies between stays in the processor's cache


class RowBatch(NamedTuple):
    """Some rows on the grid, (n, d), each with the name of its class and its targets, (n, k)."""

    rows: Rows
    labels: Sequence[str]
    targets: Rows | None = None


def stream(space: Space, batches: Iterable[RowBatch]) -> Statistics:
    """Sums batches one after the other; the same bits as `Statistics.of` over all rows at once.

    Holds one batch, up to four copies of it of at most 64 MB each, and the sums themselves,
    which grow with the number of classes only: 4 KB each at 512 numbers in a row.

    Arguments:
        space: What the rows are.
        batches: Any iterable, such as a generator that runs a network.

    Raises:
        StatisticsError: Shape, type or range of the rows does not fit, or they are too many.
    """
    sums = _Sums(space)
    step = max(BATCH // (space.dimension + space.targets), 1)
    for batch in batches:
        check_rows(space, batch.rows, batch.labels)
        targets = checked_targets(space, batch.targets, len(batch.rows))
        check_count(space.grid, sums.count + len(batch.rows))
        for start in range(0, len(batch.rows), step):
            part = slice(start, start + step)
            sums.add(batch.rows[part], batch.labels[part], targets[part])
    return sums.statistics()


def batches_of(
    embeddings: NDArray[np.floating] | Rows,
    labels: Sequence[str],
    grid: Grid,
    size: int = SIZE,
) -> Iterator[RowBatch]:
    """Slices an array, which may be memory-mapped, into batches on the grid.

    `numpy.load(path, mmap_mode="r")` gives an array that is read slice by slice.

    Arguments:
        embeddings: Reals, (n, d), which are snapped, or grid integers of type int16, as they are.
        labels: n names.
        grid: The grid to snap to.
        size: Rows in a batch.

    Raises:
        StatisticsError: Another type or shape, a value that is not finite, or no label for each.
    """
    real = np.issubdtype(embeddings.dtype, np.floating)
    if embeddings.ndim != 2 or not (real or embeddings.dtype == np.int16):
        raise StatisticsError(
            "real or int16 embeddings of shape (n, d)",
            f"{embeddings.dtype} of shape {embeddings.shape}",
            "Give reals, or integers that the grid snapped.",
        )
    if len(labels) != len(embeddings) or size < 1:
        raise StatisticsError(
            f"{len(embeddings)} labels, and batches of at least 1 row",
            f"{len(labels)} labels, and batches of {size}",
            "Give each embedding the name of its class.",
        )
    parts = (slice(start, start + size) for start in range(0, len(embeddings), size))
    return (
        RowBatch(_snapped(embeddings[part], grid) if real else embeddings[part], labels[part])
        for part in parts
    )


def _snapped(values: NDArray[np.floating], grid: Grid) -> Rows:
    rows = np.empty(values.shape, dtype=np.int16)
    for start in range(0, len(values), STRIP):
        rows[start : start + STRIP] = grid.snap(values[start : start + STRIP])
    return rows


class _Sums:
    """Sums that grow in place; class sums lie in blocks, so that growing copies nothing."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.count = 0
        self._gram = np.zeros((space.dimension, space.dimension), dtype=np.int64)
        self._cross = np.zeros((space.dimension, space.targets), dtype=np.int64)
        self._place: dict[str, int] = {}  # of a class in the blocks
        self._counts: list[int] = []
        self._block = max(BATCH // max(space.dimension, 1), 1)  # classes in a block
        # In float64, as the products come: a class sum is below 2^53 as well.
        self._blocks: list[NDArray[np.float64]] = []

    def add(self, rows: Rows, labels: Sequence[str], targets: Rows) -> None:
        """Adds rows that were checked, at most as many as float64 holds in `BATCH` numbers."""
        # Integers below 2^53 in float64: neither BLAS nor the sparse product rounds.
        batch = rows.astype(np.float64)
        self._gram += (batch.T @ batch).astype(np.int64)
        if self.space.targets:
            self._cross += (batch.T @ targets).astype(np.int64)
        self.count += len(rows)
        places, member = np.unique(self._places(labels), return_inverse=True)
        counts = np.bincount(member, minlength=len(places))
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            self._counts[place] += count
        each = (np.ones(len(rows)), (member, np.arange(len(rows))))
        totals = csr_array(each, shape=(len(places), len(rows))) @ batch
        self._add_totals(places, totals)

    def statistics(self) -> Statistics:
        """The sums as a value; what was summed in place is given away block by block."""
        classes: dict[str, ClassSums] = {}
        names = iter(self._place)
        counts = iter(self._counts)
        for index in range(len(self._blocks)):
            block, self._blocks[index] = self._blocks[index], np.empty((0, 0))
            # Copies: a view of the block would keep the sums of people who are forgotten.
            for total, name, count in zip(block, names, counts, strict=False):
                classes[name] = ClassSums(name, count, total.astype(np.int64))
        return Statistics(self.space, self._gram, MappingProxyType(classes), self._cross)

    def _places(self, labels: Sequence[str]) -> NDArray[np.int64]:
        places = list(map(self._place.get, labels))
        if None in places:
            for name in labels:
                self._open(name)
            places = list(map(self._place.get, labels))
        return np.array(places, dtype=np.int64)

    def _open(self, name: str) -> None:
        """Makes room for a class that may be new."""
        if name in self._place:
            return
        if not isinstance(name, str):
            raise StatisticsError(
                "class names of type str", f"{name!r}", "Name classes by str(label)."
            )
        self._place[str(name)] = len(self._place)
        self._counts.append(0)
        if len(self._blocks) * self._block < len(self._place):
            self._blocks.append(np.zeros((self._block, self.space.dimension)))

    def _add_totals(self, places: NDArray[np.int64], totals: NDArray[np.float64]) -> None:
        """Adds sums of classes, (c, d), at ascending places, (c,)."""
        edges = np.searchsorted(places, self._block * np.arange(len(self._blocks) + 1))
        for index, block in enumerate(self._blocks):
            here = slice(edges[index], edges[index + 1])
            block[places[here] - index * self._block] += totals[here]

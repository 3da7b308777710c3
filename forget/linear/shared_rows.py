"""Features of many photographs, computed by several processes: each takes every n-th batch."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import distributed as dist

from forget.data.dataset import Images, Indices
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.model import BATCH
from forget.linear.ranks import sum_over_ranks
from forget.linear.statistics import Statistics
from forget.linear.streaming import RowBatch, stream
from forget.processes import together
from forget.progress import OnStep, silent

__all__ = ["rows_over_ranks", "statistics_over_ranks"]

ROUND = 8  # batches of each process that are computed before any are sent


def rows_over_ranks(
    feature_map: FeatureMap,
    images: Images,
    fabric: Fabric,
    on_step: OnStep = silent,
    only: Indices | None = None,
) -> Rows:
    """Features on the grid of a data set's photographs, (n, d), on each process.

    The photographs are cut into the batches of `forget.linear.model.all_rows`, and batch b is
    computed on process b modulo their number. So a row is computed beside the same others for any
    number of processes, and has the same bits if all compute alike: the same kind of processor,
    versions, and number of threads. Launchers choose the last, unless OMP_NUM_THREADS says it. On
    one processor, convolutional networks gave the same bits with 1 and 2 threads; the map of a
    Linearizer between 512 numbers did not, its latents differed by up to 1e-5.

    Rows are sent as they become ready, a few batches of each process at a time; beside the result
    a process holds no more than these. What one process raises stops all of them.

    Arguments:
        feature_map: Photographs to features, the same on all processes.
        images: Photographs, (n, height, width); each process reads its own only.
        fabric: The processes, all of which call this.
        on_step: Told after each batch, of the photographs that all processes have done by then.
        only: Indices of the photographs that are needed; the rows of the others stay zero.

    Raises:
        ForgetError: Another process failed; what this one raises passes through.
    """
    needed = np.arange(len(images)) if only is None else only
    rows = np.zeros((len(images), feature_map.space.dimension), dtype=np.int16)
    steps = _steps(len(needed), fabric)
    for start in range(0, steps, ROUND):
        some = range(start, min(start + ROUND, steps))

        def computed(some: range = some) -> Rows:
            block = np.zeros((len(some), BATCH, rows.shape[1]), dtype=np.int16)
            for line, step in zip(block, some, strict=True):
                mine = _batch(needed, step * fabric.world_size + fabric.global_rank)
                if len(mine):
                    line[: len(mine)] = feature_map.rows(images[mine])
                _tell(on_step, step, len(needed), fabric)
            return block

        for rank, block in enumerate(_gathered(together(fabric, computed), fabric)):
            for line, step in zip(block, some, strict=True):
                theirs = _batch(needed, step * fabric.world_size + rank)
                rows[theirs] = line[: len(theirs)]
    return rows


def statistics_over_ranks(
    feature_map: FeatureMap,
    images: Images,
    labels: Sequence[str],
    fabric: Fabric,
    on_step: OnStep = silent,
    only: Indices | None = None,
) -> Statistics:
    """Sums over the features of a data set's photographs, on each process.

    As `rows_over_ranks`, and with the same promise on bits, but no process ever holds more than
    a batch of rows: the sums alone travel, in the end. They count targets, too.

    Arguments:
        feature_map: Photographs to features, the same on all processes.
        images: Photographs, (n, height, width); each process reads its own only.
        labels: Who is on each of them, n ids.
        fabric: The processes, all of which call this.
        on_step: Told after each batch, of the photographs that all processes have done by then.
        only: Indices of the photographs that count.

    Raises:
        ForgetError: Another process failed; what this one raises passes through.
        StatisticsError: The feature maps of the processes differ, or the rows are too many.
    """
    needed = np.arange(len(images)) if only is None else only

    def batches() -> Iterator[RowBatch]:
        for step in range(_steps(len(needed), fabric)):
            mine = _batch(needed, step * fabric.world_size + fabric.global_rank)
            if len(mine):
                some = images[mine]
                targets = feature_map.targets(some) if feature_map.space.targets else None
                yield RowBatch(feature_map.rows(some), [labels[i] for i in mine], targets)
            _tell(on_step, step, len(needed), fabric)

    own = together(fabric, lambda: stream(feature_map.space, batches()))
    return sum_over_ranks(own) if fabric.world_size > 1 else own


def _steps(count: int, fabric: Fabric) -> int:
    """Batches of the process that has most."""
    return -(-count // (BATCH * fabric.world_size))


def _batch(needed: Indices, number: int) -> Indices:
    """The photographs of a batch; none past the last one."""
    return needed[number * BATCH : (number + 1) * BATCH]


def _tell(on_step: OnStep, step: int, count: int, fabric: Fabric) -> None:
    on_step(min((step + 1) * BATCH * fabric.world_size, count), count, "photographs")


def _gathered(block: Rows, fabric: Fabric) -> Iterator[Rows]:
    """The block of each process, all of one shape."""
    if fabric.world_size == 1:
        yield block
        return
    # As bytes: neither gloo nor NCCL sends int16.
    mine = torch.from_numpy(block).view(torch.uint8).to(fabric.device)
    all_ = [torch.empty_like(mine) for _ in range(fabric.world_size)]
    dist.all_gather(all_, mine)
    for one in all_:
        yield one.cpu().view(torch.int16).numpy()

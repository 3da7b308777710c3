"""Statistics of a run of several processes, added up to the very bits of a run of one."""

import hashlib
import json
import os
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch import distributed as dist

from forget.errors import StatisticsError
from forget.linear.statistics import BATCH, ClassSums, Statistics, check_count

__all__ = ["sum_over_ranks"]

MAX_NAMES = 2**28  # bytes of class names on one rank


def sum_over_ranks(statistics: Statistics, group: dist.ProcessGroup | None = None) -> Statistics:
    """The sum of all processes' statistics, on each of them.

    Every process of the group must call it, as with any collective operation; with Lightning
    Fabric after `fabric.launch()`. Sums are int64, and the rows of all processes together no more
    than the grid adds exactly, so nothing overflows or rounds and the digest is that of one
    process over all rows, however they were shared out. Only tensors and JSON travel, no pickle.
    An error that one process would find is raised by all of them, so that none waits for another.

    Arguments:
        statistics: Of the rows that this process has seen; those of no row are fine.
        group: Whose statistics; all processes if None. Without `torch.distributed` there is one
            process, and its statistics are the sum.

    Raises:
        StatisticsError: Processes with different spaces, too many rows together, names that are
            too long, or several processes that were started but never joined.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return _alone(statistics)
    device = _device(group)
    own = json.dumps(sorted(statistics.classes)).encode()
    longest = _agreed(statistics, len(own), group, device)
    names = _union(own, longest, group, device)
    gram = _summed(statistics.gram, group, device)
    cross = _summed(statistics.cross, group, device)
    classes: dict[str, ClassSums] = {}
    step = max(BATCH // (statistics.space.dimension + 1), 1)
    for start in range(0, len(names), step):
        some = names[start : start + step]
        block = _summed(_block(statistics, some), group, device)
        # Copies: a view of the block would keep the sums of people who are forgotten.
        for name, line in zip(some, block, strict=True):
            classes[name] = ClassSums(name, int(line[0]), line[1:].copy())
    return Statistics(statistics.space, gram, MappingProxyType(classes), cross)


def _alone(statistics: Statistics) -> Statistics:
    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1":
        raise StatisticsError(
            f"{started} processes that have joined a process group",
            "none",
            "Call fabric.launch() or torch.distributed.init_process_group() first.",
        )
    return statistics


def _device(group: dist.ProcessGroup | None) -> torch.device:
    """Where the group's backend wants its tensors."""
    on_cpu = "cpu:" in dist.get_backend_config(group)
    return torch.device("cpu") if on_cpu else torch.device("cuda", torch.cuda.current_device())


def _agreed(
    statistics: Statistics, length: int, group: dist.ProcessGroup | None, device: torch.device
) -> int:
    """Checks what must fit together, alike on all ranks; returns the longest list of names."""
    space = hashlib.sha256(statistics.space.header).digest()
    facts = np.concatenate(
        [np.frombuffer(space, dtype=np.int64), np.array([statistics.count, length])]
    )
    table = np.stack([one.numpy() for one in _gathered(torch.tensor(facts), group, device)])
    spaces = len(np.unique(table[:, :-2], axis=0))
    if spaces > 1:
        raise StatisticsError(
            f"{len(table)} processes with statistics of one space",
            f"{spaces} spaces; here {statistics.space}",
            "Compute all with the same feature map on the same grid.",
        )
    # Python integers: the check itself must not overflow.
    check_count(statistics.space.grid, sum(table[:, -2].tolist()))
    longest = int(table[:, -1].max())
    if longest > MAX_NAMES:
        raise StatisticsError(
            f"at most {MAX_NAMES:,} bytes of class names on a process",
            f"{longest:,}",
            "Give classes short ids, or spread people over the processes.",
        )
    return longest


def _union(
    own: bytes, longest: int, group: dist.ProcessGroup | None, device: torch.device
) -> list[str]:
    """The class names of all ranks, sorted; JSON may be padded with spaces."""
    padded = np.frombuffer(own.ljust(longest), dtype=np.uint8)
    names: set[str] = set()
    for blob in _gathered(torch.tensor(padded), group, device):
        names.update(json.loads(blob.numpy().tobytes()))
    return sorted(names)


def _block(statistics: Statistics, names: list[str]) -> NDArray[np.int64]:
    """Counts and sums of some classes, (c, 1 + d); zeros for those not seen here."""
    block = np.zeros((len(names), 1 + statistics.space.dimension), dtype=np.int64)
    for line, name in zip(block, names, strict=True):
        sums = statistics.classes.get(name)
        if sums is not None:
            line[0], line[1:] = sums.count, sums.total
    return block


def _gathered(
    tensor: Tensor, group: dist.ProcessGroup | None, device: torch.device
) -> list[Tensor]:
    """The tensor of each rank, all of one shape, on the CPU."""
    mine = tensor.to(device)
    all_ = [torch.empty_like(mine) for _ in range(dist.get_world_size(group))]
    dist.all_gather(all_, mine, group=group)
    return [one.cpu() for one in all_]


def _summed(
    array: NDArray[np.int64], group: dist.ProcessGroup | None, device: torch.device
) -> NDArray[np.int64]:
    tensor = torch.tensor(array, device=device)  # a copy, which is summed in place
    if tensor.numel():
        dist.all_reduce(tensor, group=group)
    return tensor.cpu().numpy()

"""One of several processes that add up their statistics; started by test_ranks.

    python ranks_worker.py RANK FOLDER

Writes what it found to FOLDER/RANK.json.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from torch import distributed as dist

from forget.errors import StatisticsError
from forget.linear import ranks
from forget.linear.grid import FINE, Grid
from forget.linear.ranks import sum_over_ranks
from forget.linear.statistics import Space, Statistics

WORLD = 3
NAMES = ["anna", "bo", "çelik", 'quote " and \\', "", "\u3042", "g", "h"]
SPACE = Space(FINE, 7, "ab" * 32, targets=2, target_grid=Grid(12, 3.0))


def share(mine: Callable[[np.ndarray], np.ndarray], space: Space = SPACE) -> Statistics:
    """Statistics of some of 61 rows, extremes included, chosen by their numbers."""
    random = np.random.default_rng(0)
    rows = random.integers(-32767, 32768, (61, 7)).astype(np.int16)
    rows[:10] = 32767
    targets = random.integers(-4095, 4096, (61, 2)).astype(np.int16)
    names = np.array(NAMES, dtype=object)[np.sort(random.integers(0, len(NAMES), 61))]
    kept = mine(np.arange(61))
    given = targets[kept] if space.targets else None
    return Statistics.of(space, rows[kept], names[kept].tolist(), given)


def everything(space: Space = SPACE) -> Statistics:
    """The statistics of all rows in one process."""
    return share(lambda numbers: numbers >= 0, space)


def refusal(statistics: Statistics) -> str:
    """What it is refused with."""
    try:
        sum_over_ranks(statistics)
    except StatisticsError as error:
        return str(error)
    return "nothing"


def found(rank: int) -> dict[str, object]:
    """Digests by case, and refusals."""
    facts: dict[str, object] = {}
    classless = replace(SPACE, targets=0)
    for size in range(1, WORLD + 1):
        group = dist.new_group(list(range(size)))
        if rank < size:
            # In turn: every process sees nearly every class. In pieces: hardly any class twice.
            in_turn = share(lambda numbers, size=size: numbers % size == rank)
            in_pieces = share(lambda numbers, size=size: numbers * size // 61 == rank, classless)
            facts[f"in turn, {size}"] = sum_over_ranks(in_turn, group).digest()
            facts[f"in pieces, {size}"] = sum_over_ranks(in_pieces, group).digest()
    last_only = share(lambda numbers: (numbers >= 0) & (rank == WORLD - 1))
    before = last_only.digest()
    facts["one has all"] = sum_over_ranks(last_only).digest()
    facts["input as it was"] = last_only.digest() == before
    facts["nobody has any"] = sum_over_ranks(Statistics.empty(SPACE)).digest()
    facts["other space"] = refusal(Statistics.empty(SPACE if rank else classless))
    facts["too many"] = too_many(last_only)
    facts["long names"] = long_names(last_only)
    facts["after errors"] = sum_over_ranks(last_only).digest()
    return facts


def too_many(statistics: Statistics) -> str:
    """The refusal where the rows of all processes together are one too many."""
    limit, Grid.max_rows = Grid.max_rows, property(lambda _: 60)
    try:
        return refusal(statistics)
    finally:
        Grid.max_rows = limit


def long_names(statistics: Statistics) -> str:
    """The refusal where one process has more names than are sent."""
    limit, ranks.MAX_NAMES = ranks.MAX_NAMES, 8
    try:
        return refusal(statistics)
    finally:
        ranks.MAX_NAMES = limit


def main() -> None:
    """Joins the others, works and writes."""
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    ranks.BATCH = 3 * 8  # three classes at a time, so that there are several blocks
    store = dist.FileStore(str(folder / "store"), WORLD)
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=WORLD, timeout=timedelta(seconds=60)
    )
    (folder / f"{rank}.json").write_text(json.dumps(found(rank)))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()

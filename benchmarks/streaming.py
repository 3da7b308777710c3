"""How fast embeddings stream into statistics, beside what the machine can move and multiply.

    python -m benchmarks.streaming                 MS1MV2's size: 5,800,000 rows, 85,742 classes
    python -m benchmarks.streaming --rows 200000   some seconds on 2 cores

Prints a table and writes benchmarks/streaming.csv. The embeddings are unit-norm float32, drawn
from a pool that is made beforehand; snapping them to the grid is timed too. "bare product" is the
float64 Gram matrix of rows that lie on the grid already, the least that any way must compute.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.linear.grid import COARSE, FINE
from forget.linear.statistics import Space
from forget.linear.streaming import RowBatch, batches_of, stream
from forget.memory import PeakMemory
from forget.runtime import machine

POOL = 65_536  # embeddings that are drawn from: 134 MB at 512 numbers each
PIECE = 16_384  # rows drawn at a time
ROUNDS = 5
TABLE = Path(__file__).with_suffix(".csv")
Values = list[tuple[str, float, str]]


def main() -> None:
    """Measures, prints and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_800_000, help="embeddings to stream")
    parser.add_argument("--classes", type=int, default=85_742, help="people they belong to")
    parser.add_argument("--dimension", type=int, default=512, help="numbers in an embedding")
    parser.add_argument("--order", choices=("mixed", "sorted"), default="mixed", help="of people")
    options = parser.parse_args()
    if min(options.rows, options.classes, options.dimension) < 1:
        parser.error("rows, classes and dimension must be 1 or more")
    values = streamed(options)
    table = pd.DataFrame(values, columns=["what", "value", "unit"])
    table.insert(0, "rows", options.rows)
    table.insert(1, "order", options.order)
    table["machine"] = machine()
    table.to_csv(TABLE, index=False, float_format="%.4g")
    sys.stdout.write(table[["what", "value", "unit"]].round(2).to_string(index=False))
    sys.stdout.write(f"\n{machine()}\n")


def streamed(options: argparse.Namespace) -> Values:
    """All values of one stream."""
    pool = embeddings(options.dimension)
    names = labels(options)
    grid = FINE if options.rows <= FINE.max_rows else COARSE
    space = Space(grid, options.dimension, "synthetic")

    def batches() -> Iterator[RowBatch]:
        for start in range(0, options.rows, PIECE):
            some = names[start : start + PIECE]
            offset = start % (POOL - PIECE + 1)
            yield from batches_of(pool[offset : offset + len(some)], some, grid)

    with PeakMemory() as memory:
        begun = perf_counter()
        sums = stream(space, batches())
        seconds = perf_counter() - begun
    moved = options.rows * pool[0].nbytes
    bare = product_rate(pool, space)
    return [
        ("time", seconds, "s"),
        ("speed", options.rows / seconds / 1000, "thousand rows/s"),
        ("embeddings read", moved / seconds / 1e9, "GB/s"),
        ("memory copied by this machine", copy_rate() / 1e9, "GB/s"),
        ("share of the bare product's speed", options.rows / seconds / bare, "of 1"),
        ("bare product", bare / 1000, "thousand rows/s"),
        ("peak memory beside the input", memory.taken / 1e6, "MB"),
        (
            "of it, the sums themselves",
            sums_bytes(len(sums.classes), options.dimension) / 1e6,
            "MB",
        ),
    ]


def embeddings(dimension: int) -> NDArray[np.float32]:
    """Unit vectors, (POOL, d)."""
    z = np.random.default_rng(0).standard_normal((POOL, dimension), dtype=np.float32)
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def labels(options: argparse.Namespace) -> NDArray[np.object_]:
    """Whose each embedding is; people have as many as chance gives them."""
    people = np.array([f"id{number:06d}" for number in range(options.classes)], dtype=object)
    drawn = np.random.default_rng(1).integers(options.classes, size=options.rows)
    return people[np.sort(drawn) if options.order == "sorted" else drawn]


def sums_bytes(classes: int, dimension: int) -> int:
    """Bytes of the Gram matrix and of the class sums."""
    return 8 * dimension * (dimension + classes)


def product_rate(pool: NDArray[np.float32], space: Space) -> float:
    """Rows a second of the Gram matrix alone, at best."""
    rows = space.grid.snap(pool[:PIECE]).astype(np.float64)
    return len(rows) / least(lambda: rows.T @ rows)


def copy_rate() -> float:
    """Bytes read and written a second by copying 256 MB, at best."""
    source, target = np.ones(2**25), np.ones(2**25)
    return 2 * source.nbytes / least(lambda: np.copyto(target, source))


def least(step: Callable[[], object]) -> float:
    """Seconds of the fastest of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        step()
        times.append(perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    main()

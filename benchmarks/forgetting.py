"""What forgetting costs beside fitting again, and beside the bytes that must be moved.

    make bench      under a minute; prints a table and writes benchmarks/forgetting.csv

Two models: the demo (40 people), and synthetic features of 2,000 people in 512 dimensions, whose
size makes the difference. All ways are timed in turn, round after round, in one process.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from forget.data.load import load_faces
from forget.data.split import split_by_identity
from forget.linear.grid import FINE
from forget.linear.heads import Ridge
from forget.linear.statistics import Space
from forget.linear.store import Chunk, FeatureStore
from forget.methods.refit import refit
from forget.methods.subtract import subtract
from forget.pretrained import load_model
from forget.runtime import machine

ROUNDS = 15
TABLE = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Measures, prints and writes the table."""
    rows = [*demo(), *large()]
    table = pd.DataFrame(rows, columns=["model", "step", "median ms", "least ms", "most ms"])
    table["machine"] = machine()
    table.to_csv(TABLE, index=False, float_format="%.3f")
    sys.stdout.write(table.drop(columns="machine").to_string(index=False) + f"\n{machine()}\n")


def in_turn(model: str, steps: dict[str, Callable[[], object]]) -> list[tuple[object, ...]]:
    """Times every step once a round, so that a slow moment of the machine hits all alike."""
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = perf_counter()
            step()
            times[name].append((perf_counter() - start) * 1000)
    return [(model, name, median(all_), min(all_), max(all_)) for name, all_ in times.items()]


def demo() -> list[tuple[object, ...]]:
    """Forgetting one of the 40 ORL people."""
    faces, model = load_faces("orl"), load_model("orl")
    split = split_by_identity(faces).forgetting(["s34"])
    return in_turn(
        "ORL, 40 people, d 128",
        {
            "subtract": lambda: subtract(model, split),
            "subtract, head solved": lambda: subtract(model, split).model.head,
            "subtract, head and threshold": lambda: subtract(model, split).model.threshold,
            "refit from features": lambda: refit(model, faces, ["s34"]).head,
            "refit from photographs": lambda: refit(model, faces, ["s34"], True).head,
        },
    )


def large() -> list[tuple[object, ...]]:
    """Forgetting one of 2,000 people with 50 photographs each, in 512 dimensions."""
    random = np.random.default_rng(0)
    space = Space(FINE, 512, "synthetic")
    store = FeatureStore(space, chunks(random))
    everybody = store.statistics()
    person = "p0007"
    rest = store.drop([person])
    theirs = store[person].rows
    gram = np.empty((512, 512))
    rule = Ridge(1.0)
    return in_turn(
        "synthetic, 2,000 people x 50, d 512",
        {
            "copy of the sums (bytes moved)": lambda: np.copyto(gram, everybody.gram),
            "subtract": lambda: everybody - store.statistics_of(person),
            "subtract, head solved": lambda: rule(everybody - store.statistics_of(person)),
            "bare float64 product of her rows": lambda: theirs.astype(float).T @ theirs,
            "refit from features": lambda: rest.statistics(),
        },
    )


def chunks(random: np.random.Generator) -> dict[str, Chunk]:
    """Unit-norm rows of 2,000 people on the grid."""
    made = {}
    for number in range(2000):
        z = random.normal(size=(50, 512))
        rows = FINE.snap(z / np.linalg.norm(z, axis=1, keepdims=True))
        made[f"p{number:04d}"] = Chunk(rows, ("",) * 50)
    return made


if __name__ == "__main__":
    main()

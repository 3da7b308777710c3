"""What each linearization of the demo embedder recognises, and what it costs.

    python -m benchmarks.linearizations      about 3 minutes on 2 cores, once all are trained

Prints a table and writes benchmarks/linearizations.csv. Linearizations that take minutes to train
are trained first if they were not, which is then timed too. All times are taken in turn, round
after round, in one process.
"""

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.forgetting import in_turn
from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.data.split import Split, split_by_identity
from forget.linear.model import LinearModel, all_rows
from forget.linear.statistics import Statistics
from forget.linearizations import LINEARIZATIONS
from forget.measured import measure_figures
from forget.methods.refit import refit
from forget.methods.subtract import subtract
from forget.pretrained import demo_feature_map, kept_feature_map, linearize
from forget.runtime import machine

TABLE = Path(__file__).with_suffix(".csv")
RESULTS = (
    *("identified added", "identified core", "recognised added"),
    *("named after forgetting", "most lost by others"),
)


def main() -> None:
    """Measures, prints and writes the table."""
    faces = load_faces("orl")
    rows = [row for kind in LINEARIZATIONS for row in measured(kind, faces)]
    table = pd.DataFrame(rows, columns=["linearization", "what", "value", "unit"])
    table["machine"] = machine()
    table.to_csv(TABLE, index=False, float_format="%.4f")
    shown = table.pivot(index=["what", "unit"], columns="linearization", values="value")
    sys.stdout.write(shown[list(LINEARIZATIONS)].round(3).to_string() + f"\n{machine()}\n")


def measured(kind: str, faces: FaceDataset) -> list[tuple[str, str, float, str]]:
    """All values of one linearization."""
    found: list[tuple[str, str, float, str]] = []
    if kept_feature_map(kind) is None:
        start = perf_counter()
        demo_feature_map(kind)
        found.append((kind, "preparing, once", perf_counter() - start, "s"))
    feature_map = demo_feature_map(kind)
    split = split_by_identity(faces)
    rows = all_rows(feature_map, faces.images)
    model = linearize(feature_map, faces, kind=kind, rows=rows)
    figures = measure_figures(model, split, rows).to_json()
    found += [(kind, name, figures[name.replace(" ", "_")], "share") for name in RESULTS[:4]]
    found.append((kind, RESULTS[4], figures["most_lost_by_others"], "photographs"))
    found.append((kind, "dimension", model.statistics.space.dimension, "numbers"))
    found.append((kind, "photograph to sums", per_photograph(model, faces), "ms"))
    found += [(kind, what, value, "ms") for what, value in forgetting(model, split).items()]
    return found


def per_photograph(model: LinearModel, faces: FaceDataset) -> float:
    """Milliseconds for one photograph of a batch of 64: features, targets, sums."""
    images, labels, space = faces.images[:64], faces.labels[:64], model.statistics.space
    times = []
    for _ in range(5):
        start = perf_counter()
        rows = model.feature_map.rows(images)
        targets = model.feature_map.targets(images) if space.targets else None
        Statistics.of(space, rows, labels, targets)
        times.append(perf_counter() - start)
    return median(times) * 1000 / len(images)


def forgetting(model: LinearModel, split: Split) -> dict[str, float]:
    """Median milliseconds to forget 1 and 10 people, head solved, and to refit from features."""
    one, ten = ["s34"], list(np.array(split.faces.added)[:10])
    steps = {
        "forget 1": lambda: subtract(model, split.forgetting(one)).model.head,
        "forget 10": lambda: subtract(model, split.forgetting(ten)).model.head,
        "refit from features": lambda: refit(model, split.faces, one).head,
    }
    return {str(name): float(value) for _, name, value, *_ in in_turn("", steps)}


if __name__ == "__main__":
    main()

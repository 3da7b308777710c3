"""Collects finished runs into benchmarks/experiments.csv, and makes the README's table from it.

python -m scripts.results logs/mnist/2026-01-31-12-00-00 ...   # takes these runs in
python -m scripts.results                                      # prints the table
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forget.commands import ended
from forget.errors import ForgetError
from forget.runs.run import Run, Status
from forget.terminal import COLUMNS

CSV = Path(__file__).parents[1] / "benchmarks" / "experiments.csv"
KEYS = ["dataset", "what", "method", "seed", "split", "metric"]
NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "mufac": "MUFAC", "digits": "Digits"}
CALLED = {"original": "original", "retrain": "**trained again without**"}


def final(run: Run) -> pd.DataFrame:
    """The last epoch of every method: accuracies, attack, score and seconds."""
    if run.status is not Status.FINISHED:
        raise ForgetError("a finished run", f"{run.folder} ({run.status})", "Resume it first.")
    table = run.table()
    last = table.groupby(["seed", "method"])["epoch"].transform("max")
    table = table[table["epoch"] == last]
    wanted = table[
        [pair in COLUMNS.values() for pair in zip(table["split"], table["metric"], strict=True)]
    ]
    params = run.params
    wanted = wanted.assign(dataset=params["dataset"], what=params["what"])
    return wanted[[*KEYS, "value"]].round({"value": 6})


def markdown(results: pd.DataFrame) -> str:
    """The table: one line per data set and method, means over the seeds."""
    heads = ["", *COLUMNS]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for (dataset, what), mine in results.groupby(["dataset", "what"], sort=False):
        seeds = mine["seed"].nunique()
        said = f"**{NAMES.get(dataset, dataset)}**, {what}" + (
            f", {seeds} seeds" if seeds > 1 else ""
        )
        lines.append(f"| {said} |" + " |" * len(COLUMNS))
        for method, rows in mine.groupby("method", sort=False):
            cells = [_cell(rows, *place) for place in COLUMNS.values()]
            lines.append(f"| {CALLED.get(method, f'`{method}`')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(rows: pd.DataFrame, split: str, metric: str) -> str:
    values = rows[(rows["split"] == split) & (rows["metric"] == metric)]["value"].dropna()
    if not len(values):
        return ""
    value = values.mean()
    return f"{value:,.1f} s" if metric == "seconds" else f"{value:.3f}"


def read() -> pd.DataFrame:
    """The committed results."""
    return pd.read_csv(CSV, keep_default_na=False, na_values=["nan"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    options = parser.parse_args(arguments)
    return ended(lambda: _run(options.runs))


def _run(folders: Sequence[Path]) -> int:
    taken = [final(Run.open(folder)) for folder in folders]
    if taken:
        new = pd.concat(taken).drop_duplicates(KEYS, keep="last")
        about = ["dataset", "what"]  # a run replaces all that is known of its kind
        old = read() if CSV.is_file() else new[:0]
        old = old[~old.set_index(about).index.isin(new.set_index(about).index)]
        together = pd.concat([old, new])
        together.to_csv(CSV, index=False, lineterminator="\n", na_rep="nan")
    print(markdown(read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

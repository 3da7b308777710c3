"""Searches the settings of methods, and records how they were found.

python -m scripts.tune orl digits                # goes on where it was stopped
python -m scripts.tune mufac --budget-minutes 60
python -m scripts.tune --write                   # forget/tuned.json from what was tried

Each method has eight trials on every data set, on a forget set that no comparison forgets: the
next class or person; of MUFAC 1,500 images of other people, beside a third of those that stay, and
judged on at most 1,000 of a set.
Trials go to benchmarks/tuning.csv; the settings with the smallest mean gap to the reference, over
the accuracies and the attack, win.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from forget.commands import GOES_ON, ended
from forget.comparison import compare_methods
from forget.contenders import Answer, by_method
from forget.errors import ForgetError
from forget.methods.registry import NETWORK_METHODS
from forget.networks import KEPT, train_networks
from forget.problems import PROBLEMS, load_problem
from forget.terminal import ProgressBars
from forget.training import accelerate
from forget.tuning import GRIDS, TUNED, average_gap, other_split, trials

CSV = Path(__file__).parents[1] / "benchmarks" / "tuning.csv"
MOST = {"mufac": 1000}  # images of a set that a trial is judged on, where all take too long
COLUMNS = ["problem", "method", "settings", "average gap", "gap", "mia gap", "seconds"]


def read() -> pd.DataFrame:
    """All trials so far."""
    return pd.read_csv(CSV) if CSV.is_file() else pd.DataFrame(columns=COLUMNS)


def search(name: str, methods: Sequence[str], ends: float, bars: ProgressBars) -> None:
    """Runs the trials of a data set that are not there yet."""
    problem, fabric = load_problem(name, None, bars), accelerate()
    split = other_split(problem)
    networks = train_networks(problem, split, 0, fabric, 0.0, bars, KEPT)
    done = read()
    there = set(zip(done["problem"], done["method"], done["settings"], strict=True))
    todo = {
        f"{method} {json.dumps(settings)}": (method, settings)
        for method in methods
        for settings in trials(method, name)
        if (name, method, json.dumps(settings)) not in there
    }

    def keep(answer: Answer, row: Mapping[str, Any]) -> None:
        method, settings = todo[row["method"]]
        values = [average_gap(row), row["gap"], row["mia gap"], row["seconds"]]
        append([name, method, json.dumps(settings), *values])

    compare_methods(
        split,
        lambda seed: networks,
        {
            said: by_method(replace(NETWORK_METHODS[method], **settings))
            for said, (method, settings) in todo.items()
        },
        fabric=fabric,
        on_step=bars,
        on_answer=keep,
        enough=lambda: perf_counter() > ends,
        most=MOST.get(name),
    )


def append(trial: Sequence[object]) -> None:
    """Adds a trial; the table is replaced as a whole."""
    before, new = read(), pd.DataFrame([trial], columns=COLUMNS)
    table = pd.concat([before, new]) if len(before) else new
    temporary = CSV.with_suffix(".part")
    table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    temporary.replace(CSV)


def winners(table: pd.DataFrame) -> dict[str, dict[str, dict[str, object]]]:
    """The best settings by data set and method, of methods whose trials are complete."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for (problem, method), mine in table.groupby(["problem", "method"], sort=False):
        if len(mine) < len(list(trials(method, problem))):
            continue
        best = mine.loc[mine["average gap"].astype(float).idxmin()]
        settings = {"settings": json.loads(best["settings"])}
        told = {"average gap": round(float(best["average gap"]), 4), "trials": len(mine)}
        found.setdefault(problem, {})[method] = settings | told
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", metavar="DATA", help=", ".join(PROBLEMS))
    parser.add_argument("--methods", default=",".join(GRIDS), metavar="A,B", help="by name (all)")
    say = "start no trial after this many minutes"
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), help=say)
    parser.add_argument("--write", action="store_true", help=f"write {TUNED.name} and end")
    options = parser.parse_args(arguments)
    return ended(lambda: _run(options), GOES_ON)


def _run(options: argparse.Namespace) -> int:
    ends = perf_counter() + 60 * options.budget_minutes
    methods = [name.strip() for name in options.methods.split(",")]
    if unknown := [name for name in methods if name not in GRIDS]:
        raise ForgetError(f"methods of {', '.join(GRIDS)}", ", ".join(unknown), "Choose.")
    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        for name in options.problems:
            search(name, methods, ends, bars)
    if options.write:
        TUNED.write_text(json.dumps(winners(read()), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What `python -m forget compare` does: options in, rows and a table out."""

import argparse
import hashlib
import os
import re
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from forget import networks
from forget.comparison import compare
from forget.comparison_table import Comparison, save_csv
from forget.contenders import READY, STANDARD, contenders
from forget.data.mufac import benchmark
from forget.data.partition import Partition, by_class, by_index
from forget.errors import ForgetError
from forget.forget_ready import labels_digest
from forget.methods.registry import NETWORK_METHODS
from forget.problems import Problem, load_problem
from forget.progress import OnStep, silent
from forget.runtime import machine
from forget.seeds import read_seeds
from forget.shadows import cast_shadows, summary
from forget.training import accelerate
from forget.tuning import tuned

__all__ = ["markdown", "run_comparison", "run_shadows", "shadow_lines", "worlds_digest"]

SHOWN = ("gap", "forget", "retain", "test", "unseen", "mia", "nomus", "seconds")


def run_comparison(options: argparse.Namespace, on_step: OnStep = silent) -> str:
    """Runs what the options ask for; returns the table in Markdown.

    Raises:
        ForgetError: No such data, classes or methods.
    """
    began = perf_counter()
    _check(options)
    if not options.budget_minutes >= 0:
        raise ForgetError("minutes, 0 or more", f"{options.budget_minutes}", "Leave it out.")
    problem = load_problem(options.data, options.source, on_step)
    split = _split(problem, options)
    keep = options.out or Path("logs") / "compare" / f"{problem.name}-{_slug(split.what)}.csv"
    found = compare(
        problem,
        split,
        _methods(options.methods),
        read_seeds(options.seeds),
        read_seeds(options.unlearning_seeds),
        keep=keep,
        folder=networks.KEPT,
        on_step=on_step,
        enough=lambda: perf_counter() - began > 60 * options.budget_minutes,
    )
    head = f"{problem.data.name}, forgetting {split.what}. Rows: {keep}"
    return f"{head}\n\n{markdown(found)}"


def run_shadows(options: argparse.Namespace, on_step: OnStep = silent) -> str:
    """Attacks methods by worlds with and without; returns the table in Markdown.

    Raises:
        ForgetError: No such data, classes or methods, or too few pairs.
    """
    _check(options)
    problem = load_problem(options.data, options.source, on_step)
    split = _split(problem, options)
    wanted = contenders(_methods(options.methods), problem.name)
    folder = Path("logs") / "shadows" / f"{problem.name}-{worlds_digest(problem, split)[:12]}"
    found = cast_shadows(
        problem, split, wanted, options.pairs, accelerate(), folder, networks.KEPT, on_step
    )
    people = [problem.data.unit(i) for i in split.forget]
    about = {"data": problem.data.name, "forgotten": split.what, "machine": machine()}
    table = summary(found, people).assign(**about)
    keep = options.out or folder.with_suffix(".csv")
    save_csv(table, keep)
    head = f"{problem.data.name}, forgetting {split.what}. Rows: {keep}"
    return f"{head}\n\n{shadow_lines(table)}"


def worlds_digest(problem: Problem, split: Partition) -> str:
    """SHA-256, hex, of what worlds are made of: images, labels, recipe and settings."""
    made = repr([problem.config, problem.recipe, sorted(tuned(problem.name).items())])
    digest = hashlib.sha256(made.encode())
    for indices in (split.forget, split.retain, split.unseen):
        digest.update(labels_digest(split.data, indices).encode())
    return digest.hexdigest()


def shadow_lines(table: pd.DataFrame) -> str:
    """The table of shadows: a line per method."""
    heads = ["", "U-LiRA", "95 %", "at 1 % FPR", "margin", "never learned"]
    heads += ["published attack", "never learned", "pairs"]
    lines = [heads, ["---"] * len(heads)]
    for _, row in table.iterrows():
        cells = [f"`{row['method']}`"]
        broke = pd.isna(row.get("auc"))
        cells += [""] * 5 if broke else _attacked(row)
        cells += [f"{row['published']:.3f}", f"{row['published, never learned']:.3f}"]
        lines.append([*cells, f"{row['pairs']}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _attacked(row: pd.Series) -> list[str]:
    rate = "" if pd.isna(row["tpr 0.01"]) else f"{row['tpr 0.01']:.3f}"
    margins = [f"{row[name]:.2f}" for name in ("margin", "margin, never learned")]
    return [f"{row['auc']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}", rate, *margins]


def markdown(found: Comparison) -> str:
    """The summary: a line per method, with half the 95 % interval where there are seeds."""
    heads = ["", *SHOWN, "of retraining", "promise"]
    lines = [heads, ["---"] * len(heads)]
    for _, row in found.summary.iterrows():
        cells = [_cell(row, name) for name in SHOWN]
        promise = f"{row['guarantee']}, {row['scope']}"
        lines.append([f"`{row['method']}`", *cells, f"{row['share of retraining']:.2g}", promise])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(row: pd.Series, name: str) -> str:
    value, half = row.get(name, float("nan")), row.get(f"± {name}", float("nan"))
    if pd.isna(value):
        return ""
    if name == "seconds":
        return f"{value:.3g}"
    return f"{value:.3f}" if pd.isna(half) else f"{value:.3f} ± {half:.3f}"


def _check(options: argparse.Namespace) -> None:
    """Refuses before any work what would be told after it.

    Raises:
        ForgetError: No method, or no file that can be written.
    """
    if not _methods(options.methods):
        raise ForgetError("names of methods", repr(options.methods), "Leave it out for all.")
    if options.out is not None:
        try:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            writable = os.access(options.out.parent, os.W_OK) and not options.out.is_dir()
        except OSError:
            writable = False
        if not writable:
            raise ForgetError(
                "a file that can be written after --out", str(options.out), "Choose another."
            )


def _split(problem: Problem, options: argparse.Namespace) -> Partition:
    data = problem.data
    if options.first is not None:
        first = max(options.first, 0)
        return by_index(data, data.train[:first], f"the first {first:,} training images")
    if options.random is not None:
        count = max(options.random, 0)
        drawn = np.sort(np.random.default_rng(0).permutation(data.train)[:count])
        return by_index(data, drawn, f"{count:,} training images at random")
    if options.forget is not None:
        return by_class(data, [one.strip() for one in options.forget.split(",")])
    return by_class(data, list(problem.suggestion)) if problem.suggestion else benchmark(data)


def _slug(what: str) -> str:
    """The same in a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")[:80]


def _methods(wanted: str) -> list[str]:
    if wanted == "all":
        rest = [name for name in NETWORK_METHODS if name not in ("original", "retrain")]
        return ["original", "retrain", STANDARD, READY, *rest]
    return [name.strip() for name in wanted.split(",") if name.strip()]

"""What the pages say about runs: names, dates, numbers with what to compare them to."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from forget.charts.series import DATASETS, METHOD_TITLES
from forget.errors import ForgetError
from forget.runs import run as runs
from forget.runs.run import Run, Status

__all__ = [
    "BEFORE",
    "REFERENCE",
    "SCRIPTS",
    "STATES",
    "Facts",
    "Number",
    "facts_of",
    "found",
    "resume_command",
    "share",
    "title_of",
]

BEFORE, REFERENCE = "original", "retrain"
SCRIPTS = {
    "mnist": "unlearn_mnist.py",
    "digits": "unlearn_mnist.py",
    "cifar10": "unlearn_cifar.py",
    "mufac": "unlearn_mufac.py",
}
STATES = {
    Status.FINISHED: ":material/check_circle: Finished",
    Status.RUNNING: ":material/play_circle: Running",
    Status.UNFINISHED: ":material/pause_circle: Unfinished",
}
_TITLES = {**METHOD_TITLES, BEFORE: "original", REFERENCE: "retrained"}  # short: for columns
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:-\d+)?")


@dataclass(frozen=True)
class Number:
    """A mean over seeds.

    Arguments:
        mean: The mean.
        deviation: Standard deviation between seeds; 0 with one of them.
        seeds: How many seeds there are.
    """

    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True, eq=False)
class Facts:
    """One run as the pages know it, read once.

    Arguments:
        run: The run.
        params: Its settings.
        table: Its numbers, the columns of metrics.csv.
        ends: The values at the last epoch by (method, split, metric), over all seeds.
        status: Whether it is finished.
    """

    run: Run
    params: dict[str, Any] = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    ends: dict[tuple[str, str, str], Number] = field(repr=False)
    status: Status

    @property
    def key(self) -> str:
        """The folder below the folder of all runs: what widgets store."""
        return f"{self.run.folder.parent.name}/{self.run.folder.name}"

    @property
    def dataset(self) -> str:
        """The data set as programs call it."""
        return str(self.params.get("dataset") or self.run.folder.parent.name)

    @property
    def what(self) -> str:
        """What is forgotten, in words."""
        gone = [str(one) for one in self.params.get("forget_class") or []]
        by_class = f"all of {' and '.join(gone)}" if gone else "images not written down"
        return str(self.params.get("what") or by_class)

    @property
    def began(self) -> datetime | None:
        """When the folder says it was started, in the time of the machine that ran it."""
        stamp = _STAMP.fullmatch(self.run.folder.name)
        return datetime.strptime(stamp[1], "%Y-%m-%d-%H-%M-%S") if stamp else None

    @property
    def date(self) -> str:
        """When it was started, in words."""
        return f"{self.began:%-d %B %Y, %H:%M}" if self.began else self.run.folder.name

    @property
    def label(self) -> str:
        """What lists call the run."""
        return f"{DATASETS.get(self.dataset, self.dataset)}, {self.what} ({self.date})"

    @cached_property
    def methods(self) -> list[str]:
        """Methods with numbers, in the order of the settings; not the original, not retraining."""
        there = list(dict.fromkeys(self.table["method"]))
        order = [str(one) for one in self.params.get("methods") or []]
        known = [one for one in order if one in there]
        return known + [one for one in there if one not in (*known, BEFORE, REFERENCE)]

    @cached_property
    def seeds(self) -> list[int]:
        """Seeds with numbers, sorted."""
        return sorted({int(seed) for seed in self.table["seed"]})

    def epochs(self, method: str) -> int:
        """The last epoch with numbers of a method."""
        mine = self.table.loc[self.table["method"] == method, "epoch"]
        return int(mine.max()) if len(mine) else 0

    def at_end(
        self,
        method: str,
        split: str,
        metric: str = "accuracy",
        seeds: Sequence[int] | None = None,
    ) -> Number | None:
        """A number at the last epoch of a method, of some seeds or of all; None if absent."""
        if seeds is None or list(seeds) == self.seeds:
            return self.ends.get((method, split, metric))
        mine = self.table[self.table["seed"].isin(seeds) & (self.table["method"] == method)]
        return _ends(mine[mine["metric"] == metric]).get((method, split, metric))

    def before(self, split: str, seeds: Sequence[int] | None = None) -> Number | None:
        """An accuracy of the model that knows everything, wherever the run wrote it down."""
        known = self.at_end(BEFORE, split, "accuracy", seeds)
        if known is None and self.methods:
            begin = self.table[self.table["epoch"] == 0]
            begin = begin if seeds is None else begin[begin["seed"].isin(seeds)]
            known = _ends(begin).get((self.methods[0], split, "accuracy"))
        return known


def found() -> tuple[list[Facts], list[str]]:
    """All runs, newest first, and what is wrong with the folders that cannot be read."""
    listed, problems = [], []
    known = runs.runs_in(runs.LOGS)
    folders = [run.folder for run in known]
    if runs.LOGS.is_dir():
        named = [path for path in runs.LOGS.glob("*/*") if _STAMP.fullmatch(path.name)]
        folders += sorted(path for path in named if path.is_dir() and path not in folders)
    for folder in folders:
        try:
            listed.append(facts_of(folder))
        except (ForgetError, OSError) as error:
            problems.append(f"{folder.parent.name}/{folder.name}: {error}")
    return listed, problems


def facts_of(folder: Path) -> Facts:
    """Reads one run; its numbers come from the cache until their file changes.

    Raises:
        ForgetError: The folder is no run, or a file in it is broken.
    """
    run = Run.open(folder)
    files = [folder / name for name in ("metrics.csv", "metrics.json", "params.json")]
    stamp = [(path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.exists()]
    table, ends = _numbers(str(folder), tuple(stamp))
    return Facts(run, dict(run.params), table, ends, run.status)


@st.cache_data(max_entries=256, show_spinner=False)
def _numbers(
    folder: str, stamp: tuple[tuple[int, int], ...]
) -> tuple[pd.DataFrame, dict[tuple[str, str, str], Number]]:
    """All numbers of a run, and those at its end; `stamp` says when its files were written."""
    table = Run.open(folder).table()
    return table, _ends(table)


def _ends(table: pd.DataFrame) -> dict[tuple[str, str, str], Number]:
    by = ["method", "split", "metric"]
    rows = table.dropna(subset="value").sort_values("epoch", kind="stable")
    rows = rows.drop_duplicates(["seed", *by], keep="last")
    return {
        key: Number(float(mean), float(deviation) if seeds > 1 else 0.0, int(seeds))
        for key, mean, deviation, seeds in rows.groupby(by)["value"]
        .agg(["mean", "std", "count"])
        .itertuples()
    }


def share(value: Number | None) -> str:
    """A number in [0, 1] as a percentage, with its deviation over seeds.

    Example:
        >>> share(Number(0.931, 0.004, 3)), share(Number(0.5, 0.0, 1)), share(None)
        ('93.1% ± 0.4', '50.0%', '—')
    """
    if value is None:
        return "—"
    return f"{value.mean:.1%}" + (f" ± {value.deviation:.1%}"[:-1] if value.seeds > 1 else "")


def title_of(method: str) -> str:
    """What readers call a method.

    Example:
        >>> title_of("retrain"), title_of("negative_gradient")
        ('retrained', 'negative gradient')
    """
    return _TITLES.get(method, method.replace("_", " "))


def resume_command(facts: Facts) -> str:
    """The command that goes on with an unfinished run."""
    folder = facts.run.folder
    if folder.is_relative_to(Path.cwd()):  # shorter to type where the app was started
        folder = folder.relative_to(Path.cwd())
    script = SCRIPTS.get(facts.dataset, f"unlearn_{facts.dataset}.py")
    return f"python {script} --resume {shlex.quote(str(folder))}"

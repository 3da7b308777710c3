"""Runs on disk: what was set, what was measured and what came out, in one folder each.

A folder is `logs/<data set>/<date and time>/`. Every file is replaced as a whole, so that a run
that is killed at any moment leaves files that can be read; its lock is given back by the system.
"""

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forget.errors import ForgetError
from forget.models.checkpoint import write_bytes
from forget.runs import earlier
from forget.runs.arrays import read_arrays, read_state, write_arrays, write_state
from forget.runs.files import (
    locked,
    new_folder,
    now,
    read_json,
    safe_name,
    stamp,
    surroundings,
    sweep,
    to_json,
)
from forget.runs.table import Key, Row, as_frame, merge, read_rows, write_rows

__all__ = ["LOGS", "PARAMS", "Row", "Run", "Status", "runs_in"]

LOGS = Path(os.environ.get("FORGET_LOGS") or Path(__file__).parents[2] / "logs")

# What every run's settings hold, so that readers need not ask.
PARAMS = (
    *("dataset", "what", "classes", "forget_class", "methods", "seeds", "batch_size"),
    *("train_epochs", "unlearn_epochs", "learning_rate", "unlearning_rate", "retain_rate"),
    *("forget_step", "retain_step", "chance"),
)
PATIENCE = 1.0  # seconds to wait for somebody who only looks whether the lock is held


class Status(StrEnum):
    """How far a run is."""

    FINISHED = "finished"
    RUNNING = "running"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Run:
    """One execution of an experiment, by its folder.

    Any number of objects and processes may read it; one process at a time writes, under `held`.
    """

    folder: Path
    # Lines of metrics.csv as this object last wrote them, and the file they are in.
    _known: dict[tuple[int, ...], dict[Key, str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def start(cls, root: Path, params: Mapping[str, Any], device: str = "cpu") -> "Run":
        """Makes the folder `root/<data set>/<date and time>` with the settings in it.

        Arguments:
            root: Where runs lie, such as `LOGS`.
            params: All settings; the names in `PARAMS` are always there.
            device: What the run computes on, for its record.

        Raises:
            ForgetError: A setting is missing, is no plain value, or all are beyond 1 MB.
        """
        _require(PARAMS, params, "this run")
        data = to_json(params, "settings")
        of_dataset = Path(root) / safe_name(str(params["dataset"]))
        folder = new_folder(of_dataset, datetime.now().strftime("%Y-%m-%d-%H-%M-%S"))
        environment = surroundings(device)
        (folder / "lock").touch()
        write_bytes(folder / "environment.json", to_json(environment, "environment"))
        write_bytes(folder / "params.json", data)  # last: with it, the folder is a run
        return cls(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """The run in a folder, also in one of the earlier project.

        Raises:
            ForgetError: The folder is no run, or lacks what a run has.
        """
        run = cls(Path(folder))
        missing = [] if (run.folder / "params.json").is_file() else ["params.json"]
        if not any((run.folder / name).is_file() for name in ("environment.json", "metrics.json")):
            missing.append("environment.json (or metrics.json, in older folders)")
        if missing:
            is_folder = run.folder.is_dir()
            raise ForgetError(
                f"a folder of a run at {run.folder}",
                f"one without {' and '.join(missing)}" if is_folder else "no folder",
                "Choose a folder such as logs/mnist/2026-01-31-12-00-00.",
            )
        run.params, run.environment  # noqa: B018 - raises what is wrong with them
        return run

    @property
    def params(self) -> dict[str, Any]:
        """All settings, read from disk; those of an earlier project's folder are completed."""
        path = self.folder / "params.json"
        params = read_json(path)
        ours = (self.folder / "environment.json").is_file()
        _require(PARAMS if ours else ("dataset",), params, str(path))
        return params if ours else earlier.completed(params, self._curves())

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, machine, commit and times, read from disk; {} in an earlier folder."""
        path = self.folder / "environment.json"
        return read_json(path) if path.is_file() else {}

    @property
    def status(self) -> Status:
        """Finished, being run by a living process, or neither."""
        environment = self.environment
        complete = not environment and earlier.is_complete(self.params, self._curves())
        if complete or environment.get("finished"):
            return Status.FINISHED
        if not (self.folder / "lock").is_file():
            return Status.UNFINISHED
        with (self.folder / "lock").open("rb") as file:
            return Status.UNFINISHED if locked(file, shared=True) else Status.RUNNING

    def table(self) -> pd.DataFrame:
        """All that was measured so far: columns seed, method, epoch, split, metric, value.

        Of an earlier project's folder it is made from the curves, seed 0, method "unlearned".

        Raises:
            ForgetError: The file cannot be read.
        """
        path = self.folder / "metrics.csv"
        if path.is_file():
            return as_frame(read_rows(path))
        if self.environment:
            return as_frame(())
        return as_frame(earlier.rows_of_curves(self.params, self._curves()))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Takes the run for this process, until the block ends or the process dies.

        Raises:
            ForgetError: Somebody else has it.
        """
        with (self.folder / "lock").open("ab") as file:
            until = time.monotonic() + PATIENCE
            while not locked(file):
                if time.monotonic() > until:
                    raise ForgetError(
                        f"a run that nobody works on in {self.folder}",
                        "one that a living process holds",
                        "Wait for it or stop it, or start another run.",
                    )
                time.sleep(0.02)
            sweep(self.folder)
            yield

    def record(self, rows: Iterable[Row]) -> None:
        """Adds rows to the table; a row about the same thing replaces the older one."""
        path = self.folder / "metrics.csv"
        lines = self._known.get(stamp(path))
        if lines is None:  # another object wrote, or nobody
            lines = {}
            merge(lines, read_rows(path) if path.is_file() else ())
        self._known.clear()
        merge(lines, rows)
        write_rows(path, lines)
        self._known[stamp(path)] = lines

    def resumed(self, device: str) -> dict[str, tuple[Any, Any]]:
        """Notes that another process goes on with the run, and where.

        Arguments:
            device: What it computes on from now on.

        Returns:
            What is not as it was when the run was started: both values, by name.
        """
        before, here = self.environment, surroundings(device)
        same = ("versions", "machine", "device", "commit")
        about = {name: here[name] for name in (*same, "started")}
        self._note(resumed=[*before.get("resumed", ()), about])
        return {n: (before[n], here[n]) for n in same if n in before and before[n] != here[n]}

    def took(self, stage: str, seconds: float) -> None:
        """Notes how long a stage took, such as "original seed 0"."""
        took = {**self.environment.get("seconds", {}), stage: float(seconds)}
        self._note(seconds=took)

    def finish(self) -> None:
        """Marks the run as complete."""
        self._note(finished=now())

    def save_state(self, name: str, state: Mapping[str, Any]) -> None:
        """Writes tensors and plain values to `ckpt/<name>.pt`."""
        write_state(self._state(name), state)

    def load_state(self, name: str) -> dict[str, Any] | None:
        """What `save_state` wrote, on the CPU; None if there is no such file.

        Raises:
            CheckpointError: The file is broken, or holds more than tensors and plain values.
        """
        path = self._state(name)
        return read_state(path) if path.is_file() else None

    def drop_state(self, name: str) -> None:
        """Deletes `ckpt/<name>.pt` if it is there."""
        self._state(name).unlink(missing_ok=True)

    def save_predictions(self, method: str, seed: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes arrays to `predictions/<method>-<seed>.npz`."""
        write_arrays(self._predictions(method, seed), arrays)

    def predictions(self, method: str, seed: int) -> dict[str, np.ndarray] | None:
        """What `save_predictions` wrote; None if there is no such file.

        Raises:
            ForgetError: The file is broken.
        """
        path = self._predictions(method, seed)
        return read_arrays(path) if path.is_file() else None

    @property
    def guarantees(self) -> dict[str, Any]:
        """What each method promised, by "<method>-<seed>"; {} where nothing is written down."""
        path = self.folder / "guarantees.json"
        return read_json(path) if path.is_file() else {}

    def promise(self, method: str, seed: int, guarantee: Mapping[str, Any]) -> None:
        """Writes down what a method promised, with its proof where it has one."""
        known = {**self.guarantees, f"{method}-{int(seed)}": dict(guarantee)}
        write_bytes(self.folder / "guarantees.json", to_json(known, "guarantees"))

    def write_curves(self, curves: Mapping[str, list]) -> None:
        """Writes metrics.json, lists over epochs; what is not finite becomes null."""
        write_bytes(self.folder / "metrics.json", to_json(curves, "curves"))

    def _curves(self) -> dict[str, Any]:
        path = self.folder / "metrics.json"
        return read_json(path) if path.is_file() else {}

    def _state(self, name: str) -> Path:
        return self.folder / "ckpt" / f"{safe_name(name)}.pt"

    def _predictions(self, method: str, seed: int) -> Path:
        return self.folder / "predictions" / f"{safe_name(method)}-{int(seed)}.npz"

    def _note(self, **what: Any) -> None:  # noqa: ANN401 - plain values of any kind
        environment = {**self.environment, **what}
        write_bytes(self.folder / "environment.json", to_json(environment, "environment"))


def runs_in(root: Path) -> list[Run]:
    """All runs of all data sets below a folder, newest first; what is no run is left out."""
    runs = []
    for folder in Path(root).glob("*/*"):
        try:
            runs.append(Run.open(folder))
        except ForgetError:
            continue
    return sorted(runs, key=_age, reverse=True)


def _require(keys: Iterable[str], params: Mapping[str, Any], where: str) -> None:
    if missing := [key for key in keys if key not in params]:
        raise ForgetError(
            f"the settings {', '.join(keys)} of {where}",
            f"no {', '.join(missing)}",
            "Add them, or leave this run out.",
        )


def _age(run: Run) -> tuple[list[int], str]:
    # The date and time, then the number behind it: -10 is newer than -9.
    return [int(number) for number in re.findall(r"\d+", run.folder.name)], str(run.folder)

"""Draws the results of runs: interactive HTML, and pictures where a Chrome or Chromium is found.

python plot_results.py --exp_dir=logs/mnist/2026-01-31-12-00-00     # one run
python plot_results.py --exp_dir logs/mnist --fig_dir figs          # all runs of a data set
python plot_results.py --exp_dir "logs/*/2026-01-*" --formats html,png,svg,pdf
"""

import argparse
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from forget.charts.files import FORMATS, write_page, write_pictures
from forget.charts.runs import (
    class_accuracy_curves,
    loss_curves,
    loss_histogram,
    method_bars,
    overlay,
    set_accuracy_curves,
)
from forget.charts.series import DATASETS, TRAINED, context
from forget.commands import ended
from forget.errors import ForgetError
from forget.metrics.membership import loss_attack
from forget.runs.run import LOGS, Run, runs_in

MOST = 8  # folders that an error names


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and the name of its file, without the ending."""

    name: str
    figure: go.Figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws what the arguments name; returns 0, or 2 after an error that it explains."""
    options = _parser().parse_args(arguments)
    return ended(lambda: _draw(options))


def _draw(options: argparse.Namespace) -> int:
    given = [one for group in options.exp_dir for one in group]
    runs = list({run.folder.resolve(): run for one in given for run in find(one)}.values())
    _make(options.fig_dir)
    writer = Writer(options.fig_dir, options.formats)
    for run in runs:
        print(f"{run.folder}: {run.status}")
        writer.write(list(pictures(run, options.method, options.seed)))
    if len(runs) > 1:
        writer.write(list(comparison(runs, options.method)))
    print(f"{writer.count} files in {options.fig_dir}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--exp_dir",
        "--exp-dir",
        nargs="+",
        action="append",
        required=True,
        metavar="FOLDER",
        help="folder of a run, or of several runs, or a pattern with *; may be repeated",
    )
    parser.add_argument(
        "--fig_dir",
        "--fig-dir",
        type=Path,
        default=Path("./figs"),
        metavar="FOLDER",
        help="where the figures go (default: ./figs)",
    )
    parser.add_argument(
        "--formats",
        type=_formats,
        default=("html", "png"),
        help="some of html,png,svg,pdf, with commas between; HTML is always written "
        "(default: html,png)",
    )
    parser.add_argument("--method", help="draw this method alone (default: all of the run)")
    parser.add_argument(
        "--seed", type=int, help="draw this seed alone (default: the mean and range of all)"
    )
    return parser


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(["html", *(one.strip().lower() for one in text.split(","))]))
    known = ("html", *FORMATS)
    if strange := [one for one in wanted if one not in known]:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(known)}; got {strange[0]!r}")
    return wanted


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForgetError(
            "a folder that can be written to", str(error), "Choose another --fig_dir."
        ) from error


def find(given: str) -> list[Run]:
    """The runs that a folder, a folder of folders or a pattern names, oldest first.

    Raises:
        ForgetError: There are none; the remedy names folders that would do.
    """
    runs: list[Run] = []
    reason = "no run in it" if Path(given).is_dir() else "no such folder"
    for path in map(Path, sorted(glob(given)) if has_magic(given) else [given]):
        try:
            runs.append(Run.open(path))
        except ForgetError as error:
            runs += _below(path)
            if (path / "params.json").exists():
                reason = str(error)
    if runs:
        return runs
    known = [str(run.folder) for run in _nearby(Path(given))[:MOST]]
    raise ForgetError(
        "a folder of a run, or of runs",
        f"{given} ({reason})",
        f"These would do: {', '.join(known)}."
        if known
        else "There is none yet; make one: python unlearn_mnist.py --offline",
    )


def _below(folder: Path) -> list[Run]:
    folder = folder.absolute()
    mine = [run for run in runs_in(folder.parent) if run.folder.parent == folder]
    return [*mine, *runs_in(folder)][::-1]


def _nearby(folder: Path) -> list[Run]:
    """The runs nearest to a folder that is none, or else those in the usual place."""
    for parent in list(folder.absolute().parents)[:2]:
        if runs := _below(parent):
            return runs[::-1]
    return runs_in(LOGS)


def pictures(run: Run, method: str | None, seed: int | None) -> Iterator[Picture]:
    """All figures of a run for which there are numbers; says which are left out, and why.

    Raises:
        ForgetError: The run has no such method or seed.
    """
    table, params = run.table(), run.params
    measured = list(dict.fromkeys(table["method"]))
    if not measured:
        print("  nothing was measured yet")
        return
    _known("method", method, measured)
    _known("seed", seed, table["seed"].unique().tolist())
    unlearned = [name for name in measured if name not in TRAINED]
    chosen = [method] if method else unlearned or measured
    for name in chosen:
        end = _ending(run, params, name, seed)
        yield from _drawn(f"unlearn_{end}", class_accuracy_curves, table, params, name, seed)
        yield from _drawn(f"sets_{end}", set_accuracy_curves, table, params, name, seed)
        yield from _drawn(f"losses_{end}", loss_curves, table, params, name, seed)
    for name in [method] if method else measured:
        yield from _attack(run, table, params, name, seed)
    if not method:
        end = _safe(f"{params['dataset']}_{run.folder.resolve().name}")
        mine = table if seed is None else table[table["seed"] == seed]
        yield from _drawn(f"methods_{end}", method_bars, mine, params)


def _known(what: str, wanted: object, known: Sequence[object]) -> None:
    if wanted is not None and wanted not in known:
        there = ", ".join(map(str, known))
        raise ForgetError(f"a {what} of the run", repr(wanted), f"The run has {there}.")


def _drawn(name: str, draw: Any, *arguments: Any) -> Iterator[Picture]:  # noqa: ANN401
    try:
        yield Picture(name, draw(*arguments))
    except ForgetError as error:
        print(f"  left out {name}: {error}")


def _attack(
    run: Run, table: pd.DataFrame, params: dict[str, Any], method: str, seed: int | None
) -> Iterator[Picture]:
    """The losses of one seed, and how well the benchmark's attack tells them apart."""
    for one in params["seeds"] if seed is None else [seed]:
        arrays = run.predictions(method, one)
        if arrays is not None and {"forget_loss", "unseen_loss"} <= set(arrays):
            break
    else:
        return
    members, non_members = arrays["forget_loss"], arrays["unseen_loss"]
    name = f"mia_{_ending(run, params, method, seed, with_method=True)}"
    try:
        attack = loss_attack(members, non_members)
    except ForgetError as error:
        print(f"  left out {name}: {error}")
        return
    about = context(table, params, method, one)
    yield Picture(
        name, loss_histogram(members, non_members, attack.threshold, attack.accuracy, about)
    )


def comparison(runs: Sequence[Run], method: str | None) -> Iterator[Picture]:
    """One figure over several runs."""
    found = [(run.params, run) for run in runs]
    names = [run.folder.resolve().name for run in runs]
    datasets = "_".join(dict.fromkeys(params["dataset"] for params, _ in found))
    span = f"{names[0]}_to_{names[-1]}" if len(names) > 2 else "_".join(names)
    shown = [
        (f"{DATASETS.get(params['dataset'], params['dataset'])} {name}", run.table(), params)
        for (params, run), name in zip(found, names, strict=True)
    ]
    yield from _drawn(_safe(f"compare_{datasets}_{span}"), overlay, shown, method)


def _ending(
    run: Run,
    params: dict[str, Any],
    method: str,
    seed: int | None,
    *,
    with_method: bool = False,
) -> str:
    """<data set>_<setting>_<run>; the setting names the steps, or a method that has none."""
    steps = [step for step in ("forget", "retain") if params[f"{step}_step"]]
    setting = "+".join(steps) if method in ("kl_uniform", "unlearned") and steps else method
    words = [params["dataset"], setting, run.folder.resolve().name]
    if with_method and setting != method:
        words.insert(1, method)
    return _safe("_".join([*words, *([] if seed is None else [f"seed{seed}"])]))


def _safe(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII)[:150]


class Writer:
    """Writes figures into a folder and says so; gives up on pictures after the first failure."""

    def __init__(self, folder: Path, formats: Sequence[str]) -> None:
        self.folder = folder
        self.still = [one for one in formats if one in FORMATS]
        self.names: set[str] = set()
        self.count = 0

    def write(self, drawn: Sequence[Picture]) -> None:
        """Writes each as a page, and in the other formats."""
        todo: dict[Path, go.Figure] = {}
        for picture in drawn:
            picture.figure.update_layout(template="plotly_white")
            name = self._free(picture.name)
            write_page(self.folder / f"{name}.html", picture.figure)
            self._wrote(self.folder / f"{name}.html")
            todo |= {self.folder / f"{name}.{ending}": picture.figure for ending in self.still}
        try:
            write_pictures(todo)
        except ForgetError as error:
            print(f"no pictures, only HTML. {error}", file=sys.stderr)
            self.still = []
        else:
            for path in todo:
                self._wrote(path)

    def _free(self, name: str) -> str:
        tries = itertools.chain([name], (f"{name}-{count}" for count in itertools.count(2)))
        free = next(one for one in tries if one not in self.names)
        self.names.add(free)
        return free

    def _wrote(self, path: Path) -> None:
        self.count += 1
        print(f"  {path}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

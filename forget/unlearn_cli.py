"""What unlearn_mnist.py, unlearn_cifar.py and unlearn_mufac.py share: options in, a run out."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from forget.commands import ended
from forget.errors import ForgetError
from forget.terminal import summary
from forget.unlearn_options import Defaults, make_parser
from forget.unlearn_setup import bars, experiment_of

if TYPE_CHECKING:  # it loads torch, and --help should not wait for it
    from forget.runs.run import Run

__all__ = ["main"]


def main(defaults: Defaults, arguments: Sequence[str] | None = None) -> int:
    """Runs the experiment that the options describe, or goes on with one.

    Returns:
        0; 2 after an error that it explains; 130 if it was interrupted.
    """
    parser = make_parser(defaults)
    options = parser.parse_args(arguments)

    def work() -> int:
        with _only_the_first_speaks():
            return _run(defaults, options, parser)

    resume = "What was begun goes on with: --resume and the folder of the run."
    return ended(work, f"Interrupted. {resume}")


@contextmanager
def _only_the_first_speaks() -> Iterator[None]:
    """Mutes all but one of several processes; their errors still reach the terminal."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


def _run(d: Defaults, options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from forget.runs.run import LOGS, Run

    if d.prepared:
        _check_identities(options, parser)
        if options.identities is not None:
            return _identities(options)
    run = None
    if options.resume:
        run = Run.open(options.resume)
        if run.status == "finished":
            print(f"This run is finished.\n\n{summary(run.table(), run.params)}")
            return 0
        options = _options_of(run, d, parser)
    experiment = experiment_of(d, options, run, options.log_dir or LOGS)
    run = experiment.run
    print(f"Writing to {run.folder}")
    with bars() as told:
        experiment.on_step = told
        experiment()
    if not experiment.fabric.is_global_zero:
        return 0
    print(f"\n{summary(run.table(), run.params)}\n")
    print(f"Everything is in {run.folder}\n")
    print(f"Figures: python plot_results.py --exp_dir={run.folder} --fig_dir=figs")
    return 0


def _check_identities(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuses options that would do nothing with --identities, or without."""
    with_it = {"identities", "kind", "save", "data"}
    changed = {n for n, value in vars(options).items() if value != parser.get_default(n)}
    asked = options.identities is not None
    idle = changed - with_it if asked else changed & (with_it - {"data"})
    if idle:
        name = "--" + min(idle).replace("_", "-")
        there = "with" if asked else "without"
        raise ForgetError(
            "options that do something", f"{name} {there} --identities", "Leave it out."
        )


def _identities(options: argparse.Namespace) -> int:
    from forget.unlearn_people import forget_people

    wanted = [name.strip() for name in options.identities.split(",") if name.strip()]
    if not wanted:
        raise ForgetError("ids of people", repr(options.identities), "Such as F0046/D.")
    with bars() as told:
        said = forget_people(wanted, options.data, options.kind, save=options.save, on_step=told)
    print(said)
    return 0


def _options_of(run: "Run", d: Defaults, parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options that a run was started with."""
    params = run.params
    saved = params.get("options")
    if not isinstance(saved, dict) or params["dataset"] not in (d.dataset, d.offline):
        raise ForgetError(
            f"a run that this script started, on {d.dataset}",
            f"one on {params['dataset']} in {run.folder}",
            "Resume it with the script that started it, or start a new run.",
        )
    paths = {name: Path(saved[name]) for name in ("data", "weights") if saved.get(name)}
    return argparse.Namespace(**{**vars(parser.parse_args([])), **saved, **paths})

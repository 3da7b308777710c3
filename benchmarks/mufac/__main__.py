"""What forgetting costs on MUFAC; goes on where it was stopped.

    python -m benchmarks.mufac --seeds 0,1,2                     at 64 pixels, hours on 2 cores
    python -m benchmarks.mufac --side 128 --run logs/mufac/...   networks of a finished run
    python -m benchmarks.mufac --list                            stages, and which are done
    python -m benchmarks.mufac --show                            tables of what is there
    python -m benchmarks.mufac --write                           the tables of docs/mufac.md
    python -m benchmarks.mufac --figures docs                    and its figures

Appends to benchmarks/mufac.csv, stage by stage; networks are kept in app_data/networks.
Per seed three networks: "core 50%" (half of the people after joining twins, drawn once, none of
them in the benchmark's forget set), "everybody" and "reference" (without the forget set).
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

import pandas as pd

from benchmarks.mufac.bench import Bench, Row
from benchmarks.mufac.figures import draw
from benchmarks.mufac.identity import identity_rows, network_identity_rows
from benchmarks.mufac.ready import ready_rows
from benchmarks.mufac.standard import STAGE, TRIALS, standard_rows
from benchmarks.mufac.tables import tables
from forget.commands import GOES_ON, ended
from forget.data.mufac import load_mufac
from forget.data.twins.find import hygiene
from forget.label_linearizations import LABEL_LINEARIZATIONS
from forget.linearizations import LINEARIZATIONS
from forget.mufac_training import SIDES
from forget.runs.run import Run
from forget.runtime import machine
from forget.seeds import read_seeds
from forget.terminal import ProgressBars
from scripts.pages import Page

TABLE = Path(__file__).parents[1] / "mufac.csv"
COLUMNS = ["side", "seed", "stage", "forget", "model", "metric", "value", "machine"]
NETWORKS = ("core 50%", "everybody", "reference")
PRICE = ("core 30%", "core 70%", "core 85%")  # beside the half, with seed 0 alone

Stages = dict[str, Callable[[Bench, int], Iterator[Row]]]


def network_rows(name: str) -> Callable[[Bench, int], Iterator[Row]]:
    """What a network says by itself."""

    def stage(bench: Bench, seed: int) -> Iterator[Row]:
        network = bench.network(name, seed)
        for metric, value in bench.figures(bench.logits(network.base), bench.split):
            yield "benchmark", "network", metric, value
        yield "", "network", "seconds to train", float(network.about["seconds"])
        yield "", "network", "images", float(network.about["core images"])

    return stage


def identity_stage(name: str, kind: str) -> Callable[[Bench, int], Iterator[Row]]:
    """Whom a linearization on a core network recognises; of "" the network itself."""

    def stage(bench: Bench, seed: int) -> Iterator[Row]:
        network, core = bench.network(name, seed), bench.core_of(name)
        if not kind:
            return network_identity_rows(bench, network, core)
        return identity_rows(bench, network, core, kind)

    return stage


def standard_stage(name: str) -> Callable[[Bench, int], Iterator[Row]]:
    """A trial of approximate steps on the network of everybody."""

    def stage(bench: Bench, seed: int) -> Iterator[Row]:
        return standard_rows(bench, seed, name)

    return stage


def linear_rows(name: str, kind: str) -> Callable[[Bench, int], Iterator[Row]]:
    """What a linearization on a core network says, before and after."""

    def stage(bench: Bench, seed: int) -> Iterator[Row]:
        return ready_rows(bench, bench.network(name, seed), bench.core_of(name), kind)

    return stage


def stages(side: int, seed: int) -> Stages:
    """All stages of a seed, in order."""
    price = PRICE if seed == 0 and side == 64 else ()
    found: Stages = {f"network, {name}": network_rows(name) for name in (*NETWORKS, *price)}
    for name in ("core 50%", *price):
        for kind in LABEL_LINEARIZATIONS:
            found[f"{kind}, {name}"] = linear_rows(name, kind)
    for name in ("before", "reference", *TRIALS):
        found[STAGE.format(name)] = standard_stage(name)
    for kind in ("", *LINEARIZATIONS):
        found[f"people, {kind or 'network'}"] = identity_stage("core 50%", kind)
    return found


def read() -> pd.DataFrame:
    """What was measured so far."""
    return pd.read_csv(TABLE) if TABLE.is_file() else pd.DataFrame(columns=COLUMNS)


def measured() -> str:
    """The tables of all sizes that were measured."""
    table = read()
    return "\n\n".join(tables(table, side) for side in sorted(table["side"].unique()))


PAGE = Page("mufac.md", "python -m benchmarks.mufac --write", measured)


def append(side: int, seed: int, stage: str, rows: Sequence[Row]) -> None:
    """Adds the rows of a finished stage; the table is replaced as a whole."""
    new = pd.DataFrame([(side, seed, stage, *row, machine()) for row in rows], columns=COLUMNS)
    before = read()
    temporary = TABLE.with_suffix(".part")
    table = pd.concat([before, new]) if len(before) else new
    table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    temporary.replace(TABLE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the stages that are not in the table yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, choices=SIDES, default=64, help="of images, pixels")
    parser.add_argument("--seeds", default="0", metavar="A,B", help="of trainings")
    parser.add_argument("--run", type=Path, help="a finished run of unlearn_mufac.py")
    parser.add_argument("--data", type=Path, metavar="PATH", help="where MUFAC lies")
    parser.add_argument("--only", default="", metavar="TEXT", help="stages that contain this")
    say = "start no stage after this many minutes"
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), help=say)
    parser.add_argument("--list", action="store_true", help="show the stages and end")
    parser.add_argument("--show", action="store_true", help="show the tables and end")
    parser.add_argument("--write", action="store_true", help="write the page's tables and end")
    say = "draw the figures into this folder and end"
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help=say)
    options = parser.parse_args(arguments)
    return ended(lambda: _run(options), GOES_ON)


def _run(options: argparse.Namespace) -> int:
    began = perf_counter()
    table = read()
    done = set(zip(table["side"], table["seed"], table["stage"], strict=True))
    todo = [
        (seed, name, stage)
        for seed in read_seeds(options.seeds)
        for name, stage in stages(options.side, seed).items()
        if options.only in name
    ]
    if options.show:
        print(tables(table, options.side))
        return 0
    if options.write:
        PAGE.write()
        return 0
    if options.figures:
        drawn = draw(table, options.side, options.figures)
        print(*(drawn or [f"Nothing was measured at {options.side} pixels yet."]), sep="\n")
        return 0
    if options.list:
        for seed, name, _ in todo:
            print("done" if (options.side, seed, name) in done else "    ", seed, name)
        return 0
    run = Run.open(options.run) if options.run else None
    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        data = load_mufac(options.data, bars)
        report = hygiene(data, on_step=bars)
        bench = Bench(data, report, options.side, bars, run)
        for seed, name, stage in todo:
            if (options.side, seed, name) in done:
                continue
            if perf_counter() - began > 60 * options.budget_minutes:
                print("The budget is spent; the same command goes on.")
                break
            append(options.side, seed, name, list(stage(bench, seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line: python -m forget COMMAND --help."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from forget.commands import ended
from forget.data.downloads import CATALOGUE, MIRROR, download
from forget.data.sources import APP_DATA
from forget.terminal import ProgressBars

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0, or 1 if a proof does not hold, or 2 after an error that it explains, or 130 if it was
        interrupted.
    """
    options = _parser().parse_args(arguments)
    return ended(lambda: options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m forget", description="Take people out of a face model, and prove it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    verify = commands.add_parser(
        "verify",
        help="check that a model holds the sums of exactly the people in its store",
        description="Sums the features in a saved model afresh, in plain numpy, and prints the "
        "digest of the statistics that the model carries and of those sums. Equal digests prove "
        "that nobody else is in the sums.",
    )
    verify.add_argument("model", type=Path, help="a model saved with its feature store")
    verify.set_defaults(run=_verify)

    known = [
        f"  {name:8} {source.title}\n           {source.size}; licence: {source.licence}"
        for name, source in CATALOGUE.items()
    ]
    fetch = commands.add_parser(
        "download",
        help="fetch a data set or weights into app_data, once",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Fetches a data set or weights, checks and unpacks them. What is there is "
        "left alone;\nwhat was interrupted goes on.\n\n" + "\n".join(known),
        epilog=f"A mirror is named by the environment: {MIRROR}MNIST=https://example.org/folder\n"
        "Behind a proxy, set https_proxy.",
    )
    fetch.add_argument("name", choices=list(CATALOGUE), metavar="NAME", help="one of the above")
    fetch.add_argument(
        "--to", type=Path, default=APP_DATA, metavar="DIR", help=f"folder for it ({APP_DATA})"
    )
    fetch.set_defaults(run=_download)

    twins = commands.add_parser(
        "hygiene",
        help="find copies, and people or pictures in two sets of a data set",
        description="Finds identical and similar images, one picture under several people, and "
        "what the sets of a data set share; of MUFAC also what the benchmark's images to forget "
        "share with those to keep.",
    )
    twins.add_argument("data", help="mufac, mnist, cifar10, digits, orl, or a folder of people")
    twins.add_argument("--save", type=Path, metavar="FOLDER", help="tables and contact sheets")
    twins.set_defaults(run=_hygiene)
    _compare_parser(commands.add_parser)
    _audit_parser(commands.add_parser)
    return parser


def _audit_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    audit = add(
        "audit",
        help="ask whether people are really gone from a model",
        description="Asks of a saved model whether people are still identified, verified or "
        "detectable, beside people who were never in it. Writes audit.json, CSV and one HTML "
        "page. Ends with 1 if a line fails.",
    )
    audit.add_argument("--after", type=Path, required=True, help="the model from after")
    audit.add_argument("--before", type=Path, help="the model that knew them")
    audit.add_argument("--reference", type=Path, help="one that was made again without them")
    audit.add_argument("--people", required=True, metavar="A,B", help="who should be gone")
    audit.add_argument("--never", metavar="A,B", help="whom they should be like (20 added people)")
    audit.add_argument("--data", default="orl", help="orl, mufac, or a folder of people (orl)")
    audit.add_argument("--method", default="subtract", help="that took them out (subtract)")
    say = "the goal was that they are not recognised, whoever shows their picture"
    audit.add_argument("--suppression", action="store_true", help=say)
    audit.add_argument("--margin", type=float, default=0.1, help="that counts as none (0.1)")
    audit.add_argument(
        "--shadows", type=int, default=64, help="pairs of shadow models, 4 or more (64)"
    )
    audit.add_argument("--seed", type=int, default=0, help="of all draws (0)")
    audit.add_argument(
        "--out", type=Path, default=Path("audit"), metavar="DIR", help="folder (audit)"
    )
    audit.set_defaults(run=_audit)


def _compare_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    compare = add(
        "compare",
        help="run methods side by side and read them against training again",
        description="Trains a network on everything and one without what is to be forgotten, "
        "runs methods on the first and compares them with the second. Networks and rows are kept: "
        "the same command goes on where it was stopped.",
    )
    _what_and_how(compare)
    compare.add_argument("--seeds", default="0", metavar="A,B", help="of trainings (0)")
    compare.add_argument("--unlearning-seeds", default="0", metavar="A,B", help="of methods (0)")
    compare.add_argument("--out", type=Path, metavar="FILE", help="rows as CSV (in logs/compare)")
    say = "start no method after this many minutes"
    compare.add_argument("--budget-minutes", type=float, default=float("inf"), help=say)
    compare.set_defaults(run=_compare)

    shadows = add(
        "shadows",
        help="attack methods by worlds that learned and forgot, beside ones that never did",
        description="U-LiRA: trains pairs of networks on halves of the images that stay, with and "
        "without what is to be forgotten, lets methods forget in the first, and asks whether its "
        "answers can be told from the second's. Pairs are kept: the same command goes on where it "
        "was stopped.",
    )
    _what_and_how(shadows)
    shadows.add_argument("--pairs", type=int, default=6, help="of networks, at least 3 (6)")
    shadows.add_argument("--out", type=Path, metavar="FILE", help="table as CSV (logs/shadows)")
    shadows.set_defaults(run=_shadows)


def _what_and_how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="orl, digits, mnist, cifar10, mufac or mufac-128")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--forget", metavar="A,B", help="classes; of orl people, as 'Person 34'")
    what.add_argument("--first", type=int, metavar="N", help="the first N training images")
    what.add_argument("--random", type=int, metavar="N", help="N training images at random")
    parser.add_argument("--methods", default="all", metavar="A,B", help="by name (all)")
    parser.add_argument("--source", type=Path, metavar="PATH", help="where the data lie")


def _audit(options: argparse.Namespace) -> int:
    from forget.auditing.command import run_audit

    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        found, text = run_audit(options, bars)
    print(text)
    return 1 if found.verdict == "FAIL" else 0


def _compare(options: argparse.Namespace) -> int:
    from forget.compare_cli import run_comparison

    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        text = run_comparison(options, bars)
    print(text)
    return 0


def _shadows(options: argparse.Namespace) -> int:
    from forget.compare_cli import run_shadows

    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        text = run_shadows(options, bars)
    print(text)
    return 0


def _download(options: argparse.Namespace) -> int:
    # disable=None: only on a terminal.
    with ProgressBars(unit="B", unit_scale=True, disable=None) as bars:
        folder = download(options.name, options.to, bars)
    print(f"{options.name} lies in {folder}")
    return 0


def _hygiene(options: argparse.Namespace) -> int:
    from forget.data.load import IMAGES, load_faces, load_images
    from forget.data.mufac import benchmark
    from forget.data.twins.find import hygiene

    with ProgressBars(disable=None) as bar:
        if options.data in IMAGES:
            data = load_images(options.data, on_step=bar)
            partition = benchmark(data) if options.data == "mufac" else None
            report = hygiene(data, partition, on_step=bar)
        else:
            report = hygiene(load_faces(options.data), on_step=bar)
    for row in report.table.itertuples():
        if row.count:
            print(row.meaning)
    if not report.table["count"].any():
        print("Nothing found.")
    if options.save:
        report.save(options.save)
        print(f"Tables, a report and contact sheets lie in {options.save}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from forget.linear.proof import verify_file

    proof = verify_file(options.model)
    print(f"statistics in the model   {proof.digest}")
    print(f"summed afresh from store  {proof.afresh}")
    print("equal" if proof.holds else "DIFFERENT: the model holds more or less than its store")
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())

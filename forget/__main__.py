"""The command line: python -m forget COMMAND --help."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from forget.errors import ForgetError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0, or 1 if a proof does not hold, or 2 after an error that it explains.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except ForgetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


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
    return parser


def _verify(options: argparse.Namespace) -> int:
    from forget.linear.proof import verify_file

    proof = verify_file(options.model)
    print(f"statistics in the model   {proof.digest}")
    print(f"summed afresh from store  {proof.afresh}")
    print("equal" if proof.holds else "DIFFERENT: the model holds more or less than its store")
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())

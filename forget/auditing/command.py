"""What `python -m forget audit` does: files and photographs in, a report out."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from forget.auditing.linear import audit
from forget.auditing.report import save_audit, summary
from forget.auditing.run import Audit
from forget.data.load import load_faces
from forget.errors import ForgetError
from forget.linear.archive import read_model
from forget.linear.model import LinearModel
from forget.progress import OnStep, silent

__all__ = ["run_audit"]


def run_audit(options: argparse.Namespace, on_step: OnStep = silent) -> tuple[Audit, str]:
    """Runs what the options ask for, and writes the report.

    Returns:
        The audit, and its summary with the paths of the files.

    Raises:
        ForgetError: A file, a person or a method is not what was expected.
    """
    faces = load_faces(options.data)
    people = [one.strip() for one in options.people.split(",")]
    never = [one.strip() for one in options.never.split(",")] if options.never else None
    after = read_model(options.after)
    _without(after, people, options.after)
    before, reference = (
        read_model(path) if path else None for path in (options.before, options.reference)
    )
    found = audit(
        after,
        faces,
        people,
        before,
        options.method,
        reference,
        never,
        suppression=options.suppression,
        margin=options.margin,
        shadows=options.shadows,
        seed=options.seed,
        on_step=on_step,
    )
    paths = save_audit(found, options.out)
    written = "\n".join(f"  {path}" for path in paths)
    return found, f"{summary(found)}\n\nWritten:\n{written}"


def _without(model: LinearModel, people: Sequence[str], path: Path) -> None:
    """Nobody audits by accident a model that still knows them under their name."""
    if there := sorted(set(people) & set(model.classes)):
        raise ForgetError(
            f"a model without {', '.join(people)} in {path}",
            f"one that names {', '.join(there)}",
            "Give the model from after the deletion; the one from before goes to --before.",
        )

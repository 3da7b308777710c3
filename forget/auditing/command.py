"""What `python -m forget audit` does: files and photographs in, a report out."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from forget.auditing.evidence import Evidence
from forget.auditing.report import save_audit, summary
from forget.auditing.run import Audit, audit_people
from forget.auditing.subject import from_linear
from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.errors import ForgetError
from forget.linear.archive import read_model
from forget.linear.model import LinearModel
from forget.methods.registry import LINEAR_METHODS, unlearn
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
    evidence = Evidence.of(faces, people, never)
    after = read_model(options.after)
    _without(after, people, options.after)
    before, reference = (
        from_linear(read_model(path), name) if path else None
        for name, path in (("before", options.before), ("reference", options.reference))
    )
    found = audit_people(
        from_linear(after, "after"),
        evidence,
        before,
        _deletion(faces, options.method),
        reference,
        suppression=options.suppression,
        margin=options.margin,
        shadows=options.shadows,
        seed=options.seed,
        on_step=on_step,
    )
    paths = save_audit(found, options.out)
    written = "\n".join(f"  {path}" for path in paths)
    return found, f"{summary(found)}\n\nWritten:\n{written}"


def _deletion(faces: FaceDataset, method: str):  # noqa: ANN202 - a Deletion
    if method not in LINEAR_METHODS:
        known = ", ".join(LINEAR_METHODS)
        raise ForgetError(f"a method for linear models: {known}", repr(method), "Choose one.")

    def delete(model: LinearModel, people: Sequence[str]) -> LinearModel:
        return unlearn(model, faces, people, method).model  # type: ignore[return-value]

    return delete


def _without(model: LinearModel, people: Sequence[str], path: Path) -> None:
    """Nobody audits by accident a model that still knows them under their name."""
    if there := sorted(set(people) & set(model.classes)):
        raise ForgetError(
            f"a model without {', '.join(people)} in {path}",
            f"one that names {', '.join(there)}",
            "Give the model from after the deletion; the one from before goes to --before.",
        )

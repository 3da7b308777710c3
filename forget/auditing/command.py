"""What `python -m forget audit` does: files and photographs in, a report out."""

import argparse

from forget.auditing.linear import audit
from forget.auditing.reference import refuse_knowing
from forget.auditing.report import save_audit, summary
from forget.auditing.run import Audit
from forget.data.dataset import known_identities
from forget.data.load import load_faces
from forget.errors import ForgetError
from forget.linear.archive import read_model
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
    people = _listed(options.people, "--people")
    never = None if options.never is None else _listed(options.never, "--never")
    known_identities(people, faces.identities)
    after = read_model(options.after)
    remedy = "Give the model from after the deletion; the one from before goes to --before."
    refuse_knowing(after, people, options.after, remedy)
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


def _listed(text: str, option: str) -> list[str]:
    """Names between commas, without spaces around them."""
    names = [name for one in text.split(",") if (name := one.strip())]
    if not names:
        raise ForgetError(f"identity ids after {option}", repr(text), "Write them as in s34,s35.")
    return names

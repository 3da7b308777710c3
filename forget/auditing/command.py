"""What `python -m forget audit` does: files and photographs in, a report out."""

import argparse
import unicodedata

from forget.auditing.linear import audit
from forget.auditing.outcome import Audit
from forget.auditing.reference import refuse_knowing
from forget.auditing.report import save_audit, summary
from forget.data.dataset import FaceDataset, known_identities
from forget.data.load import load_faces
from forget.errors import ForgetError, IdentityError
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
    people = _listed(options.people, "--people", faces)
    never = None if options.never is None else _listed(options.never, "--never", faces)
    _check_there(people, faces)
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


def _listed(text: str, option: str, faces: FaceDataset) -> list[str]:
    """Names between commas, without spaces around them; "Smith, John" is one if he is there."""
    known, parts = set(faces.identities), unicodedata.normalize("NFC", text).split(",")
    names: list[str] = []
    while parts:
        joined = (",".join(parts[:n]).strip() for n in range(len(parts), 0, -1))
        name = next((one for one in joined if one in known), parts[0].strip())
        del parts[: name.count(",") + 1]
        names += [name] if name else []
    if not names:
        raise ForgetError(f"identity ids after {option}", repr(text), "Write them as in s34,s35.")
    return names


def _check_there(people: list[str], faces: FaceDataset) -> None:
    """Raises IdentityError, with the reason where somebody was left out of the data set."""
    try:
        known_identities(people, faces.identities)
    except IdentityError as error:
        gone = [one for one in people if one not in faces.identities]
        why = [line for line in faces.skipped if line.startswith(tuple(f"{p}:" for p in gone))]
        got = "; ".join([error.got, *why])
        raise IdentityError(error.expected, got, error.remedy) from error

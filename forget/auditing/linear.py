"""The audit of linear models in one call."""

import math
from collections.abc import Sequence

from forget.auditing.detectable import SHADOWS, deletion
from forget.auditing.evidence import Evidence
from forget.auditing.outcome import Audit
from forget.auditing.reference import check_reference
from forget.auditing.run import MARGIN, audit_people
from forget.auditing.subject import KnownRows, Subject, from_linear
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.metrics.lira import LEAST_PAIRS
from forget.progress import OnStep, silent

__all__ = ["audit"]


def audit(
    after: LinearModel,
    faces: FaceDataset,
    people: Sequence[str],
    before: LinearModel | None = None,
    method: str = "subtract",
    reference: LinearModel | None = None,
    never: Sequence[str] | None = None,
    rows: Rows | None = None,
    *,
    suppression: bool = False,
    margin: float = MARGIN,
    shadows: int = SHADOWS,
    seed: int = 0,
    on_step: OnStep = silent,
) -> Audit:
    """Asks whether people are really gone from a model.

    Arguments:
        after: The model that should have forgotten them.
        faces: The photographs.
        people: Identity ids.
        before: The model that knew them.
        method: That took them out, a name in `LINEAR_METHODS`.
        reference: A model that was trained again without them.
        never: Whom they should be like; by default twenty added people.
        rows: Features on the grid of all photographs, (n, d), of the map of `before`.
        suppression: Whether the goal was suppression.
        margin: Difference that still counts as none.
        shadows: Pairs of shadow models.
        seed: Of every draw.
        on_step: Told of progress.

    Raises:
        ForgetError: Somebody or the method is not there, the model from before does not know the
            people, or the reference does.
    """
    _check_numbers(margin, shadows, seed)
    evidence, delete = Evidence.of(faces, people, never), deletion(faces, method)
    if before is not None:
        _check_before(before, evidence.forgotten)
    if reference is not None:
        check_reference(reference, evidence.forgotten, faces, "the reference")
    first = before or after
    known = KnownRows(first.feature_map, *((faces.images, rows) if rows is not None else ()))

    def subject(model: LinearModel | None, name: str) -> Subject | None:
        if model is None:
            return None
        same = model.feature_map.space == first.feature_map.space
        return from_linear(model, name, known if same else None)

    return audit_people(
        subject(after, "after"),
        evidence,
        subject(before, "before"),
        delete,
        subject(reference, "reference"),
        suppression=suppression,
        margin=margin,
        shadows=shadows,
        seed=seed,
        on_step=on_step,
    )


def _check_numbers(margin: float, shadows: int, seed: int) -> None:
    """Refuses settings with which no verdict would mean anything."""
    if not (math.isfinite(margin) and 0 <= margin < 1):
        remedy = "Shares and areas differ by at most 1; 0.1 is usual."
        raise ForgetError("a margin of 0 or more, below 1", f"{margin:g}", remedy)
    if shadows < LEAST_PAIRS:
        remedy = f"Each is attacked with the others; {SHADOWS} are usual."
        raise ForgetError(f"at least {LEAST_PAIRS} pairs of shadow models", f"{shadows}", remedy)
    if seed < 0:
        raise ForgetError("a seed of 0 or more", f"{seed}", "Choose another.")


def _check_before(before: LinearModel, people: Sequence[str]) -> None:
    """The model from before knows them, and shadows can be made from it."""
    if missing := [person for person in people if person not in before.people]:
        raise ForgetError(
            f"a model from before that knows {', '.join(people)}",
            f"one without {', '.join(missing)}",
            "Give the model as it was while they were in it, or leave it out.",
        )
    if before.store is None or before.calibration is None:
        raise ForgetError(
            "a model from before with its feature store, which shadows are made from",
            "one that was saved without",
            "Give the file that was saved with the store, or leave it out.",
        )

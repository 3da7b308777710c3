"""The audit of linear models in one call."""

from collections.abc import Sequence

from forget.auditing.detectable import SHADOWS, deletion
from forget.auditing.evidence import Evidence
from forget.auditing.run import MARGIN, Audit, audit_people
from forget.auditing.subject import KnownRows, from_linear
from forget.data.dataset import FaceDataset
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
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
        ForgetError: Somebody or the method is not there.
    """
    evidence, delete = Evidence.of(faces, people, never), deletion(faces, method)
    first = before or after
    known = KnownRows(first.feature_map, *((faces.images, rows) if rows is not None else ()))
    same = first.feature_map.space == after.feature_map.space
    return audit_people(
        from_linear(after, "after", known if same else None),
        evidence,
        from_linear(before, "before", known) if before else None,
        delete,
        from_linear(reference, "reference") if reference else None,
        suppression=suppression,
        margin=margin,
        shadows=shadows,
        seed=seed,
        on_step=on_step,
    )

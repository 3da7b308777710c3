"""People whose fate is known: forgotten, suppressed, half removed, kept."""

from collections.abc import Callable, Sequence

from forget.auditing.evidence import Evidence
from forget.auditing.outcome import Audit
from forget.auditing.run import audit_people
from forget.auditing.subject import from_linear
from forget.data.dataset import FaceDataset
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn

PEOPLE = ["s25", "s34"]


def deletion(faces: FaceDataset, method: str):  # noqa: ANN201 - a Deletion
    def delete(model: LinearModel, people: Sequence[str]) -> LinearModel:
        return unlearn(model, faces, people, method).model

    return delete


def keep(model: LinearModel, people: Sequence[str]) -> LinearModel:
    return model


def half(model: LinearModel, people: Sequence[str]) -> LinearModel:
    """Removes every other photograph of the people only."""
    store, _ = model.parts()
    sums = model.statistics
    for person in people:
        chunk = store[person]
        some = chunk.rows[::2]
        sums = sums - type(sums).of(sums.space, some, [person] * len(some))
    return model.holding(sums, [])


def audited(
    model: LinearModel,
    evidence: Evidence,
    rows: Callable,
    method: str,
    shadows: int = 12,
    **settings: object,
) -> Audit:
    delete = deletion(evidence.faces, method)
    left = delete(model, list(evidence.forgotten))
    after = from_linear(left, "after", rows if method == "subtract" else None)
    before = from_linear(model, "before", rows)
    return audit_people(after, evidence, before, delete, shadows=shadows, **settings)  # type: ignore[arg-type]

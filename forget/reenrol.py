"""What a model says of somebody who left and comes back, enrolled anew."""

from collections.abc import Sequence

from forget.data.split import Split
from forget.linear.erasing.features import rows_in
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.metrics.recognition import recognise

__all__ = ["recognised_again"]


def recognised_again(
    model: LinearModel, before: LinearModel, split: Split, people: Sequence[str], rows: Rows
) -> float:
    """Share of held-out photographs, in [0, 1], named rightly once their people are enrolled.

    Who was forgotten is like anybody whom the model never met, so enrolling makes the model
    recognise them. Who is suppressed stays hidden, because the features lack what tells them.

    Arguments:
        model: What forgot or suppresses them; it stays as it is.
        before: The model that knew them; the photographs that it was fitted on are enrolled.
        split: Their held-out photographs.
        people: Who comes back.
        rows: Features on the grid of all photographs, (n, d), of the map of `before`.

    Returns:
        The share; nan where they have no held-out photographs.
    """
    store, _ = before.parts()
    space, indices = model.feature_map.space, split.test_of(people)
    sums = model.statistics
    for person in people:
        chunk = store[person]
        again = rows_in(model.feature_map, before.feature_map, chunk.rows)
        sums = sums + type(sums).of(space, again, [person] * len(again), chunk.targets)
    head = model.rule(sums)
    shown = rows_in(model.feature_map, before.feature_map, rows[indices])
    scores = head.scores(model.feature_map.grid.real(shown))
    labels = [split.faces.labels[i] for i in indices]
    return recognise(scores, head.classes, labels, model.threshold).recognised

"""What a model says of the people it holds, in bounded memory however many they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.metrics.recognition import recognise

__all__ = ["SCORES", "Insiders", "insiders"]

SCORES = 2**23  # at one time: 64 MB


@dataclass(frozen=True, eq=False)
class Insiders:
    """What a model says of photographs of its own people.

    Arguments:
        own: Their score for themselves, (n,).
        recognised: Whether they are named rightly, above the threshold, (n,).
    """

    own: NDArray[np.float64]
    recognised: NDArray[np.bool_]


def insiders(model: LinearModel, rows: Rows, labels: Sequence[str]) -> Insiders:
    """Scores photographs against everybody, and keeps what concerns the one who is on them.

    Arguments:
        model: Whose people they are.
        rows: Features on its grid, (n, d).
        labels: Who is on each, n of the model's classes.
    """
    place = {person: column for column, person in enumerate(model.classes)}
    own, recognised = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    step = max(SCORES // max(len(place), 1), 1)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        scores, theirs = model.score(rows[some]), labels[some]
        own[some] = scores[np.arange(len(theirs)), [place[person] for person in theirs]]
        seen = recognise(scores, model.classes, theirs, model.threshold)
        recognised[some] = seen.right & seen.known
    return Insiders(own, recognised)

"""The figures that the demo weights are recorded with, computed from a model and its faces."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from forget.data.split import Split
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.metrics.recognition import Recognition, recognise

__all__ = ["Figures", "measure_figures"]


@dataclass(frozen=True)
class Figures:
    """How well a model recognises, and how well it forgets; all on held-out photographs.

    Arguments:
        identified_added: Share of added people's photographs whose best score is the right one's.
        identified_core: The same for core people.
        recognised_added: Share of added people's photographs that also reach the threshold.
        named_after_forgetting: Share of a forgotten added person's photographs that reach the
            threshold for anybody, over all added people, each forgotten alone.
        named_never_enrolled: The same for an added person who was never enrolled, in the models
            of which the next one was forgotten.
        most_lost_by_others: Photographs of others, at most, that were recognised before one
            person was forgotten and are not after, net of those gained.
        threshold: The model's threshold.
    """

    identified_added: float
    identified_core: float
    recognised_added: float
    named_after_forgetting: float
    named_never_enrolled: float
    most_lost_by_others: int
    threshold: float

    def to_json(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)


def measure_figures(model: LinearModel, split: Split, rows: Rows) -> Figures:
    """Measures a model of core and added people.

    Arguments:
        model: Fitted on everybody in the split.
        split: Its data set has core and added people.
        rows: Features on the grid of all photographs, (n, d).
    """
    added = list(split.faces.added)
    forgotten, never, lost = [], [], []
    for person, stranger in zip(added, added[1:] + added[:1], strict=True):
        after = unlearn(model, split.faces, [person]).model
        forgotten.append(_seen(after, split, rows, [person]).known)
        others = [one for one in model.people if one != person]
        before_after = (_seen(one, split, rows, others) for one in (model, after))
        before, now = (int((seen.right & seen.known).sum()) for seen in before_after)
        lost.append(before - now)
        without = refit(model, split.faces, [stranger])
        both = unlearn(without, split.faces, [person]).model
        never.append(_seen(both, split, rows, [stranger]).known)
    everybody = _seen(model, split, rows, added)
    return Figures(
        everybody.identified,
        _seen(model, split, rows, list(split.core)).identified,
        everybody.recognised,
        _share(forgotten),
        _share(never),
        max(lost),
        model.threshold,
    )


def _seen(model: LinearModel, split: Split, rows: Rows, people: list[str]) -> Recognition:
    indices = split.test_of(people)
    labels = [split.faces.labels[i] for i in indices]
    return recognise(model.score(rows[indices]), model.classes, labels, model.threshold)


def _share(hits: list[NDArray[np.bool_]]) -> float:
    return float(np.concatenate(hits).mean())

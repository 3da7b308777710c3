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

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """How well a model recognises, and how well it forgets; all on held-out photographs.

    Arguments:
        identified_added: Share of added people's photographs whose best score is the right one's.
        identified_core: The same for core people.
        recognised_added: Share of added people's photographs that also reach the threshold.
        named_after_forgetting: Share of a forgotten added person's photographs that reach the
            threshold for anybody, over all added people, each forgotten alone.
        named_forgotten_beside_stranger: The same in models that never enrolled one other added
            person, the stranger; added people are paired, and each is either once.
        named_stranger_beside_forgotten: Share of that stranger's photographs in the same models.
        most_lost_by_others: Photographs of others, at most, that were recognised before one
            person was forgotten and are not after, net of those gained.
        separation: How far apart an added person's own scores and, once the person is forgotten,
            the best scores of the same photographs lie: d', difference of the means over the
            root mean square of both standard deviations.
        threshold: The model's threshold.
    """

    identified_added: float
    identified_core: float
    recognised_added: float
    named_after_forgetting: float
    named_forgotten_beside_stranger: float
    named_stranger_beside_forgotten: float
    most_lost_by_others: int
    separation: float
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
    forgotten, beside, never, lost, own, strangers = [], [], [], [], [], []
    for i, person in enumerate(added):
        stranger = added[i ^ 1] if i ^ 1 < len(added) else added[0]
        after = unlearn(model, split.faces, [person]).model
        seen = _seen(after, split, rows, [person])
        forgotten.append(seen.known)
        strangers.append(seen.best)
        own.append(_own_scores(model, split, rows, person))
        others = [one for one in model.people if one != person]
        before_after = (_seen(one, split, rows, others) for one in (model, after))
        before, now = (int((seen.right & seen.known).sum()) for seen in before_after)
        lost.append(before - now)
        without = refit(model, split.faces, [stranger])
        both = unlearn(without, split.faces, [person]).model
        beside.append(_seen(both, split, rows, [person]).known)
        never.append(_seen(both, split, rows, [stranger]).known)
    everybody = _seen(model, split, rows, added)
    return Figures(
        everybody.identified,
        _seen(model, split, rows, list(split.core)).identified,
        everybody.recognised,
        _share(forgotten),
        _share(beside),
        _share(never),
        max(lost),
        _separation(np.concatenate(own), np.concatenate(strangers)),
        model.threshold,
    )


def _seen(model: LinearModel, split: Split, rows: Rows, people: list[str]) -> Recognition:
    indices = split.test_of(people)
    labels = [split.faces.labels[i] for i in indices]
    return recognise(model.score(rows[indices]), model.classes, labels, model.threshold)


def _own_scores(model: LinearModel, split: Split, rows: Rows, person: str) -> Reals:
    column = model.classes.index(person)
    return model.score(rows[split.test_of([person])])[:, column]


def _separation(own: Reals, strangers: Reals) -> float:
    return float((own.mean() - strangers.mean()) / np.sqrt((own.var() + strangers.var()) / 2))


def _share(hits: list[NDArray[np.bool_]]) -> float:
    return float(np.concatenate(hits).mean())

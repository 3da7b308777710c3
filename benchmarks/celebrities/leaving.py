"""What a linear model of people says before and after one of them leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.celebrities.network import Values
from forget.data.split import Split
from forget.effect import Effect, measure_effect
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.metrics.detection import auc
from forget.metrics.recognition import Recognition, recognise
from forget.reenrol import recognised_again

__all__ = ["Outsider", "linear_values", "outsider"]


@dataclass(frozen=True, eq=False)
class Outsider:
    """What a model says of somebody who is not enrolled.

    Arguments:
        seen: Their held-out photographs, read as decisions.
        again: Share of these, in [0, 1], named rightly once the person is enrolled.
    """

    seen: Recognition = field(repr=False)
    again: float


def seen_by(model: LinearModel, split: Split, rows: Rows, people: Sequence[str]) -> Recognition:
    """What a model says of the held-out photographs of some people."""
    chosen = split.test_of(people)
    labels = [split.faces.labels[i] for i in chosen]
    return recognise(model.score(rows[chosen]), model.classes, labels, model.threshold)


def outsider(
    model: LinearModel, knew: LinearModel, split: Split, rows: Rows, person: str
) -> Outsider:
    """Judges somebody who is not in a model; `knew` holds the photographs to enrol them with."""
    again = recognised_again(model, knew, split, [person], rows)
    return Outsider(seen_by(model, split, rows, [person]), again)


def linear_values(model: LinearModel, split: Split, rows: Rows, person: str) -> Values:
    """Identification by a linear model, and all that changes when one added person leaves."""
    faces, values = split.faces, Values()
    for name, people in (("added", faces.added), ("core", faces.core)):
        seen = seen_by(model, split, rows, people)
        values[f"{name}, held out [photographs]"] = len(seen.best)
        values[f"{name}: identified, rank 1 [share]"] = seen.identified
        values[f"{name}: identified, above the threshold [share]"] = seen.recognised
    after = unlearn(model, faces, [person])
    never = refit(model, faces, [person])
    effect = measure_effect(model, after.model, split.forgetting([person]), rows, after.guarantee)
    return (
        values
        | promised(effect, after.model.statistics.digest() == never.statistics.digest())
        | beside_strangers(model, after.model, split, rows, person)
        | everybody_else(model, after.model, split, rows, effect)
    )


def promised(effect: Effect, equal: bool) -> Values:
    """What is promised of a deletion, whether it holds, and the time it took, head solved."""
    return {
        "scope": str(effect.guarantee.scope),
        "because": effect.guarantee.because,
        "digest equals that of a refit [yes or no]": "yes" if equal else "no",
        "proof holds [yes or no]": "yes" if effect.proof.holds else "no",
        "largest difference of the heads [score]": effect.proof.head_gap or 0.0,
        "subtraction [ms]": 1000 * effect.seconds["subtract"],
        "refit from features [ms]": 1000 * effect.seconds["refit from features"],
    }


def beside_strangers(
    before: LinearModel, after: LinearModel, split: Split, rows: Rows, person: str
) -> Values:
    """The one who left, beside each other added person in a model that never enrolled that one.

    All these models hold one person less than `before`, so the scores may be compared.
    """
    gone = outsider(after, before, split, rows, person)
    others = [one for one in split.faces.added if one != person]
    fits = {one: refit(before, split.faces, [one]) for one in others}
    theirs = [outsider(fit, before, split, rows, one) for one, fit in fits.items()]
    best = np.concatenate([one.seen.best for one in theirs])
    knew = seen_by(before, split, rows, [person])
    values: Values = {
        "forgotten, held out [photographs]": len(knew.best),
        "forgotten: named rightly before [share]": knew.recognised,
        "forgotten: named as anybody now [share]": gone.seen.named,
        "forgotten: best score, mean [score]": float(gone.seen.best.mean()),
        "forgotten: enrolled again, named rightly [share]": gone.again,
        "never enrolled [people]": len(others),
        "forgotten scores above never enrolled [share]": auc(gone.seen.best, best),
    }
    told = {
        "named as anybody": ("share", [one.seen.named for one in theirs]),
        "best score": ("score", [float(one.seen.best.mean()) for one in theirs]),
        "once enrolled, named rightly": ("share", [one.again for one in theirs]),
    }
    for what, (unit, of) in told.items():
        for word, value in (("mean", np.mean(of)), ("least", min(of)), ("most", max(of))):
            values[f"never enrolled: {what}, {word} of people [{unit}]"] = float(value)
    return values


def everybody_else(
    before: LinearModel, after: LinearModel, split: Split, rows: Rows, effect: Effect
) -> Values:
    """Whether the people who stay are recognised as before."""
    people = after.people
    was, now = (seen_by(one, split, rows, people) for one in (before, after))
    shown = rows[split.test_of(people)]
    kept = [before.classes.index(one) for one in after.classes]
    changed = np.abs(before.score(shown)[:, kept] - after.score(shown)).max()
    said = zip(was.who, was.known, now.who, now.known, strict=True)
    recognised = effect.others_recognised
    return {
        "others, held out [photographs]": len(shown),
        "others: identified, rank 1, before [share]": was.identified,
        "others: identified, rank 1, after [share]": now.identified,
        "others: above the threshold, before [share]": recognised[0],
        "others: above the threshold, after [share]": recognised[1],
        "others: answers that changed [photographs]": sum(
            (a if k else "") != (b if j else "") for a, k, b, j in said
        ),
        "others: largest change of a score [score]": float(changed),
        "others: threshold, change [score]": effect.threshold[1] - effect.threshold[0],
    }

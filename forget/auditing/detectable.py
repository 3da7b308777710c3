"""Still detectable? Whether the photographs that were learned from stand out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.erasing.features import rows_in
from forget.linear.model import LinearModel
from forget.methods.registry import LINEAR_METHODS, unlearn
from forget.metrics.detection import Detection, detect
from forget.metrics.lira import attack_pairs
from forget.progress import OnStep, silent

__all__ = [
    "SHADOWS",
    "Deletion",
    "deletion",
    "familiarity",
    "outstanding",
    "shadow_attack",
    "stand_out",
]

SHADOWS = 64

Reals = NDArray[np.float64]
# Takes people out of a model: what is audited by shadows is the method, not one result of it.
Deletion = Callable[[LinearModel, Sequence[str]], LinearModel]


def deletion(faces: FaceDataset, method: str) -> Deletion:
    """The deletion that a method for linear models makes.

    Raises:
        ForgetError: No such method.
    """
    if method not in LINEAR_METHODS:
        known = ", ".join(LINEAR_METHODS)
        raise ForgetError(f"a method for linear models: {known}", repr(method), "Choose one.")

    def delete(model: LinearModel, people: Sequence[str]) -> LinearModel:
        return unlearn(model, faces, people, method).model  # type: ignore[return-value]

    return delete


def familiarity(subject: Subject, evidence: Evidence, person: str, fitted: bool) -> Reals:
    """How well a model that has names knows each photograph of somebody, (n,): its best score."""
    indices = evidence.fitted(person) if fitted else evidence.held_out(person)
    if subject.answer is None or not len(indices):
        return np.zeros(0)
    return subject.answer(evidence.images(indices)).best


def stand_out(
    forgotten: Sequence[tuple[str, Reals]], never: Sequence[tuple[str, Reals]], seed: int = 0
) -> Detection:
    """How well the best score tells photographs that were fitted on from those of people who were
    never there: the simplest attack.

    Arguments:
        forgotten: People with the scores of their fitted photographs.
        never: People with the scores of theirs, by models that never saw them.
        seed: Of the bootstrap.
    """
    scores = [np.concatenate([values for _, values in side]) for side in (forgotten, never)]
    people = [[who for who, values in side for _ in values] for side in (forgotten, never)]
    return detect(scores[0], scores[1], people[0], people[1], seed)


def outstanding(evidence: Evidence, found: Detection) -> Callable[[Subject, str], Reals]:
    """For each fitted photograph of somebody, the share of never-seen people's photographs, their
    own left out, that score below it, (n,): one half for people who stand out no more than those.

    Empty where there is nobody else.

    Arguments:
        evidence: The photographs.
        found: What `stand_out` gives for the same people.
    """
    counts = [len(evidence.fitted(person)) for person in evidence.never]
    owner = np.repeat(np.array(evidence.never, dtype=object), counts)

    def measure(subject: Subject, person: str) -> Reals:
        scores = familiarity(subject, evidence, person, True)
        others = found.others[owner != person]
        if not len(others):  # nobody else to stand out among
            return np.zeros(0)
        above = scores[:, None] > others[None, :]
        return (above + 0.5 * (scores[:, None] == others[None, :])).mean(1)

    return measure


def shadow_attack(
    model: LinearModel,
    people: Sequence[str],
    delete: Deletion,
    shadows: int = SHADOWS,
    seed: int = 0,
    on_step: OnStep = silent,
    share: float = 0.95,
) -> Detection:
    """U-LiRA on the readout: models that learned and forgot somebody, beside ones that never did.

    Each shadow is fitted on half of the other people, drawn anew; with the people, who are then
    taken out, and, from the same half, without them. A photograph's score is its best one. Each
    pair is attacked with the Gaussians of all others, see `attack_pairs`.

    Arguments:
        model: Knows the people and others; its store holds all rows.
        people: Whom shadows learn and forget.
        delete: The method under audit.
        shadows: Pairs of models.
        seed: Of the draws.
        on_step: Told of each pair.
        share: Of the interval.

    Raises:
        StatisticsError: The model was saved without its store.
        ForgetError: Nobody else is in the model.
    """
    store, _ = model.parts()
    others = [person for person in store.people if person not in set(people)]
    if not others:
        raise ForgetError(
            "a model from before that knows somebody else, whom shadows are made of",
            f"one of {', '.join(people)} alone",
            "Audit a model of more people, or leave the one from before out.",
        )
    rows = np.concatenate([store[person].rows for person in people])
    names = [person for person in people for _ in store[person].rows]
    draw = np.random.default_rng(seed)
    forgot, without = [], []
    for number in range(shadows):
        half = draw.choice(others, max(len(others) // 2, 1), replace=False).tolist()
        away = [person for person in others if person not in half]
        learned = model.holding(store.sum_of([*half, *people]), away)
        never = model.holding(store.sum_of(half), [*away, *people])
        for found, one in ((forgot, delete(learned, people)), (without, never)):
            found.append(_best(one, model, rows))
        on_step(number + 1, shadows, "shadows")
    return attack_pairs(np.stack(forgot), np.stack(without), names, share)


def _best(shadow: LinearModel, model: LinearModel, rows: NDArray[np.int16]) -> Reals:
    return shadow.score(rows_in(shadow.feature_map, model.feature_map, rows)).max(1)

"""Attacks on answers alone: do images that were learned from stand out from others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from forget.errors import ForgetError
from forget.metrics.detection import Detection, detect
from forget.metrics.signals import SIGNALS, five_features, signals

__all__ = ["ATTACKS", "Scores", "attack_scores", "learned_scores", "population_attacks"]

LEARNED = "five features"
ATTACKS = (*SIGNALS, LEARNED)
FOLDS = 5
MOST = 2000  # images a side that the learned attack looks at: its time grows with their square

Answers = tuple[NDArray[np.floating], NDArray[np.integer]]  # log-probabilities (n, c), labels (n,)
People = Sequence[str]
Reals = NDArray[np.float64]


def population_attacks(
    members: Answers,
    others: Answers,
    member_people: People | None = None,
    other_people: People | None = None,
    seed: int = 0,
) -> dict[str, Detection]:
    """Judges each attack of `attack_scores`, with intervals over people.

    What an attack achieves says little by itself, since members and others may differ in more
    than membership: read it beside the same attack on a model that saw neither.

    Arguments:
        members: Answers about images that were to be forgotten, and their classes.
        others: About images that were never learned from.
        member_people: Who is on each; by default everybody is somebody else.
        other_people: The same of the others.
        seed: Of the bootstrap and of the folds.

    Raises:
        ForgetError: As `attack_scores`.
    """
    found = attack_scores(members, others, member_people, other_people, seed)
    return {
        name: detect(one.members, one.others, one.member_people, one.other_people, seed)
        for name, one in found.items()
    }


class Scores(NamedTuple):
    """What an attack gives, higher for members: (m,) and (n,), and who is on each image."""

    members: Reals
    others: Reals
    member_people: People
    other_people: People


def attack_scores(
    members: Answers,
    others: Answers,
    member_people: People | None = None,
    other_people: People | None = None,
    seed: int = 0,
) -> dict[str, Scores]:
    """A threshold on each of five signals, and an attacker who learns to weigh all five.

    References:
        | Systematic Evaluation of Privacy Risks of Machine Learning Models (Song and Mittal, 2021)

    Arguments:
        members: Answers about images that were to be forgotten, and their classes.
        others: About images that were never learned from.
        member_people: Who is on each; by default everybody is somebody else.
        other_people: The same of the others.
        seed: Of the folds.

    Raises:
        ForgetError: Answers that are no log-probabilities, or fewer than 5 people on a side.
    """
    inside, outside = signals(*members), signals(*others)
    ours = _who("member", member_people, len(members[1]))
    theirs = _who("other", other_people, len(others[1]))
    found = {name: Scores(inside[name], outside[name], ours, theirs) for name in SIGNALS}
    features = five_features(*members), five_features(*others)
    return found | {LEARNED: learned_scores(*features, ours, theirs, seed)}


def learned_scores(
    members: Reals, others: Reals, member_people: People, other_people: People, seed: int = 0
) -> Scores:
    """A support vector machine that is fitted on four fifths of the people and attacks the rest.

    Each fifth has a machine of its own, so scores are ranks within it. More than 2,000 images a
    side are thinned to so many.

    Arguments:
        members: Features, (m, k).
        others: Features, (n, k).
        member_people: Who is on each, (m,).
        other_people: Who is on each, (n,).
        seed: Of the folds.

    Raises:
        ForgetError: Fewer than 5 people on a side.
    """
    sides = (_thinned(members, member_people, seed), _thinned(others, other_people, seed))
    fewest = min(len(set(people)) for _, people in sides)
    if fewest < FOLDS:
        raise ForgetError(
            f"at least {FOLDS} people on each side", f"{fewest}", "Take more people."
        )
    features = np.concatenate([rows for rows, _ in sides])
    member = np.repeat([1, 0], [len(rows) for rows, _ in sides])
    groups = np.unique([*sides[0][1], *sides[1][1]], return_inverse=True)[1]
    scores = np.empty(len(features))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for learn, attack in folds.split(features, member, groups):
        machine = make_pipeline(StandardScaler(), SVC(class_weight="balanced", cache_size=500))
        machine.fit(features[learn], member[learn])
        scores[attack] = rankdata(machine.decision_function(features[attack])) / len(attack)
    return Scores(scores[member == 1], scores[member == 0], sides[0][1], sides[1][1])


def _who(side: str, people: People | None, count: int) -> People:
    return [f"{side} {k}" for k in range(count)] if people is None else list(people)


def _thinned(features: Reals, people: People, seed: int) -> tuple[Reals, People]:
    if len(features) <= MOST:
        return features, people
    kept = np.sort(np.random.default_rng(seed).permutation(len(features))[:MOST])
    return features[kept], [people[k] for k in kept]

"""Still identified? Taken for somebody when shown, found when enrolled again."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.metrics.retrieval import search

__all__ = ["ENROLLED", "enrolled_again", "named"]

ENROLLED = (1, 2, 5)  # photographs with which somebody is enrolled again

Reals = NDArray[np.float64]
Measure = Callable[[Subject, str], Reals]


def named(evidence: Evidence) -> Measure:
    """Whether each held-out photograph of somebody is taken for anybody at all, (n,).

    A model that forgot somebody takes them for strangers, of whom a few are mistaken for others.
    """

    def measure(subject: Subject, person: str) -> Reals:
        if subject.answer is None:
            return np.zeros(0)
        answers = subject.answer(evidence.images(evidence.held_out(person)))
        return (answers.best >= answers.threshold).astype(np.float64)

    return measure


def enrolled_again(evidence: Evidence, count: int) -> Measure:
    """Whether each held-out photograph finds its person, once that one is enrolled again, (n,).

    The gallery holds the first photographs, as many, of everybody who stays, and those of the
    person. Nobody is found less well for having left, where only their influence was removed.
    Empty for people with fewer photographs to enrol.

    Arguments:
        evidence: The photographs.
        count: How many photographs the person is enrolled with.
    """

    @lru_cache(maxsize=1)  # of one model at a time, which it keeps alive
    def gallery(subject: Subject) -> tuple[Reals, Sequence[str]]:
        people = evidence.staying
        shown = [evidence.fitted(one)[:count] for one in people]
        names = [one for one, some in zip(people, shown, strict=True) for _ in some]
        return subject.embed(evidence.images(np.concatenate(shown))), names

    def measure(subject: Subject, person: str) -> Reals:
        enrolled, probes = evidence.fitted(person)[:count], evidence.held_out(person)
        if len(enrolled) < count or not len(probes):
            return np.zeros(0)
        features, names = gallery(subject)
        others = [i for i, one in enumerate(names) if one != person]
        theirs = subject.embed(evidence.images(enrolled))
        found = search(
            subject.embed(evidence.images(probes)),
            [person] * len(probes),
            np.concatenate([features[others], theirs]),
            [*(names[i] for i in others), *[person] * len(theirs)],
        )
        return found.first.astype(np.float64)

    return measure

"""One question with its verdict: an answer beside that of people who were never there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject, never_enrolled
from forget.metrics.detection import bootstrap
from forget.metrics.verdict import Line

__all__ = ["Asker", "Measure"]

ROUNDS = 4000  # of the bootstrap
FEW = 5  # people, below whom their scatter is taken from others

Reals = NDArray[np.float64]
Measure = Callable[[Subject, str], Reals]


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks the same of the forgotten and of people who were never there.

    Arguments:
        after: The model that should have forgotten them.
        reference: One that was trained again without them; None puts nothing beside.
        evidence: The photographs.
        margin: Difference that still counts as none.
        suppression: Whether the forgotten are compared with chance, where there is one.
        seed: Of the draws.
        tail: Share beyond either end of an interval.
    """

    after: Subject
    reference: Subject | None
    evidence: Evidence
    margin: float
    suppression: bool
    seed: int
    tail: float

    def line(
        self, question: str, measure: Measure, means: str, chance: float | None = None
    ) -> Line | None:
        """A question with its verdict; None where nobody has an answer."""
        theirs = [measure(self.after, person) for person in self.evidence.forgotten]
        theirs = [values for values in theirs if len(values)]
        if not theirs:
            return None
        if self.suppression and chance is not None:
            return self._beside(self._against_chance(question, theirs, chance, means), measure)
        like = [
            values
            for person in self.evidence.never
            if len(values := measure(never_enrolled(self.after, person), person))
        ]
        if not like:
            return None
        value, target = (float(np.mean([one.mean() for one in side])) for side in (theirs, like))
        interval = self._interval(theirs, like)
        line = Line(question, value, target, value - target, interval, self.margin, means)
        return self._beside(line, measure)

    def _beside(self, line: Line, measure: Measure) -> Line:
        """The line with what the reference says of the same people."""
        if self.reference is None:
            return line
        found = [measure(self.reference, person) for person in self.evidence.forgotten]
        there = [values.mean() for values in found if len(values)]
        return replace(line, reference=float(np.mean(there)) if there else float("nan"))

    def _against_chance(
        self, question: str, theirs: Sequence[Reals], chance: float, means: str
    ) -> Line:
        """The target is a number, and photographs of one person are drawn where there is one."""
        single = len(theirs) == 1
        groups = np.concatenate([np.full(len(one), k) for k, one in enumerate(theirs)])
        places = np.arange(len(theirs[0])) if single else groups
        found = np.concatenate(theirs)
        low, high = bootstrap(np.mean, [found], [places], self.seed, ROUNDS, 1 - 2 * self.tail)
        value, interval = float(found.mean()), (low - chance, high - chance)
        return Line(question, value, chance, value - chance, interval, self.margin, means)

    def _interval(self, theirs: Sequence[Reals], like: Sequence[Reals]) -> tuple[float, float]:
        """Interval of the difference of the means over people, who are drawn again.

        Fewer than five people cannot be drawn again: how much so few scatter is then taken from
        the people who were never there, and from one more at either end of the scale, since that
        all of a few people are alike does not show that the next one would be.

        References:
            | Approximate is better than exact for interval estimation of binomial proportions
              (Agresti and Coull, 1998), for the added ones
        """
        ours, others = (np.array([values.mean() for values in side]) for side in (theirs, like))
        draw = np.random.default_rng(self.seed)
        like_drawn = draw.choice(others, (ROUNDS, len(others))).mean(1)
        if len(ours) >= FEW:
            ours_drawn = draw.choice(ours, (ROUNDS, len(ours))).mean(1)
        else:
            wider = np.append(others, [0.0, 1.0])
            scatter = draw.choice(wider - wider.mean(), (ROUNDS, len(ours))).mean(1)
            ours_drawn = ours.mean() - scatter  # what is seen, less how it may have come about
        low, high = np.quantile(ours_drawn - like_drawn, [self.tail, 1 - self.tail])
        return float(low), float(high)

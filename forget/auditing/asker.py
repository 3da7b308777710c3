"""One question with its verdict: an answer beside that of people who were never there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject, never_enrolled
from forget.metrics.intervals import difference_interval, share_interval
from forget.metrics.verdict import Line

__all__ = ["Asker", "Measure"]

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
        share: Of each interval.
    """

    after: Subject
    reference: Subject | None
    evidence: Evidence
    margin: float
    suppression: bool
    seed: int
    share: float

    def line(
        self,
        question: str,
        measure: Measure,
        means: str,
        chance: float | None = None,
        hides: bool = True,
    ) -> Line | None:
        """A question with its verdict; None where nobody has an answer.

        Arguments:
            question: In plain words.
            measure: A share in [0, 1] for each photograph of somebody.
            means: How an attacker would use it.
            chance: What guessing gives, where suppression is compared with it.
            hides: Whether less than chance is as good as chance.
        """
        theirs = [measure(self.after, person) for person in self.evidence.forgotten]
        theirs = [values for values in theirs if len(values)]
        if not theirs:
            return None
        if self.suppression and chance is not None:
            line = self._against_chance(question, theirs, chance, means, hides)
            return self._beside(line, measure)
        like = [
            values
            for person in self.evidence.never
            if len(values := measure(never_enrolled(self.after, person), person))
        ]
        if not like:
            return None
        ours, others = (np.array([one.mean() for one in side]) for side in (theirs, like))
        interval = difference_interval(ours, others, self.share)
        value, target = float(ours.mean()), float(others.mean())
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
        self,
        question: str,
        theirs: Sequence[Reals],
        chance: float,
        means: str,
        hides: bool,
    ) -> Line:
        """The target is a number; of a single person photographs count as people do."""
        found = theirs[0] if len(theirs) == 1 else np.array([one.mean() for one in theirs])
        least = 0.0 if hides else -1.0
        value, interval = float(found.mean()), share_interval(found, self.share)
        difference, low, high = (max(one - chance, least) for one in (value, *interval))
        return Line(question, value, chance, difference, (low, high), self.margin, means)

"""What an audit found: answers with verdicts, and all that lies under them."""

from dataclasses import dataclass, field

import pandas as pd

from forget.auditing.identified import ENROLLED
from forget.auditing.residue import Betrayal
from forget.metrics.detection import Detection
from forget.metrics.verdict import Line, Verdict

__all__ = ["QUESTIONS", "SHARE", "Audit"]

LINES = len(ENROLLED) + 5  # named, verified twice, two attacks
SHARE = 1 - 0.05 / LINES  # of each interval, so that all together hold with 95 %
# Which lines answer which question, by how they begin.
QUESTIONS = {
    "identified": ("taken for", "found when"),
    "verified": ("verified",),
    "detectable": ("stands out", "detected"),
}


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found.

    Arguments:
        forgotten: Whom the model should have forgotten.
        never: Whom they were compared with.
        goal: "influence removal" or "suppression".
        lines: Questions with verdicts.
        shadows: U-LiRA; None where the model is not linear or no method was given.
        plain: The simplest attack, on best scores; None for a model without names.
        relearned: Share of held-out photographs found by number of photographs enrolled, and
            group.
        collateral: One row per person who stays.
        probes: AUC by probe, layer and group.
        edited: Matrices that betray somebody.
        difference: What the pair of models gives away; empty without the one from before.
        notes: What was left out, and why.
        beyond: What no question can see, such as a network that may have been taught by them;
            empty where everything is audited.
        beside: What kind of reference stands beside; empty without one.
    """

    forgotten: tuple[str, ...]
    never: tuple[str, ...]
    goal: str
    lines: tuple[Line, ...]
    shadows: Detection | None = field(repr=False)
    plain: Detection | None = field(repr=False)
    relearned: pd.DataFrame = field(repr=False)
    collateral: pd.DataFrame = field(repr=False)
    probes: pd.DataFrame = field(repr=False)
    edited: tuple[Betrayal, ...] = field(repr=False)
    difference: dict[str, float]
    notes: tuple[str, ...]
    beyond: str = ""
    beside: str = ""

    @property
    def verdict(self) -> Verdict:
        """FAIL if a line fails, PASS if all pass and no question lacks one, else unknown."""
        each = [line.verdict for line in self.lines]
        if Verdict.FAIL in each:
            return Verdict.FAIL
        passed = all(one is Verdict.PASS for one in each)
        asked = all(map(self.answering, QUESTIONS))
        return Verdict.PASS if passed and asked else Verdict.UNKNOWN

    def answering(self, question: str) -> list[Line]:
        """The lines that answer one of `QUESTIONS`."""
        return [one for one in self.lines if one.question.startswith(QUESTIONS[question])]

    @property
    def table(self) -> pd.DataFrame:
        """One row per question."""
        return pd.DataFrame(
            [
                {
                    "question": line.question,
                    "forgotten": line.value,
                    "never there": line.target,
                    "reference": line.reference,
                    "difference": line.difference,
                    "low": line.interval[0],
                    "high": line.interval[1],
                    "margin": line.margin,
                    "verdict": line.verdict.value,
                    "means": line.means,
                }
                for line in self.lines
            ]
        )

"""What an audit found: answers with verdicts, and all that lies under them."""

import math
from dataclasses import dataclass, field

import pandas as pd

from forget.auditing.identified import ENROLLED
from forget.auditing.residue import Betrayal
from forget.auditing.verified import RATE
from forget.metrics.detection import Detection
from forget.metrics.verdict import Line, Verdict

__all__ = ["MEANS", "NAMED", "QUESTIONS", "SHADOWED", "SHARE", "STANDS_OUT", "Audit"]

LINES = len(ENROLLED) + 5  # named, verified twice, two attacks
SHARE = 1 - 0.05 / LINES  # of each interval, so that all together hold with 95 %
# Which lines answer which question, by how they begin.
QUESTIONS = {
    "identified": ("taken for", "found when"),
    "verified": ("verified",),
    "detectable": ("stands out", "detected"),
}

NAMED = "taken for somebody"
STANDS_OUT = "stands out by the best score"
SHADOWED = "detected by shadows (U-LiRA)"
_AUC = "AUC: 0.5 is guessing, 1 is always right; far below 0.5 hiding stands out."
# How an attacker would ask, and what the words mean; of "verified, ..." by what follows.
MEANS = {
    NAMED: "An attacker shows a new photograph: does the model name anybody?",
    "at the original threshold": (
        "An attacker who knows the person compares a new photograph with an old one, at the "
        "threshold that the model from before would have: it lets "
        f"{RATE:.0%} of pairs of different people pass."
    ),
    "recalibrated": (
        "Recalibrated: the same comparison, with the threshold set anew so that the model as it "
        f"is now lets {RATE:.0%} of pairs of different people pass."
    ),
    STANDS_OUT: (
        "An attacker looks at the best score that the model gives a photograph: is it higher for "
        f"those that were learned from? {_AUC}"
    ),
    SHADOWED: (
        "Shadows are models made in pairs from a part of the others: one learned these "
        "photographs and had them taken out, one never saw them. An attack by the name of U-LiRA "
        f"compares how both kinds answer, and guesses which kind a model is. {_AUC}"
    ),
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
        left_out: Questions that could not be answered, each with the note that says why.
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
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """FAIL if a line fails, PASS if all pass and no question lacks one, else unknown."""
        each = {self.judged(question) for question in QUESTIONS}
        if Verdict.FAIL in each:
            return Verdict.FAIL
        return Verdict.PASS if each == {Verdict.PASS} else Verdict.UNKNOWN

    def judged(self, question: str) -> Verdict:
        """The verdict on one of `QUESTIONS`: no PASS while one of its lines was left out."""
        each = {line.verdict for line in self.answering(question)}
        if Verdict.FAIL in each:
            return Verdict.FAIL
        passed = each == {Verdict.PASS} and not self.missing(question)
        return Verdict.PASS if passed else Verdict.UNKNOWN

    def answering(self, question: str) -> list[Line]:
        """The lines that answer one of `QUESTIONS`."""
        return [one for one in self.lines if one.question.startswith(QUESTIONS[question])]

    def missing(self, question: str) -> list[str]:
        """Why lines that would answer one of `QUESTIONS` were left out, each reason once."""
        notes = [
            note for one, note in self.left_out.items() if one.startswith(QUESTIONS[question])
        ]
        return list(dict.fromkeys(notes))

    @property
    def suppresses(self) -> bool:
        """Whether people were to be suppressed, and not forgotten."""
        return self.goal == "suppression"

    @property
    def done(self) -> str:
        """What has become of them: "forgotten" or "suppressed"."""
        return "suppressed" if self.suppresses else "forgotten"

    def number(self, line: Line) -> str:
        """What a line found, with its unit: a share, or an area under the curve."""
        return f"AUC {line.value:.2f}" if _is_area(line) else f"{line.value:.0%}"

    def compared(self, line: Line) -> str:
        """What that number is compared with, named; a reference beside it where there is one."""
        shown = "{:.2f}" if _is_area(line) else "{:.0%}"
        what = "chance" if self.suppresses else "people who were never there"
        if _is_area(line) and (self.suppresses or line.target == 0.5):
            what = "guessing"
        said = [f"{what} {shown.format(line.target)}"]
        if not math.isnan(line.reference):
            said.append(f"reference {shown.format(line.reference)}")
        return ", ".join(said)

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


def _is_area(line: Line) -> bool:
    return line.question.startswith(QUESTIONS["detectable"])

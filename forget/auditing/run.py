"""The audit: every question asked of the forgotten and of people who were never there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.auditing.asker import Asker
from forget.auditing.collateral import collateral
from forget.auditing.detectable import (
    SHADOWS,
    Deletion,
    familiarity,
    outstanding,
    shadow_attack,
    stand_out,
)
from forget.auditing.evidence import Evidence
from forget.auditing.identified import ENROLLED, enrolled_again, named
from forget.auditing.reference import beyond, described
from forget.auditing.residue import Betrayal, betrayed, difference_attack, probe_table
from forget.auditing.subject import Subject, from_linear, never_enrolled
from forget.auditing.verified import threshold_of, verified
from forget.errors import ForgetError
from forget.metrics.detection import Detection
from forget.metrics.verdict import Line, Verdict
from forget.progress import OnStep, silent

__all__ = ["MARGIN", "SHARE", "Audit", "audit_people"]

QUESTIONS = len(ENROLLED) + 5  # named, verified twice, two attacks
TAIL = 0.025 / QUESTIONS
SHARE = 1 - 2 * TAIL  # of each interval, so that all together hold with 95 %
MARGIN = 0.1  # of a share or an AUC, within which the forgotten count as like the never-seen
_GUESSES = "An attacker guesses from answers alone whether these photographs were learned from."

Reals = NDArray[np.float64]


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
        """FAIL if a line fails, PASS if all pass, else not enough data."""
        each = [line.verdict for line in self.lines]
        if Verdict.FAIL in each:
            return Verdict.FAIL
        passed = each and all(one is Verdict.PASS for one in each)
        return Verdict.PASS if passed else Verdict.UNKNOWN

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


def audit_people(
    after: Subject,
    evidence: Evidence,
    before: Subject | None = None,
    delete: Deletion | None = None,
    reference: Subject | None = None,
    *,
    suppression: bool = False,
    margin: float = MARGIN,
    shadows: int = SHADOWS,
    detected: Detection | None = None,
    seed: int = 0,
    on_step: OnStep = silent,
) -> Audit:
    """Asks whether people are still identified, verified and detectable.

    For the removal of influence the forgotten must be like people who were never there: for each
    of these a linear model is refitted without them. For suppression they must be at chance.

    Arguments:
        after: The model that should have forgotten them.
        evidence: The photographs.
        before: The model that knew them; without it there is no collateral, no original
            threshold, and no difference attack.
        delete: The method, which shadows are made with; None leaves shadows out.
        reference: A model that was trained again without them; its values stand beside.
        suppression: Whether the goal was suppression.
        margin: Difference that still counts as none.
        shadows: Pairs of shadow models.
        detected: What an attack by shadows found that was made beforehand, see `forget.shadows`;
            one for networks, so nothing is beyond the audit then. Its interval should hold with
            `SHARE`.
        seed: Of every draw.
        on_step: Told of progress.

    Raises:
        ForgetError: A model that gives no features.
    """
    notes: list[str] = []
    steps = iter(range(1, 1000))
    total = 5 + len(ENROLLED) + shadows * (delete is not None)

    def step(note: str) -> None:
        on_step(next(steps), total, note)

    before = _warmed(after, before, evidence)
    asker = Asker(after, reference, evidence, margin, suppression, seed, TAIL)
    gallery = max(len(evidence.staying), 1)
    lines: list[Line | None] = []
    step("names")
    lines.append(
        asker.line(
            "taken for somebody",
            named(evidence),
            "An attacker shows a new photograph: does the model name anybody?",
            0.0 if suppression else None,
        )
    )
    if after.answer is None:
        notes.append("The model has no gallery, so nobody can be named.")
    for count in ENROLLED:
        step(f"enrolled with {count}")
        lines.append(
            asker.line(
                f"found when enrolled again with {count}",
                enrolled_again(evidence, count),
                "An attacker has so many photographs and enrols the person: are they found "
                "better than a stranger would be?",
                1 / gallery,
            )
        )
    step("verification")
    lines += _verification(asker, before, notes)
    plain = _plain(asker)
    if plain is not None:
        lines.append(
            asker.line("stands out by the best score", outstanding(evidence, plain), _GUESSES, 0.5)
        )
    found = detected
    if found is None and delete is not None and before is not None and before.linear is not None:
        found = shadow_attack(
            before.linear,
            evidence.forgotten,
            delete,
            shadows,
            seed,
            lambda done, of, note="": step(note),
            share=SHARE,
        )
    if found is not None:
        lines.append(_of_attack("detected by shadows (U-LiRA)", found, margin))
    else:
        notes.append(
            "Shadows were left out: they need a linear model from before, and the method; of a "
            "network, trainings: see `python -m forget shadows`."
        )
    step("inside")
    probes = probe_table(after, evidence, seed)
    if not len(probes):
        notes.append("Probes were left out: they need layers, and more photographs of others.")
    edited = tuple(betrayed(after, evidence))
    step("others")
    hurt = collateral(before, after, evidence) if before else pd.DataFrame()
    pair = difference_attack(before, after, evidence) if before else {}
    if before is None:
        notes.append("Without the model from before nobody knows who else was hurt.")
    step("relearning")
    answered = tuple(line for line in lines if line is not None)
    if not answered:
        raise ForgetError("a model that says something of faces", "nothing", "Give features.")
    return Audit(
        evidence.forgotten,
        evidence.never,
        "suppression" if suppression else "influence removal",
        answered,
        found,
        plain,
        _relearned(after, evidence),
        hurt,
        probes,
        edited,
        pair,
        tuple(notes),
        "" if detected is not None else beyond(before or after, evidence, reference),
        described(reference, after, evidence),
    )


def _warmed(after: Subject, before: Subject | None, evidence: Evidence) -> Subject | None:
    """Computes all features at once; of two models on one feature map once for both."""
    after.embed(evidence.faces.images)
    if before is None:
        return None
    ours, theirs = after.linear, before.linear
    if ours and theirs and ours.feature_map.space == theirs.feature_map.space:
        return from_linear(theirs, before.name, after.rows)
    before.embed(evidence.faces.images)
    return before


def _verification(asker: Asker, before: Subject | None, notes: list[str]) -> list[Line | None]:
    means = "An attacker who knows the person compares a new photograph with an old one."
    lines = []
    for title, subject in (("at the original threshold", before), ("recalibrated", asker.after)):
        if subject is None:
            continue
        try:
            threshold = threshold_of(subject, asker.evidence)
        except ForgetError as error:
            notes.append(f"Verification was left out: {error}")
            continue
        measure = verified(asker.evidence, threshold)
        lines.append(asker.line(f"verified, {title}", measure, means, 0.01))
    return lines


def _plain(asker: Asker) -> Detection | None:
    evidence, after = asker.evidence, asker.after
    theirs = [(p, familiarity(after, evidence, p, True)) for p in evidence.forgotten]
    like = [(p, familiarity(never_enrolled(after, p), evidence, p, True)) for p in evidence.never]
    if not all(len(values) for _, values in theirs + like):
        return None
    return stand_out(theirs, like, asker.seed)


def _of_attack(question: str, found: Detection, margin: float) -> Line:
    low, high = (end - 0.5 for end in found.interval)
    return Line(question, found.auc, 0.5, found.auc - 0.5, (low, high), margin, _GUESSES)


def _relearned(after: Subject, evidence: Evidence) -> pd.DataFrame:
    most = min(max(len(evidence.fitted(person)) for person in evidence.forgotten), 7)
    rows = []
    for count in range(1, most + 1):
        measure = enrolled_again(evidence, count)
        groups = {
            "forgotten": [measure(after, person) for person in evidence.forgotten],
            "never there": [
                measure(never_enrolled(after, person), person) for person in evidence.never
            ],
        }
        for group, found in groups.items():
            there = [values for values in found if len(values)]
            if there:
                rows.append({"photographs": count, "group": group, "found": _mean(there)})
    return pd.DataFrame(rows)


def _mean(values: Sequence[Reals]) -> float:
    return float(np.concatenate(values).mean())

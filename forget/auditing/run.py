"""The audit: every question asked of the forgotten and of people who were never there."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.auditing.asker import Asker, Measure
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
from forget.auditing.outcome import SHARE, Audit
from forget.auditing.reference import beyond, described
from forget.auditing.residue import betrayed, difference_attack, probe_table
from forget.auditing.subject import Subject, from_linear, never_enrolled
from forget.auditing.verified import RATE, threshold_of, verified
from forget.errors import ForgetError
from forget.metrics.detection import Detection
from forget.metrics.verdict import Line
from forget.progress import OnStep, silent

__all__ = ["MARGIN", "audit_people"]

MARGIN = 0.1  # of a share or an AUC, within which the forgotten count as like the never-seen
_GUESSES = "An attacker guesses from answers alone whether these photographs were learned from."

Reals = NDArray[np.float64]


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
    asker = Asker(after, reference, evidence, margin, suppression, seed, SHARE)
    lines: list[Line] = []

    def ask(
        question: str, measure: Measure, means: str, chance: float, hides: bool = True
    ) -> None:
        line = asker.line(question, measure, means, chance, hides)
        if line is None:
            notes.append(f"Left out, since no photograph answers it: {question}.")
        else:
            lines.append(line)

    if evidence.faces.skipped:
        left = evidence.faces.skipped
        notes.append(f"Left out of the data set: {len(left)}, such as {'; '.join(left[:3])}.")
    step("names")
    if after.answer is None:
        notes.append("The model has no gallery, so nobody can be named.")
    else:
        means = "An attacker shows a new photograph: does the model name anybody?"
        ask("taken for somebody", named(evidence), means, 0.0)
    for count in ENROLLED:
        step(f"enrolled with {count}")
        ask(
            f"found when enrolled again with {count}",
            enrolled_again(evidence, count),
            "An attacker has so many photographs and enrols the person: are they found "
            "better than a stranger would be?",
            1 / (len(evidence.staying) + 1),
        )
    step("verification")
    for title, threshold in _thresholds(after, before, evidence, notes).items():
        means = "An attacker who knows the person compares a new photograph with an old one."
        ask(f"verified, {title}", verified(evidence, threshold), means, RATE)
    plain = _plain(asker)
    if plain is not None:
        title = "stands out by the best score"
        ask(title, outstanding(evidence, plain), _GUESSES, 0.5, hides=False)
    elif after.answer is not None:
        notes.append("The attack on best scores was left out: somebody has no photographs for it.")
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
    if not lines:
        raise ForgetError("a model that says something of faces", "nothing", "Give features.")
    return Audit(
        evidence.forgotten,
        evidence.never,
        "suppression" if suppression else "influence removal",
        tuple(lines),
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


def _thresholds(
    after: Subject, before: Subject | None, evidence: Evidence, notes: list[str]
) -> dict[str, float]:
    """Above which a pair of photographs is verified, by where the threshold comes from."""
    found: dict[str, float] = {}
    one = evidence.faces.images[:1]
    for title, subject in (("at the original threshold", before), ("recalibrated", after)):
        if subject is None:
            continue
        if subject.embed(one).shape != after.embed(one).shape:
            notes.append(
                "Verification at the original threshold was left out: the two models have "
                "features of different size."
            )
            continue
        try:
            found[title] = threshold_of(subject, evidence)
        except ForgetError as error:
            notes.append(f"Verification was left out: {error}")
    return found


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

"""The audit: every question asked of the forgotten and of people who were never there."""

from collections.abc import Callable, Sequence

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
from forget.auditing.outcome import MEANS, NAMED, SHADOWED, SHARE, STANDS_OUT, Audit
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

Reals = NDArray[np.float64]
Leave = Callable[[str, str], None]  # a question that is left out, and the note that says why


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
    left_out: dict[str, str] = {}
    counts = _counts(evidence, suppression, notes)
    steps = iter(range(1, 1000))
    total = 5 + len(counts) + shadows * (delete is not None)

    def step(note: str) -> None:
        on_step(next(steps), total, note)

    def leave(question: str, note: str) -> None:
        left_out[question] = note
        if note not in notes:
            notes.append(note)

    before = _warmed(after, before, evidence)
    asker = Asker(after, reference, evidence, margin, suppression, seed, SHARE)
    lines: list[Line] = []

    def ask(
        question: str, measure: Measure, means: str, chance: float, hides: bool = True
    ) -> None:
        line = asker.line(question, measure, means, chance, hides)
        if line is None:
            leave(question, f"Left out, since no photograph answers it: {question}.")
        else:
            lines.append(line)

    if evidence.faces.skipped:
        left = evidence.faces.skipped
        notes.append(f"Left out of the data set: {len(left)}, such as {'; '.join(left[:3])}.")
    step("names")
    if after.answer is None:
        notes.append("The model has no gallery, so nobody can be named.")
    else:
        ask(NAMED, named(evidence), MEANS[NAMED], 0.0)
    for count in counts:
        step(f"enrolled with {count}")
        ask(
            f"found when enrolled again with {count}",
            enrolled_again(evidence, count),
            f"An attacker enrols the person with {count} photograph{'s' * (count > 1)}: are they "
            "found among the others better than a stranger would be?",
            1 / (len(evidence.staying) + 1),
        )
    step("verification")
    for title, threshold in _thresholds(after, before, evidence, leave).items():
        ask(f"verified, {title}", verified(evidence, threshold), MEANS[title], RATE)
    plain = _plain(asker, leave) if after.answer is not None else None
    if plain is not None:
        ask(STANDS_OUT, outstanding(evidence, plain), MEANS[STANDS_OUT], 0.5, hides=False)
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
        lines.append(_of_attack(found, margin))
    else:
        leave(
            SHADOWED,
            "Shadows were left out: they need a linear model from before, and the method; of a "
            "network, trainings: see `python -m forget shadows`.",
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
        left_out,
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


def _counts(evidence: Evidence, suppression: bool, notes: list[str]) -> list[int]:
    """The numbers of photographs that somebody can be enrolled with; notes who has fewer."""
    compared, counts = () if suppression else evidence.never, []
    for count in ENROLLED:
        few = [p for p in (*evidence.forgotten, *compared) if len(evidence.fitted(p)) < count]
        plural = f"{count} photograph{'s' * (count > 1)}"
        if set(evidence.forgotten) <= set(few):
            notes.append(f"Nobody was enrolled again with {plural}: {_names(evidence, few)}.")
            continue
        counts.append(count)
        if few:
            who = _names(evidence, few)
            notes.append(f"Left out where people are enrolled again with {plural}: {who}.")
    return counts


def _names(evidence: Evidence, people: Sequence[str]) -> str:
    """Who has fewer, the first three by name."""
    first = ", ".join(evidence.faces.title(one) for one in people[:3])
    more = f" and {len(people) - 3} more" if len(people) > 3 else ""
    return f"{first}{more} {'have' if len(people) > 1 else 'has'} fewer"


def _thresholds(
    after: Subject, before: Subject | None, evidence: Evidence, leave: Leave
) -> dict[str, float]:
    """Above which a pair of photographs is verified, by where the threshold comes from."""
    found: dict[str, float] = {}
    one = evidence.faces.images[:1]
    for title, subject in (("at the original threshold", before), ("recalibrated", after)):
        if subject is None:
            continue
        if subject.embed(one).shape != after.embed(one).shape:
            leave(
                f"verified, {title}",
                "Verification at the original threshold was left out: the two models have "
                "features of different size.",
            )
            continue
        try:
            found[title] = threshold_of(subject, evidence)
        except ForgetError as error:
            leave(f"verified, {title}", f"Verification was left out: {error}")
    return found


def _plain(asker: Asker, leave: Leave) -> Detection | None:
    """The attack on best scores, of a model that has names."""
    evidence, after = asker.evidence, asker.after
    theirs = [(p, familiarity(after, evidence, p, True)) for p in evidence.forgotten]
    like = [(p, familiarity(never_enrolled(after, p), evidence, p, True)) for p in evidence.never]
    scores = [values for _, values in theirs + like]
    if not all(len(values) for values in scores):
        why = "somebody has no photographs for it"
    elif not all(np.isfinite(values).all() for values in scores):
        why = "with one person less nobody is left in the model, so photographs have no score"
    else:
        return stand_out(theirs, like, asker.seed)
    leave(STANDS_OUT, f"The attack on best scores was left out: {why}.")
    return None


def _of_attack(found: Detection, margin: float) -> Line:
    low, high, means = *(end - 0.5 for end in found.interval), MEANS[SHADOWED]
    return Line(SHADOWED, found.auc, 0.5, found.auc - 0.5, (low, high), margin, means)


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

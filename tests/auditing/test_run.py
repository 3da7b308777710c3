"""The whole audit of people whose fate is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from known_fates import PEOPLE, audited, deletion, keep

from forget.auditing.evidence import Evidence
from forget.auditing.outcome import Audit
from forget.auditing.run import audit_people
from forget.auditing.subject import from_linear, never_enrolled
from forget.data.dataset import FaceDataset
from forget.errors import IdentityError
from forget.linear.model import LinearModel
from forget.metrics.verdict import Verdict


def test_subtraction_fails_no_line(removed: Audit) -> None:
    assert Verdict.FAIL not in {line.verdict for line in removed.lines}
    assert {"taken for somebody", "detected by shadows (U-LiRA)"} <= {
        line.question for line in removed.lines
    }
    assert removed.goal == "influence removal"
    assert not removed.edited
    assert set(removed.relearned["group"]) == {"forgotten", "never there"}


def test_keeping_somebody_fails(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    subject = from_linear(model, "model", known_rows)
    found = audit_people(subject, evidence, subject, keep, shadows=12)
    assert found.verdict is Verdict.FAIL
    failed = {line.question for line in found.lines if line.verdict is Verdict.FAIL}
    assert {"taken for somebody", "detected by shadows (U-LiRA)"} <= failed


def test_projection_suppresses_and_does_not_pass_all(hidden: Audit) -> None:
    verdicts = {line.question: line.verdict for line in hidden.lines}
    # Two people who are not found do not show that no third one would be.
    assert verdicts["found when enrolled again with 1"] is Verdict.UNKNOWN
    assert verdicts["detected by shadows (U-LiRA)"] is Verdict.FAIL
    assert hidden.verdict is Verdict.FAIL
    assert hidden.edited[0].people[0][0] in PEOPLE


@pytest.mark.slow
def test_no_single_person_passes_by_a_few_photographs(
    model: LinearModel, orl: FaceDataset, known_rows: Callable
) -> None:
    for method, suppression in (("leace", False), ("project", True)):
        found = audited(
            model, Evidence.of(orl, ["s34"]), known_rows, method, 6, suppression=suppression
        )
        widths = {line.question: np.diff(line.interval).item() for line in found.lines}
        assert min(widths.values()) > 0.05, widths
        assert Verdict.PASS not in {line.verdict for line in found.lines}


def test_less_than_chance_is_as_good_as_chance_where_hiding_is_the_goal(
    hidden: Audit,
) -> None:
    lines = {line.question: line for line in hidden.lines}
    line = lines["found when enrolled again with 1"]
    assert line.value < line.target == pytest.approx(1 / 39)
    assert line.difference == 0 and line.interval[0] == 0
    assert lines["stands out by the best score"].difference < 0


def test_a_question_that_nobody_answers_leaves_no_pass(removed: Audit) -> None:
    passed = [replace(line, difference=0.0, interval=(0.0, 0.0)) for line in removed.lines]
    assert replace(removed, lines=tuple(passed)).verdict is Verdict.PASS
    named = [line for line in passed if not line.question.startswith(("stands", "detected"))]
    assert replace(removed, lines=tuple(named)).verdict is Verdict.UNKNOWN


def test_never_enrolled_is_the_refit(model: LinearModel) -> None:
    found = never_enrolled(from_linear(model, "model"), "s30")
    store, _ = model.parts()
    again = store.drop(["s30"]).statistics()
    assert found.linear is not None
    assert found.linear.statistics.digest() == again.digest()
    assert never_enrolled(found, "s30") is found


def test_missing_inputs_make_the_report_shorter_and_say_so(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", known_rows)
    found = audit_people(after, evidence)
    assert found.shadows is None and not len(found.collateral) and not found.difference
    assert any("Shadows were left out" in note for note in found.notes)
    assert any("who else was hurt" in note for note in found.notes)
    assert "verified, recalibrated" in {line.question for line in found.lines}


def test_people_are_checked(orl: FaceDataset) -> None:
    assert len(Evidence.of(orl, ["s34"]).never) == 19
    assert "s34" not in Evidence.of(orl, ["s34"]).never
    with pytest.raises(IdentityError):
        Evidence.of(orl, ["nobody"])
    with pytest.raises(IdentityError, match="not among them"):
        Evidence.of(orl, ["s34"], ["s34", "s35"])
    with pytest.raises(IdentityError, match="compare the forgotten with"):
        Evidence.of(orl, ["s34"], [])


def test_progress_tells_of_every_part(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    told: list[tuple[int, int]] = []
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", known_rows)
    audit_people(
        after,
        evidence,
        from_linear(model, "before", known_rows),
        deletion(evidence.faces, "subtract"),
        shadows=4,
        on_step=lambda done, total, note="": told.append((done, total)),
    )
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][0] == told[-1][1]

"""The whole audit of people whose fate is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from known_fates import PEOPLE, audited, deletion, keep

from forget.auditing.evidence import Evidence
from forget.auditing.identified import enrolled_again
from forget.auditing.linear import audit
from forget.auditing.outcome import STANDS_OUT, Audit
from forget.auditing.run import audit_people
from forget.auditing.subject import from_linear, never_enrolled
from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import IdentityError
from forget.linear.feature_map import Penultimate
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn
from forget.metrics.verdict import Verdict
from forget.pretrained import linearize
from forget.reenrol import found_again, recognised_again


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


def test_no_question_passes_while_one_of_its_lines_was_left_out(removed: Audit) -> None:
    passed = [replace(line, difference=0.0, interval=(0.0, 0.0)) for line in removed.lines]
    kept = [line for line in passed if line.question != STANDS_OUT]
    found = replace(removed, lines=tuple(kept), left_out={STANDS_OUT: "No score."})
    assert [line.verdict for line in found.answering("detectable")] == [Verdict.PASS]
    assert found.judged("detectable") is Verdict.UNKNOWN and found.verdict is Verdict.UNKNOWN
    assert found.missing("detectable") == ["No score."] and not found.missing("identified")
    assert found.judged("identified") is Verdict.PASS


def some_of(faces: FaceDataset, counts: dict[str, int]) -> FaceDataset:
    """So many photographs of each of these people."""
    some = np.concatenate([faces.of(person)[:count] for person, count in counts.items()])
    return FaceDataset("few", faces.images[some], tuple(faces.labels[i] for i in some))


def forgotten_from(faces: FaceDataset, feature_map: Penultimate, *people: str) -> Audit:
    before = linearize(feature_map, faces)
    after = unlearn(before, faces, people).model
    return audit(after, faces, people, before, shadows=6)


def test_nothing_is_asked_of_photographs_that_nobody_has(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    faces = some_of(orl, {"s21": 4, "s22": 10, "s23": 10, "s24": 10, "s25": 10})
    found = forgotten_from(faces, feature_map, "s21")
    asked = {line.question for line in found.lines}
    assert "found when enrolled again with 2" in asked
    assert "found when enrolled again with 5" not in asked
    (note,) = (one for one in found.notes if one.startswith("Nobody was enrolled"))
    assert note == "Nobody was enrolled again with 5 photographs: s21 has fewer."
    assert found.relearned["photographs"].max() == 3

    found = forgotten_from(faces, feature_map, "s21", "s22")
    assert "found when enrolled again with 5" in {line.question for line in found.lines}
    note = "Left out where people are enrolled again with 5 photographs: s21 has fewer."
    assert note in found.notes


def test_where_nobody_is_left_no_best_score_is_made_up(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    found = forgotten_from(some_of(orl, {"s21": 2, "s22": 2}), feature_map, "s22")
    assert found.plain is None
    assert "nobody is left in the model" in found.left_out[STANDS_OUT]
    assert found.judged("detectable") is not Verdict.PASS
    assert len(found.notes) == len(set(found.notes))


def test_who_comes_back_to_one_person_is_judged_by_a_threshold_that_exists(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    faces = some_of(orl, {"s21": 10, "s22": 10})
    before = linearize(feature_map, faces)
    split, rows = split_by_identity(faces), feature_map.rows(faces.images)
    one = unlearn(before, faces, ["s22"]).model
    assert np.isinf(one.threshold)
    share = recognised_again(one, before, split, ["s22"], rows)
    assert share > 0.5
    store, _ = before.parts()
    everybody = ["s21", "s22"]
    nobody = before.holding(before.statistics - store.sum_of(everybody), everybody)
    assert np.isnan(recognised_again(nobody, before, split, ["s22"], rows))


def test_features_find_whom_no_readout_names(
    model: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    people = ["s23", "s24", "s25", "s26"]
    after, split = unlearn(model, orl, people, "project").model, split_by_identity(orl)
    assert recognised_again(after, model, split, people, rows) == 0
    found = found_again(after, model, split, people, rows)
    measure = enrolled_again(Evidence.of(orl, people), 7)
    subject = from_linear(after, "after")
    asked = np.concatenate([measure(subject, person) for person in people])
    assert found == pytest.approx(asked.mean()) == pytest.approx(0.75)


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

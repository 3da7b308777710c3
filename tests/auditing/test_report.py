"""What an audit writes: whole, and nothing of another one beside it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from known_fates import PEOPLE, deletion

from forget.auditing.evidence import Evidence
from forget.auditing.outcome import Audit
from forget.auditing.report import advice, page, plain_values, save_audit, summary
from forget.auditing.run import audit_people
from forget.auditing.subject import from_linear
from forget.errors import ForgetError
from forget.linear.model import LinearModel


def test_files_hold_the_audit_and_need_nothing_else(hidden: Audit, tmp_path: Path) -> None:
    paths = {path.name for path in save_audit(hidden, tmp_path)}
    assert {"audit.json", "lines.csv", "report.html", "others.csv", "deciles.csv"} <= paths
    read = json.loads((tmp_path / "audit.json").read_text())
    assert read["verdict"] == "FAIL" and read["edited matrices"][0]["matrix"] == "feature map"
    assert json.dumps(plain_values(hidden), allow_nan=False)
    html = (tmp_path / "report.html").read_text()
    assert "Release advice" in html and "NOT ENOUGH DATA" in page(hidden)
    assert 'src="http' not in html and "cdn.plot.ly" not in html.split("<body>")[0]
    text = summary(hidden)
    assert text.startswith("FAIL: suppression of s25, s34")
    save_audit(replace(hidden, collateral=pd.DataFrame()), tmp_path)
    assert not (tmp_path / "others.csv").exists() and not (tmp_path / "deciles.csv").exists()
    with pytest.raises(ForgetError, match="written to"):
        save_audit(hidden, tmp_path / "audit.json")


def test_what_no_question_can_see_is_said_first(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    delete = deletion(evidence.faces, "subtract")
    added = audit_people(from_linear(delete(model, PEOPLE), "after", known_rows), evidence)
    assert not added.beyond and "Beyond this audit" not in page(added)
    core = Evidence.of(evidence.faces, ["s03"], evidence.never)
    found = audit_people(from_linear(delete(model, ["s03"]), "after", known_rows), core)
    assert found.beyond.startswith("The readout alone is audited: ")
    assert found.beyond in summary(found) and "Beyond this audit" in page(found)
    assert page(found).index("Beyond this audit") < page(found).index("<table")


def test_suppression_is_advised_and_compared_in_its_own_words(
    hidden: Audit, removed: Audit
) -> None:
    text, html = summary(hidden), page(hidden)
    assert "compared with what chance gives" in text and "what chance gives" in html
    assert advice(hidden) in text and "exact method" not in text
    assert "<th scope='col'>suppressed</th>" in html
    assert "compared with the same of 18 people who were never there" in summary(removed)
    assert "exact method" in summary(removed) and "<th scope='col'>forgotten</th>" in page(removed)
    alone = replace(removed, never=removed.never[:1])
    assert "the same of 1 person who was never there" in summary(alone)


def test_numbers_are_told_with_their_units_and_what_they_are_compared_with(
    hidden: Audit, removed: Audit
) -> None:
    told = {
        line.question: f"{found.number(line)} ({found.compared(line)})"
        for found in (removed, hidden)
        for line in (replace(one, value=0.25, target=0.5) for one in found.lines)
    }
    assert told["verified, recalibrated"] == "25% (chance 50%)"
    assert told["detected by shadows (U-LiRA)"] == "AUC 0.25 (guessing 0.50)"
    line = replace(removed.lines[0], value=1.0, target=0.79, reference=1.0)
    assert removed.compared(line) == "people who were never there 79%, reference 100%"

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
from forget.auditing.report import page, plain_values, save_audit, summary
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

"""The page of audits: nobody yet, three answers, a threshold to drag, out of date, suppression."""

import pytest
from streamlit.testing.v1 import AppTest
from visitor import forget, opened, press, words

from forget.ui import audit

PAGE = "pages/audit.py"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few shadows; what is tested is the page."""
    monkeypatch.setattr(audit, "SHADOWS", 6)


def finished(at: AppTest) -> AppTest:
    if "audit" in at.session_state:
        at.session_state["audit"].thread.join()
    return at.run()


def test_before_anybody_is_forgotten_it_says_what_it_is_for() -> None:
    at = opened(PAGE)
    assert "Nobody is forgotten yet" in words(at)
    assert not any(one.label == "Audit" for one in at.button)


def test_three_answers_and_what_lies_under_them() -> None:
    at = forget(opened(), "s34").switch_page(PAGE).run()
    at = finished(press(at, "Audit"))
    text = words(at)
    for title in ("Still identified?", "Still verified?", "Still detectable?"):
        assert title in text
    assert "FAIL" not in text.replace("FAIL: the difference", "")
    assert "detected by shadows (U-LiRA): **0.50**" in text
    assert "Never publish the model from before" in at.info[0].value
    found = at.session_state["audit_result"].audit
    above = "Above this threshold"
    assert above in text
    slider = next(one for one in at.slider if one.label.startswith("Says"))
    slider.set_value(slider.min).run()
    assert "**100%** of the photographs that were learned from" in words(at) or found.plain
    count = next(one for one in at.slider if one.label == "Photographs enrolled")
    count.set_value(5).run()
    assert {one.label for one in at.metric} == {"Forgotten", "Never there"}
    # It stays when the visitor looks elsewhere, and says when more was forgotten since.
    at = forget(at.switch_page("pages/forget_people.py").run(), "s25").switch_page(PAGE).run()
    assert "Out of date" in at.warning[0].value


def test_suppression_is_found_out() -> None:
    at = opened()
    next(one for one in at.radio if one.label == "Goal").set_value("Stop recognising them").run()
    at = forget(at, "s34", button="Suppress").switch_page(PAGE).run()
    at = finished(press(at, "Audit"))
    assert "FAIL" in words(at)
    assert "points at **s34**" in " ".join(one.value for one in at.warning)


def test_cancelling_is_told() -> None:
    at = press(forget(opened(), "s34").switch_page(PAGE).run(), "Audit")
    if "audit" in at.session_state:
        at.session_state["audit"].stop.set()
        assert "Cancelled" in words(finished(at))

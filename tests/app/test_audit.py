"""The page of audits: nobody yet, three answers, a threshold to drag, out of date, suppression."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest
from visitor import forget, opened, press, words

from forget.data.dataset import FaceDataset
from forget.linear.archive import model_bytes
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.ui import audit, reference

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


@pytest.mark.slow
def test_suppression_is_found_out() -> None:
    at = opened()
    next(one for one in at.radio if one.label == "Goal").set_value("Stop recognising them").run()
    at = forget(at, "s34", button="Suppress").switch_page(PAGE).run()
    at = finished(press(at, "Audit"))
    assert "FAIL" in words(at)
    assert "points at **Person 34**" in " ".join(one.value for one in at.warning)


def test_cancelling_is_told() -> None:
    at = press(forget(opened(), "s34").switch_page(PAGE).run(), "Audit")
    if "audit" in at.session_state:
        at.session_state["audit"].stop.set()
        assert "Cancelled" in words(finished(at))


def beside(at: AppTest, title: str) -> AppTest:
    box = next(one for one in at.selectbox if one.label == "Beside a reference")
    return box.set_value(title).run()


def test_a_refit_stands_beside_subtraction_and_is_the_same_model() -> None:
    at = forget(opened(), "s34").switch_page(PAGE).run()
    assert "the same model, bit for bit" in words(at)
    at = finished(press(at, "Audit"))
    found = at.session_state["audit_result"].audit
    asked = [one for one in found.lines if "shadows" not in one.question]
    assert asked and all(one.reference == one.value for one in asked)
    assert "reference 0\\.00" in words(at) or "reference 0.00" in words(at)
    assert "The reference is the audited model, bit for bit" in words(at)
    beside(at, reference.NOTHING)
    assert "Out of date: the audit below stands beside a reference" in at.warning[0].value
    at = finished(press(at, "Audit"))
    assert not at.warning and not at.session_state["audit_result"].audit.beside


def test_suppression_is_not_the_model_that_never_enrolled_them() -> None:
    at = opened()
    next(one for one in at.radio if one.label == "Goal").set_value("Stop recognising them").run()
    at = forget(at, "s34", button="Suppress").switch_page(PAGE).run()
    assert "not meant to equal it" in words(at)
    at = finished(press(at, "Audit"))
    lines = {one.question: one for one in at.session_state["audit_result"].audit.lines}
    again = lines["found when enrolled again with 5"]
    assert again.value < 0.5 < again.reference
    assert "but not what was edited there" in words(at)


def test_training_again_is_offered_where_the_network_was_trained_on_them() -> None:
    at = forget(opened(), "s34").switch_page(PAGE).run()
    box = next(one for one in at.selectbox if one.label == "Beside a reference")
    assert reference.TRAINED not in box.options
    at = forget(at.switch_page("pages/forget_people.py").run(), "s03").switch_page(PAGE).run()
    assert "cannot tell what the network keeps" in words(at)
    beside(at, reference.TRAINED)
    assert "the only model that never saw them" in words(at) and "It takes about" in words(at)


def test_a_reference_is_read_from_a_file_and_checked(model: LinearModel, orl: FaceDataset) -> None:
    at = beside(forget(opened(), "s34").switch_page(PAGE).run(), reference.FILE)
    button = next(one for one in at.button if one.label == "Audit")
    assert button.disabled

    def upload(name: str, data: bytes) -> None:
        at.file_uploader[0].upload(name, data).run()

    upload("knows.safetensors", model_bytes(model))
    assert "one that names s34" in at.error[0].value
    upload("broken.safetensors", b"no model at all")
    assert "broken.safetensors" in at.error[0].value
    assert next(one for one in at.button if one.label == "Audit").disabled
    other = refit(replace(model, rule=replace(model.rule, ridge=0.1)), orl, ["s34"])
    upload("other.safetensors", model_bytes(other))
    assert not at.error and "a model of 39 people" in words(at)
    finished(press(at, "Audit"))
    assert "shares the audited model's network; its readout" in words(at).replace("\\", "")
    # A look at another page does not lose it.
    at.switch_page("app.py").run()
    at.switch_page(PAGE).run()
    assert "a model of 39 people" in words(at)

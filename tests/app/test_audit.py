"""The page of audits: nobody yet, three answers, a threshold to drag, out of date, suppression."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from visitor import forget, opened, press, words

from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.archive import model_bytes
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.ui import audit, jobs, reference
from forget.ui.goals import SUPPRESS
from forget.ui.jobs import Job

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
    assert "detected by shadows (U-LiRA): **AUC 0.50** (guessing 0.50)" in text
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
    assert "Out of date: this is the audit of Person 34" in at.warning[0].value


@pytest.mark.slow
def test_suppression_is_found_out() -> None:
    at = opened()
    next(one for one in at.radio if one.label == "Goal").set_value("Stop recognising them").run()
    at = forget(at, "s34", button="Suppress").switch_page(PAGE).run()
    at = finished(press(at, "Audit"))
    assert "FAIL" in words(at)
    assert "points at **Person 34**" in " ".join(one.value for one in at.warning)


def suppressed(*people: str) -> AppTest:
    at = opened()
    next(one for one in at.radio if one.label == "Goal").set_value(SUPPRESS.title).run()
    return forget(at, *people, button="Suppress").switch_page(PAGE).run()


def test_each_line_says_what_it_is_compared_with_and_what_it_means() -> None:
    at = finished(press(forget(opened(), "s34").switch_page(PAGE).run(), "Audit"))
    text, found = words(at), at.session_state["audit_result"].audit
    said = [one.value for one in at.caption]
    for line in found.lines:
        assert line.means in said
    assert "taken for somebody: **0%** (people who were never there 4%, reference 0%)" in text
    assert "compared with 0." not in text
    for term in ("Shadows are models", "U-LiRA compares", "Recalibrated: ", "0.5 is guessing"):
        assert term in text


def test_suppression_is_told_in_its_own_words() -> None:
    at = finished(press(suppressed("s34"), "Audit"))
    text, advice = words(at), at.info[0].value
    assert {one.label for one in at.metric} == {"Suppressed", "Never there"}
    assert "most like the suppressed lost" in text and "most like the forgotten" not in text
    assert "(chance 2%, reference 100%)" in text and "guessing 0.50" in text
    assert "exact method" not in advice and "holds these people's data" in advice


def test_an_audit_of_the_other_goal_is_not_shown() -> None:
    at = finished(press(forget(opened(), "s34").switch_page(PAGE).run(), "Audit"))
    assert "Still identified?" in words(at)
    at.switch_page("pages/forget_people.py").run()
    next(one for one in at.radio if one.label == "Goal").set_value(SUPPRESS.title).run()
    at = forget(at, "s25", button="Suppress").switch_page(PAGE).run()
    assert "Suppressed: **Person 25**" in words(at)
    assert "Still identified?" not in words(at) and not at.warning


def test_that_the_server_is_busy_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*about: object) -> Job:
        raise ForgetError("an idle server", "one that is busy with a job", "Try again.")

    at = forget(opened(), "s34").switch_page(PAGE).run()
    monkeypatch.setattr(jobs, "start", busy)
    assert "busy with a job" in press(at, "Audit").error[0].value
    assert not at.run().error


def two_people(orl: FaceDataset) -> bytes:
    """The smallest upload: two people with two photographs each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, person in (("Anna", "s21"), ("Ben", "s22")):
            for number, index in enumerate(orl.of(person)[:2]):
                picture = io.BytesIO()
                Image.fromarray(np.asarray(orl.images[index])).save(picture, "png")
                archive.writestr(f"{name}/{number}.png", picture.getvalue())
    return file.getvalue()


def test_the_smallest_upload_shows_no_number_that_stands_for_none(orl: FaceDataset) -> None:
    at = opened()
    next(one for one in at.radio if one.label == "Faces").set_value("My own photographs").run()
    at.file_uploader[0].upload("mine.zip", two_people(orl)).run()
    text = words(forget(at, "Ben"))
    assert "100% of their held-out photographs are recognised (100% before)" in text
    at = finished(press(at.switch_page(PAGE).run(), "Audit"))
    text, found = words(at), at.session_state["audit_result"].audit
    assert found.plain is None and "nobody is left in the model" in text
    assert "Most exposed photographs" not in [one.value for one in at.subheader]
    for slider in at.slider:
        assert abs(slider.min) < 1e9
    again = [one.question for one in found.lines if one.question.startswith("found when")]
    assert again == ["found when enrolled again with 1"]
    assert "Nobody was enrolled again with 2 photographs: Ben, Anna have fewer" in text.replace(
        "\\", ""
    )
    assert ":material/check_circle: **PASS**" not in text  # of a card: each lacks a line
    assert "The 1 person most like" in text and "of 1 photograph." in text


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
    assert "reference 0%" in words(at)
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

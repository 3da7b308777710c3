"""Every page, run as Streamlit runs it but without a browser."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from visitor import FORGET, PAGES, forget, opened, words

from forget.data.dataset import FaceDataset
from forget.progress import OnStep
from forget.ui import audit
from forget.ui.jobs import Job


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_an_exception(page: str) -> None:
    at = opened(page)
    assert not at.exception
    assert at.title[0].value


def test_the_main_journey() -> None:
    at = opened()
    assert len(at.multiselect[0].options) == 40
    button = next(one for one in at.button if one.label == "Forget")
    assert button.disabled
    at.multiselect[0].set_value(["s34"]).run()
    assert "exact, for the whole model" in words(at)
    forget(at, "s34")
    assert not at.exception
    text = words(at)
    assert "Same as never seen" in text
    assert "Exact, whole model." in text
    effect = at.session_state["visit"].effect
    assert effect.proof.holds
    assert effect.proof.head_gap == 0.0
    assert f"{effect.proof.digest[:4]} {effect.proof.digest[4:8]} = " in text
    assert "s34" not in at.multiselect[0].options
    assert len(at.multiselect[0].options) == 39
    assert at.multiselect[0].value == []


def test_requests_accumulate_and_start_over_goes_back() -> None:
    at = forget(opened(), "s34")
    forget(at, "s25", "s26")
    assert at.session_state["visit"].forgotten == ("s25", "s26", "s34")
    next(one for one in at.button if one.label == "Start over").click().run()
    assert at.session_state["visit"].effect is None
    assert len(at.multiselect[0].options) == 40


def test_a_core_person_is_a_readout_only_and_says_so() -> None:
    at = opened()
    at.multiselect[0].set_value(["s07"]).run()
    assert "exact for the readout only" in words(at)
    forget(at, "s07")
    assert "Exact, readout only." in at.warning[0].value
    assert "Same as never seen" not in words(at)
    assert any(one.label == "Run training everything" for one in at.button)


def test_an_added_person_is_not_compared_with_training_everything() -> None:
    at = forget(opened(), "s34")
    labels = {one.label for one in at.button}
    assert "Run refit from photographs" in labels
    assert "Run training everything" not in labels


def test_forgetting_everybody_is_told_and_nothing_is_lost() -> None:
    at = opened()
    everybody = [f"s{number:02d}" for number in range(1, 41)]
    forget(at, *everybody)
    assert "Keep at least one person" in at.error[0].value
    assert at.session_state["visit"].effect is None
    assert len(at.multiselect[0].value) == 40
    forget(at, "s34")
    assert not at.error
    assert at.session_state["visit"].effect.proof.holds


def test_a_refit_from_photographs_runs_in_the_background() -> None:
    at = forget(opened(), "s34")
    next(one for one in at.button if one.label == "Run refit from photographs").click().run()
    if "slow_way" in at.session_state:
        at.session_state["slow_way"].thread.join()
    at.run()
    assert not at.exception
    assert "It says the same as subtraction on 100.0%" in words(at)


def test_home_tells_the_state_of_the_model() -> None:
    at = forget(opened(), "s34")
    home = at.switch_page("app.py").run()
    assert "39 people, 1 forgotten, proof holds" in words(home)


def zipped(orl: FaceDataset, people: list[str], broken: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for person in people:
            for k, i in enumerate(orl.of(person)[:5]):
                picture = io.BytesIO()
                colour = np.repeat(orl.images[i][..., None], 3, axis=2)
                Image.fromarray(colour).save(picture, "PNG")
                archive.writestr(f"{person}-visitor/{k}.png", picture.getvalue())
        if broken:
            archive.writestr("half/0.jpg", b"\xff\xd8\xff no photograph")
    return file.getvalue()


def with_own(data: bytes) -> AppTest:
    at = opened()
    source = next(one for one in at.radio if one.label == "Faces")
    source.set_value("My own photographs").run()
    at.file_uploader[0].upload("mine.zip", data).run()
    return at


def test_own_photographs_load_state_their_accuracy_and_are_forgotten(orl: FaceDataset) -> None:
    at = with_own(zipped(orl, ["s31", "s32", "s33"], broken=True))
    assert not at.exception
    assert "3 people, 15 photographs" in words(at)
    assert "left out in turn" in words(at)
    assert any("half" in line.value for line in at.text)
    forget(at, "s32-visitor")
    assert at.session_state["visit"].effect.proof.holds
    assert "Exact, whole model." in words(at)


def test_photographs_that_others_replace_are_let_go(orl: FaceDataset) -> None:
    at = with_own(zipped(orl, ["s31", "s32", "s33"]))
    forget(at, "s32-visitor")
    at.file_uploader[0].upload("other.zip", zipped(orl, ["s21", "s22"])).run()
    kept = at.session_state["visits"].values()
    assert [one.bundle.faces.name for one in kept if len(one.bundle.faces.identities) < 40] == [
        "other.zip"
    ]
    next(one for one in at.button if one.label == "Remove my photographs").click().run()
    assert not at.exception
    assert all(len(one.bundle.faces.identities) == 40 for one in kept)


def test_two_photographs_of_somebody_are_enough_for_every_page(orl: FaceDataset) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for count, person in ((2, "s21"), (3, "s31"), (9, "s32")):
            for i in orl.of(person)[:count]:
                picture = io.BytesIO()
                Image.fromarray(orl.images[i]).save(picture, "PNG")
                archive.writestr(f"{person}/{i}.png", picture.getvalue())
    at = with_own(file.getvalue())
    for page in PAGES:
        at.switch_page(page).run()
        assert not at.exception, page


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04"], ids=["empty", "text", "cut off"])
def test_a_bad_upload_is_told_and_the_demo_stays(data: bytes) -> None:
    at = with_own(data)
    assert not at.exception
    assert "Expected" in at.error[0].value
    assert len(at.multiselect[0].options) == 40


def test_the_demo_and_ones_own_people_are_both_kept(orl: FaceDataset) -> None:
    at = forget(opened(), "s34")
    source = next(one for one in at.radio if one.label == "Faces")
    source.set_value("My own photographs").run()
    at.file_uploader[0].upload("mine.zip", zipped(orl, ["s31", "s32", "s33"])).run()
    assert "3 people, nobody forgotten yet" in words(at.switch_page("app.py").run())
    at.switch_page(FORGET).run()
    next(one for one in at.radio if one.label == "Faces").set_value("ORL faces").run()
    assert "Same as never seen" in words(at)
    assert at.session_state["visit"].forgotten == ("s34",)
    next(one for one in at.radio if one.label == "Faces").set_value("My own photographs").run()
    next(one for one in at.button if one.label == "Remove my photographs").click().run()
    assert not at.exception
    assert "own" not in at.session_state
    assert len(at.session_state["visits"]) == 1


def test_a_photograph_that_stays_under_another_name_is_told(orl: FaceDataset) -> None:
    people = {"anna": "s31", "bo": "s32", "anna again": "s31"}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, person in people.items():
            for k, i in enumerate(orl.of(person)[:4]):
                picture = io.BytesIO()
                Image.fromarray(orl.images[i]).save(picture, "PNG")
                archive.writestr(f"{name}/{k}.png", picture.getvalue())
    at = with_own(file.getvalue())
    forget(at, "anna")
    assert any("anna again" in one.value for one in at.warning)
    assert "Same as never seen" not in words(at)


def renamed(orl: FaceDataset, people: dict[str, tuple[str, int]]) -> bytes:
    """A zip of people under other names, each saved as JPEG of some quality."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, (person, quality) in people.items():
            for k, i in enumerate(orl.of(person)[:4]):
                picture = io.BytesIO()
                Image.fromarray(orl.images[i]).save(picture, "JPEG", quality=quality)
                archive.writestr(f"{name}/{k}.jpg", picture.getvalue())
    return file.getvalue()


def test_pictures_that_taught_the_network_are_known_under_any_name(orl: FaceDataset) -> None:
    people = {"anna": ("s01", 90), "s02": ("s32", 90), "bo": ("s33", 90)}
    at = with_own(renamed(orl, people))
    forget(at, "anna")
    assert "Exact, readout only." in " ".join(one.value for one in at.warning)
    assert "Same as never seen" not in words(at)
    # A name that a core person of other data has says nothing.
    forget(at, "s02")
    at = with_own(renamed(orl, people))
    forget(at, "s02")
    assert "Exact, whole model." in words(at)


def test_nearly_the_same_pictures_that_stay_are_told(orl: FaceDataset) -> None:
    at = with_own(renamed(orl, {"anna": ("s31", 95), "bo": ("s32", 95), "again": ("s31", 60)}))
    forget(at, "anna")
    assert any("Nearly the same" in one.value and "again" in one.value for one in at.warning)
    assert "Same as never seen" not in words(at)


def test_nothing_is_left_of_photographs_that_were_removed(orl: FaceDataset) -> None:
    at = with_own(zipped(orl, ["s31", "s32", "s33"]))
    forget(at, "s32-visitor")
    mine = at.session_state["visit"].bundle
    made = (audit.RESULT, "audit_reference_read", "slow_way_done")
    for key in made:
        at.session_state[key] = mine
    job = Job("Auditing", None)
    at.session_state[audit.JOB] = job
    next(one for one in at.button if one.label == "Remove my photographs").click().run()
    assert not at.exception
    assert job.stop.is_set()
    assert not any(key in at.session_state for key in (*made, audit.JOB))
    assert all(one.bundle is not mine for one in at.session_state["visits"].values())


def test_without_weights_the_pages_that_need_them_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import forget.ui.cached as cached
    from forget.errors import CheckpointError

    def absent(kind: str) -> None:
        raise CheckpointError("weights", "none", "Run: make demo-weights")

    monkeypatch.setattr(cached, "demo_feature_map", absent)
    cached.demo.clear()
    cached.feature_map.clear()
    for page in ("app.py", FORGET):
        at = opened(page)
        assert not at.exception
        assert "make demo-weights" in at.error[0].value
    cached.demo.clear()
    cached.feature_map.clear()


def test_people_with_markdown_in_their_names_stay_text(orl: FaceDataset) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, person in {"**a** [b](http://c)".replace("/", "_"): "s31", "d": "s32"}.items():
            for k, i in enumerate(orl.of(person)[:4]):
                picture = io.BytesIO()
                Image.fromarray(orl.images[i]).save(picture, "PNG")
                archive.writestr(f"{name}/{k}.png", picture.getvalue())
    at = with_own(file.getvalue())
    at.multiselect[0].set_value([at.session_state["visit"].model.people[0]]).run()
    assert "\\*\\*a\\*\\*" in words(at)


def linearized(at: AppTest, kind: str) -> AppTest:
    box = next(one for one in at.selectbox if one.label == "Linearized at")
    return box.select(kind).run()


def test_a_tangent_space_is_forgotten_in_as_exactly() -> None:
    at = linearized(opened(), "tangent")
    now = at.session_state["visit"]
    assert now.model.feature_map.kind == "tangent"
    forget(at, "s34")
    assert "Same as never seen" in words(at)
    assert "Exact, whole model." in words(at)
    assert "weights of the last layers" in words(at)
    assert at.session_state["visit"].effect.proof.holds
    # Turning to another linearization and back loses nothing.
    linearized(at, "penultimate")
    assert at.session_state["visit"].forgotten == ()
    linearized(at, "tangent")
    assert at.session_state["visit"].forgotten == ("s34",)


def test_own_photographs_are_linearized_anew_and_kept(orl: FaceDataset) -> None:
    at = with_own(zipped(orl, ["s31", "s32", "s33"]))
    before = at.session_state["own"]
    linearized(at, "tangent")
    assert not at.exception
    assert at.session_state["own"].kind == "tangent"
    now = at.session_state["visit"].model
    assert (now.feature_map.kind, now.people) == ("tangent", before.bundle.model.people)
    linearized(at, "penultimate")
    assert at.session_state["own"] is before
    next(one for one in at.button if one.label == "Remove my photographs").click().run()
    assert not at.exception
    assert len(at.session_state["visits"]) == 1


def test_what_has_to_be_trained_says_so_and_is_trained_in_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from forget.pretrained import demo_feature_map
    from forget.ui import cached
    from forget.ui import linearized as choice

    def make(kind: str, on_step: OnStep) -> None:
        on_step(1, 2, "step")
        monkeypatch.setattr(cached, "kept_feature_map", lambda _: True)

    monkeypatch.setattr(cached, "_READY", set())
    monkeypatch.setattr(cached, "kept_feature_map", lambda kind: None)
    monkeypatch.setattr(choice, "demo_feature_map", make)
    # What training gives stands in here for a map that takes seconds.
    monkeypatch.setattr(cached, "demo_feature_map", lambda kind: demo_feature_map("tangent"))
    at = linearized(opened(), "linearizer")
    assert "trained once" in at.info[0].value
    assert at.session_state["visit"].model.feature_map.kind == "penultimate"
    assert len(at.multiselect[0].options) == 40
    next(one for one in at.button if one.label == "Prepare").click().run()
    if choice.JOB in at.session_state:
        at.session_state[choice.JOB].thread.join(20)
        at.run()
    assert not at.exception
    assert not at.info
    assert at.session_state["visit"].model.feature_map.kind == "tangent"
    cached.demo.clear()
    cached.feature_map.clear()


def test_what_it_remembers_shows_before_and_now() -> None:
    at = opened()
    page = at.switch_page("pages/what_it_remembers.py").run()
    assert "Nobody is forgotten yet" in words(page)
    page.selectbox(key="remembered_person").select("s34").run()
    assert "taught the network" not in words(page)
    page.selectbox(key="remembered_person").select("s03").run()
    assert "taught the network" in words(page)
    at = forget(page.switch_page(FORGET).run(), "s34")
    page = at.switch_page("pages/what_it_remembers.py").run()
    text = words(page)
    assert "Nobody is forgotten yet" not in text
    page.selectbox(key="remembered_person").select("s34").run()
    assert "subtracted to the last bit" in words(page)
    page.slider(key="remembered_direction").set_value(3).run()
    assert not page.exception

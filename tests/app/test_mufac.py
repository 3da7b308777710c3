"""MUFAC in the app: absent, not prepared, prepared; found by name, turned by page, forgotten."""

import json
import threading
from pathlib import Path

import pytest
from sample_mufac_app import FAMILIES, Place, furnished
from streamlit.testing.v1 import AppTest
from visitor import FORGET, opened

from forget.errors import ForgetError
from forget.prepared import Prepared, load_prepared
from forget.progress import Cancelled, OnStep
from forget.ui import cards, linearized, mufac

ROOT = Path(__file__).parents[2]
PEOPLE = 2 * FAMILIES - 1  # two of them are one


def turned() -> AppTest:
    """The page after a turn to MUFAC."""
    at = opened()
    return next(one for one in at.radio if one.label == "Faces").set_value(mufac.TITLE).run()


def words(at: AppTest) -> str:
    assert not at.exception
    kinds = (at.markdown, at.caption, at.header, at.info, at.error, at.warning, at.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def press(at: AppTest, name: str) -> AppTest:
    return next(one for one in at.button if one.label == name).click().run()


def labels(at: AppTest) -> set[str]:
    return {one.label for one in (*at.button, *at.selectbox, *at.text_input)}


def forget(at: AppTest, *people: str) -> AppTest:
    at.multiselect[0].set_value(list(people)).run()
    assert not at.exception
    return press(at, "Forget")


def shown(at: AppTest, key: str = "gallery") -> list[str]:
    """The people in the gallery."""
    (found,) = [one for one in at.get("bidi_component") if key in one.proto.id]
    data = json.loads(found.proto.json)
    return [person for group in data["groups"] for _, person, _ in group["faces"]]


def ended(at: AppTest) -> AppTest:
    """The page once the work in the background is over."""
    if linearized.MUFAC.job in at.session_state:
        at.session_state[linearized.MUFAC.job].thread.join(30)
        at.run()
    assert not at.exception
    return at


@pytest.fixture(scope="module")
def furniture(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return furnished(tmp_path_factory.mktemp("mufac"))


@pytest.fixture
def unprepared(furniture: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The data are here, the network is not; every test has a home of its own."""
    furniture.visit(monkeypatch)
    place = Place(tmp_path, furniture.network)
    monkeypatch.setattr(mufac, "HOME", place.home)
    return place


@pytest.fixture(scope="module")
def ready(furniture: Place) -> Place:
    with pytest.MonkeyPatch.context() as patch:
        furniture.prepare()
        furniture.visit(patch)
        mufac.make("penultimate")
        yield furniture


def quick(place: Place, folder: Path, on_step: OnStep) -> Prepared:
    """Stands in for the training."""
    on_step(1, 2, "epoch 1 of 2")
    place.prepare()
    return load_prepared(folder=folder)


def test_without_the_data_it_says_what_why_and_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Place(tmp_path, tmp_path).visit(monkeypatch)
    at = turned()
    text = words(at)
    assert "MUFAC is not here" in text
    assert "must not be passed on" in text
    assert "`python -m forget download mufac`" in text
    assert len(at.multiselect[0].options) == 40
    assert not {"Prepare", "Linearized at", "Search"} & labels(at)
    assert "python -m forget download mufac" in words(opened("app.py"))


def test_it_is_prepared_in_the_background_and_then_shown(
    unprepared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        mufac, "prepare", lambda folder, on_step: quick(unprepared, folder, on_step)
    )
    at = turned()
    assert "10 to 20 minutes on two cores, once" in words(at)
    assert "`python -m scripts.forget_ready`" in words(at)
    assert len(at.multiselect[0].options) == 40
    assert "its network is not prepared" in words(opened("app.py"))
    at = ended(press(at, "Prepare"))
    now = at.session_state["visit"]
    assert now.bundle.source == "mufac"
    assert len(at.multiselect[0].options) == PEOPLE
    assert f"**MUFAC**: {PEOPLE} people" in words(at)
    assert "Linearized at" in labels(at)
    assert "its network is prepared" in words(opened("app.py"))


def test_a_visitor_who_left_is_not_dragged_back(
    unprepared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(folder: Path, on_step: OnStep) -> Prepared:
        go.wait(30)
        return quick(unprepared, folder, on_step)

    monkeypatch.setattr(mufac, "prepare", slow)
    at = press(turned(), "Prepare")
    next(one for one in at.radio if one.label == "Faces").set_value("ORL faces").run()
    at = at.switch_page("app.py").run().switch_page(FORGET).run()
    go.set()
    at = ended(at)
    assert at.session_state["visit"].bundle.source == "orl"
    next(one for one in at.radio if one.label == "Faces").set_value(mufac.TITLE).run()
    assert at.session_state["visit"].bundle.source == "mufac"


def test_preparing_can_be_stopped_and_goes_on(
    unprepared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(folder: Path, on_step: OnStep) -> Prepared:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "unfinished.pt").touch()
        while True:
            on_step(5, 10, "epoch 4 of 10")

    monkeypatch.setattr(mufac, "prepare", endless)
    at = press(turned(), "Prepare")
    job = at.session_state[linearized.MUFAC.job]
    assert "Prepare" not in labels(at)
    press(at, "Cancel")
    job.thread.join(30)
    assert isinstance(job.error, Cancelled)
    at = at.run()
    assert not at.error
    assert "goes on from its last whole epoch" in words(at)
    monkeypatch.setattr(
        mufac, "prepare", lambda folder, on_step: quick(unprepared, folder, on_step)
    )
    ended(press(at, "Prepare"))
    assert at.session_state["visit"].bundle.source == "mufac"


def test_an_error_of_the_work_is_told_and_the_page_stays(
    unprepared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path, on_step: OnStep) -> Prepared:
        raise ForgetError("a whole archive", "half of one", "Download it again.")

    monkeypatch.setattr(mufac, "prepare", broken)
    at = ended(press(turned(), "Prepare"))
    assert "Download it again." in at.error[0].value
    assert "Prepare" in labels(at)
    assert len(at.multiselect[0].options) == 40


def test_a_network_that_cannot_be_read_is_told(unprepared: Place) -> None:
    unprepared.home.mkdir()
    (unprepared.home / "network.safetensors").write_bytes(b"cut off")
    at = turned()
    assert "Expected" in at.error[0].value
    assert len(at.multiselect[0].options) == 40


def test_a_network_without_features_asks_before_it_computes_them(unprepared: Place) -> None:
    unprepared.prepare()
    at = turned()
    assert "about a minute" in words(at)
    at = ended(press(at, "Prepare"))
    assert at.session_state["visit"].bundle.source == "mufac"
    mufac._BUNDLES.clear()
    mufac._PREPARED.clear()
    assert turned().session_state["visit"].bundle.source == "mufac"  # a later server


def test_a_page_of_people_and_the_selection_spans_pages(ready: Place) -> None:
    at = turned()
    assert at.session_state["visit"].bundle.source == "mufac"
    assert f"1 to 40 of {PEOPLE}" in words(at)
    faces = at.session_state["visit"].bundle.faces
    everybody = [*faces.added, *faces.core]
    assert shown(at) == everybody[:40]
    at.multiselect[0].set_value([everybody[0]]).run()
    at.pagination[0].set_value(2).run()
    assert shown(at) == everybody[40:]
    at.multiselect[0].set_value([everybody[0], everybody[45]]).run()
    assert at.pagination[0].value == 2
    at = press(at, "Forget")
    assert at.session_state["visit"].forgotten == tuple(sorted([everybody[0], everybody[45]]))
    assert f"41 to {PEOPLE} of {PEOPLE}" in words(at)


def test_people_are_found_by_any_of_their_ids(ready: Place) -> None:
    at = turned()
    at.text_input[0].set_value("f0060").run()
    assert set(shown(at)) == {"F0060/D", "F0060/S"}
    assert "2 people" in words(at)
    at.text_input[0].set_value("F0047/s").run()  # another id of F0046/D
    assert shown(at) == ["F0046/D"]
    at.text_input[0].set_value("nobody *here*").run()
    assert shown(at) == []
    assert "Nobody has **nobody \\*here\\***" in words(at)
    at.text_input[0].set_value("").run()
    assert len(shown(at)) == 40
    next(one for one in at.radio if one.label == "Show").set_value("Core").run()
    assert set(shown(at)) == set(at.session_state["visit"].bundle.faces.core)
    home = at.switch_page("app.py").run()
    assert len(shown(home, "home_gallery")) == 40


def test_few_people_have_neither_pages_nor_a_search(ready: Place) -> None:
    at = opened()
    assert len(shown(at)) == 40
    assert not len(at.pagination)
    assert "Search" not in labels(at)


def test_an_added_person_leaves_the_whole_model(ready: Place) -> None:
    at = turned()
    person = at.session_state["visit"].bundle.faces.added[3]
    forget(at, person)
    text = words(at)
    assert "Same as never seen" in text
    assert "Exact, whole model." in text
    assert at.session_state["visit"].effect.proof.holds
    assert not {"Run training everything"} & labels(at)
    assert f"{PEOPLE - 1} people, 1 forgotten, proof holds" in words(
        at.switch_page("app.py").run()
    )
    page = at.switch_page("pages/what_it_remembers.py").run()
    page.selectbox(key="remembered_person").select(person).run()
    assert "subtracted to the last bit" in words(page)
    assert "off by" in words(page)


def test_of_a_crowd_those_who_changed_most_are_drawn(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "CROWD", 20)
    monkeypatch.setattr(cards, "MOST_CHANGED", 5)
    at = turned()
    forget(at, at.session_state["visit"].bundle.faces.added[0])
    assert "Drawn: the 5 remaining people who changed most." in words(at)
    charts = [json.loads(one.proto.spec) for one in at.get("plotly_chart")]
    (stay,) = [t for c in charts for t in c["data"] if t.get("name") == "a person who stays"]
    assert len(stay["text"]) == 5


def test_a_core_person_leaves_the_readout_and_the_command_for_more_is_named(ready: Place) -> None:
    at = turned()
    person = at.session_state["visit"].bundle.faces.core[2]
    forget(at, person)
    assert "Exact, readout only." in at.warning[0].value
    assert f"`python unlearn_mufac.py --forget-people {person}`" in words(at)
    assert "Run training everything" not in labels(at)


def test_the_ways_to_linearize_are_chosen_for_each_data_set(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(kind: str, on_step: OnStep) -> object:
        on_step(1, 1, "bases")
        mufac._BUNDLES[mufac.HOME, kind] = made = mufac._bundle(
            mufac._PREPARED[mufac.HOME], *mufac._PREPARED[mufac.HOME].fitted("penultimate")
        )
        return made

    monkeypatch.setattr(mufac, "make", make)
    at = turned()
    box = next(one for one in at.selectbox if one.label == "Linearized at")
    assert len(box.options) == len(linearized.LINEARIZATIONS)
    box.select("tangent").run()
    assert "is made on the people who also taught the network" in words(at)
    first = at.session_state["visit"].bundle
    ended(press(at, "Prepare"))
    assert at.session_state["visit"].bundle is not first
    assert at.session_state["visit"].bundle is mufac.bundle("tangent")
    next(one for one in at.radio if one.label == "Faces").set_value("ORL faces").run()
    assert next(one for one in at.selectbox if one.label == "Linearized at").value == "penultimate"
    del mufac._BUNDLES[mufac.HOME, "tangent"]

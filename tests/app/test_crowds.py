"""What many people need: a bounded map, pictures by the page, and requests that go too far."""

import json

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from visitor import forget, opened, press, words

from forget.likeness import mean_features
from forget.ui import places
from forget.ui.gallery import _pick, _Seen


@pytest.mark.parametrize(
    ("most", "what", "said"),
    [
        (60, "Photographs", "t-SNE of the features"),
        (20, "People", "t-SNE of the mean features; 60 photographs"),
        (10, "People", "two main directions"),
    ],
)
def test_a_map_has_so_many_dots_and_says_what_they_are(
    most: int, what: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST", most)
    features = np.random.default_rng(0).normal(size=(60, 8))
    labels = [f"p{i % 15:02d}" for i in range(60)]
    found = places.places_of(features, labels)
    assert found.what == what
    assert said in found.says
    assert len(found.positions) == len(found.labels) == (60 if what == "Photographs" else 15)
    assert set(found.labels) == set(labels)


def test_mean_features_are_those_of_each_person() -> None:
    features = np.random.default_rng(1).normal(size=(7, 3))
    labels = ["b", "a", "c", "a", "b", "b", "a"]
    people, means = mean_features(features, labels)
    assert people == ["a", "b", "c"]
    for person, mean in zip(people, means, strict=True):
        mine = [one == person for one in labels]
        assert np.allclose(mean, features[mine].mean(axis=0))


def test_clicks_count_though_their_picture_went_and_all_pages_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state: dict[str, object] = {"chosen": ["a"]}
    monkeypatch.setattr(st, "session_state", state)

    def click(digest: str, revision: int, *changes: tuple[str, bool]) -> None:
        state["g"] = {"picked": {"changes": changes, "digest": digest, "revision": revision}}
        _pick("g", "chosen", frozenset("abc"))

    click("one", 1, ("b", True))
    click("two", 2, ("c", True), ("a", False), ("stranger", True))
    assert state["chosen"] == ["b", "c"]
    assert state["g_seen"] == _Seen(2, frozenset({"one", "two"}))
    click("", 3)  # the browser holds none of them: it was loaded again
    assert state["g_seen"] == _Seen(3, frozenset())


EVERYBODY = [f"s{number:02d}" for number in range(1, 41)]


def test_what_went_wrong_stays_with_the_choice_that_it_belongs_to() -> None:
    at = forget(opened(), *EVERYBODY)
    assert "Keep at least one person" in at.error[0].value
    assert "readout only" in words(at)  # what it would guarantee is not hidden
    at.multiselect[0].set_value(["s34"]).run()
    assert not at.error
    assert "exact, for the whole model" in words(at)
    at.multiselect[0].set_value(EVERYBODY).run()
    assert "Keep at least one person" in at.error[0].value
    forget(at, "s34")
    assert not at.error


def test_the_same_result_comes_into_view_at_every_request_and_no_failed_one() -> None:
    def token(at: AppTest) -> str:
        (found,) = [one for one in at.get("bidi_component") if "reveal" in one.proto.id]
        return str(json.loads(found.proto.json)["token"])

    at = forget(opened(), "s34")
    first = token(at)
    assert token(at.run()) == first
    forget(press(at, "Start over"), "s34")
    second = token(at)
    assert second != first
    forget(at, *at.multiselect[0].options)
    assert at.error
    assert token(at) == second


def test_people_beside_the_chosen_are_called_nearest_for_they_may_look_different() -> None:
    at = opened()
    at.multiselect[0].set_value(["s34"]).run()
    assert "Nearest people" in words(at)
    assert "look alike" not in words(at)

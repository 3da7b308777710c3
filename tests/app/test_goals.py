"""Removal of influence and suppression, side by side and never mixed."""

import pytest
from streamlit.testing.v1 import AppTest
from visitor import forget, opened, words

from forget.ui.goals import REMOVE, SUPPRESS, Goal
from forget.ui.suppressed import betrayed, template_of


def turn(at: AppTest, goal: Goal) -> AppTest:
    return next(one for one in at.radio if one.label == "Goal").set_value(goal.title).run()


def suppress(at: AppTest, *people: str) -> AppTest:
    return forget(at, *people, button="Suppress")


def test_suppression_promises_nothing_and_never_passes_for_forgetting() -> None:
    at = turn(opened(), SUPPRESS)
    assert not any(one.label == "Forget" for one in at.button)
    at.multiselect[0].set_value(["s34"]).run()
    assert "guarantee nothing" in words(at)
    suppress(at, "s34")
    text = words(at)
    assert "Hidden, not forgotten" in text and "Nothing was unlearned" in text
    assert "Same as never" not in text and "Exact" not in text and " = " not in text
    assert "0% of their held-out photographs are recognised (100% before)" in text
    state = words(at.switch_page("app.py").run())
    assert "39 people, 1 suppressed, nothing unlearned" in state
    assert "proof holds" not in state


def test_suppression_claims_no_more_than_the_present_threshold() -> None:
    people = ("s23", "s24", "s25", "s26")
    text = words(suppress(turn(opened(), SUPPRESS), *people))
    assert "blind" not in text and "blind" not in SUPPRESS.says
    assert "at the present threshold none of theirs is named" in text
    # What the audit finds with as many photographs.
    assert "neither readout nor threshold still finds **75%**" in text


def test_the_two_goals_have_models_of_their_own() -> None:
    at = forget(opened(), "s34")
    assert "100% of their held-out photographs are recognised" in words(at)
    at.multiselect[0].set_value(["s25", "s26"]).run()
    turn(at, SUPPRESS)
    assert at.session_state["visit"].forgotten == ()
    assert at.multiselect[0].value == ["s25", "s26"]
    suppress(at, "s34")
    suppress(at, "s25")
    now = at.session_state["visit"]
    assert now.forgotten == ("s25", "s34")
    assert now.model.feature_map.base is now.bundle.model.feature_map  # one eraser of both
    turn(at, REMOVE)
    assert at.session_state["visit"].forgotten == ("s34",)
    assert "Same as never seen" in words(at)


def test_a_suppressing_model_betrays_whom_it_hides() -> None:
    at = suppress(turn(opened(), SUPPRESS), "s34")
    now = at.session_state["visit"]
    (first, exposed), (_, other), *_ = betrayed(now.model, now.bundle)
    assert first == "s34" and exposed > 0.95 > 0.8 > other
    template, means = template_of(now.model, now.bundle), now.bundle.features
    scores = means @ template
    assert now.bundle.faces.labels[int(scores.argmax())] == "s34"
    remembers = at.switch_page("pages/what_it_remembers.py").run()
    assert not remembers.exception
    assert "the eraser keeps what hides them" in words(remembers)
    suppress(at.switch_page("pages/forget_people.py").run(), "s25")
    now = at.session_state["visit"]
    assert {who for who, _ in betrayed(now.model, now.bundle)[:2]} == {"s25", "s34"}
    assert template_of(now.model, now.bundle) is None
    assert "mixes their directions" in words(at.switch_page("pages/what_it_remembers.py").run())


@pytest.mark.slow
def test_every_linearization_can_suppress() -> None:
    at = opened()
    next(one for one in at.selectbox if one.label == "Linearized at").set_value("tangent").run()
    turn(at, SUPPRESS)
    suppress(at, "s34")
    assert "Hidden, not forgotten" in words(at)
    assert not {s.said_after for s in at.session_state["visit"].effect.them} & {"s34"}


def test_one_can_look_ahead_where_influence_is_removed() -> None:
    at = opened()
    ahead = next(one for one in at.button if one.label == "Look ahead")
    text = words(ahead.click().run())
    assert "Once 20 more people are gone" in text and "at the present threshold" in text
    assert "Look ahead" not in [one.label for one in turn(at, SUPPRESS).button]
    text = words(forget(turn(at, REMOVE), "s34"))
    assert "Look ahead" in [one.label for one in at.button]  # of the model now, not of that then
    assert "more people are gone" not in text

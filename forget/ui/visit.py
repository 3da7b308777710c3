"""One visitor's own state: which faces they look at, and what they have had forgotten."""

from dataclasses import dataclass, field, replace
from time import perf_counter

import streamlit as st

from forget.effect import Effect, measure_effect
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn
from forget.ui import goals
from forget.ui.cached import FIRST, Bundle, demo
from forget.ui.goals import GOALS, REMOVE, SUPPRESS, Goal
from forget.ui.jobs import Job
from forget.unlearning.guarantees import guarantee_for

__all__ = [
    "PEOPLE",
    "Visit",
    "forget_chosen",
    "leave",
    "made_of_faces",
    "problem",
    "start_over",
    "state",
    "turn_goal",
    "use",
    "visit",
]

PEOPLE = "forget_people"  # key of the chosen people, shared by the list and the gallery
CROWD = 100  # people, of whom measuring the effect takes long enough to say so
_VISIT = "visit"
_VISITS = "visits"  # by data set and goal, so that turning to another one loses nothing
_PROBLEM = "forget_problem"
_MADE: set[str] = set()  # session entries that hold what was made of somebody's faces


@dataclass(frozen=True, eq=False)
class Visit:
    """What a visitor has done with one data set and goal; a value, replaced by every request.

    Arguments:
        bundle: Faces and the original model, which nobody changes.
        goal: What should become of people.
        model: The model as it is now for this visitor.
        forgotten: Everybody who was forgotten, all requests together.
        effect: What that changed.
        seconds: What the server needed for the last request, its measurement included.
    """

    bundle: Bundle
    goal: Goal
    model: LinearModel
    forgotten: tuple[str, ...] = ()
    effect: Effect | None = field(default=None, repr=False)
    seconds: float = 0.0

    def forget(self, people: list[str]) -> "Visit":
        """Forgets some more people.

        Raises:
            ForgetError: The request cannot be met; nothing has changed.
        """
        start, original = perf_counter(), self.bundle.model
        gone = (*self.forgotten, *people)
        split = self.bundle.split.forgetting(gone)
        if self.goal is SUPPRESS:  # of everybody at once: one eraser, not erasers in a row
            result = unlearn(original, self.bundle.faces, gone, self.goal.method)
            spent, promised = {self.goal.noun: result.seconds}, result.guarantee
        else:
            result = unlearn(self.model, self.bundle.faces, people, self.goal.method)
            spent = {}
            promised = guarantee_for(original, split, split.leaving, self.bundle.shared)
        effect = measure_effect(original, result.model, split, self.bundle.rows, promised)
        return replace(
            self,
            model=result.model,
            forgotten=split.leaving,
            effect=replace(effect, seconds=effect.seconds | spent),
            seconds=perf_counter() - start,
        )


def visit() -> Visit:
    """The visitor's state; the demo faces, nobody forgotten, at first.

    Says what is missing, and ends the page there, when the demo cannot be loaded.
    """
    if _VISIT not in st.session_state:
        try:
            bundle = demo(FIRST)
        except ForgetError as error:
            st.error(str(error), icon=":material/error:")
            st.stop()
        use(bundle)
    return st.session_state[_VISIT]


def use(bundle: Bundle) -> None:
    """Turns to other faces, as the visitor left them; nobody is chosen."""
    visits: dict[tuple[int, str], Visit] = st.session_state.setdefault(_VISITS, {})
    goal = _goal()
    _set(visits.get((id(bundle), goal.title), Visit(bundle, goal, bundle.model)))


def turn_goal() -> None:
    """Turns to the other goal's model of the same faces; who can be chosen there stays chosen."""
    chosen = st.session_state[PEOPLE]
    use(visit().bundle)
    there = frozenset(visit().model.people)
    st.session_state[PEOPLE] = [person for person in chosen if person in there]


def leave(bundle: Bundle, kind: str = FIRST) -> None:
    """Drops a data set and everything made of it; goes back to the demo if it was shown.

    Results of other data sets go too: they can be made again, photographs cannot be taken back.
    """
    for key in _MADE:
        entry = st.session_state.pop(key, None)
        if isinstance(entry, Job):
            entry.stop.set()
    for title in GOALS:
        st.session_state.get(_VISITS, {}).pop((id(bundle), title), None)
    if visit().bundle is bundle:
        use(demo(kind))


def made_of_faces(key: str) -> str:
    """Has a session entry dropped with the faces that it was made of; returns its key."""
    _MADE.add(key)
    return key


def start_over() -> None:
    """Goes back to the original model."""
    now = visit()
    _set(Visit(now.bundle, now.goal, now.bundle.model))


def forget_chosen() -> None:
    """Forgets the chosen people; keeps the choice and the model when that cannot be done."""
    now = visit()
    if len(now.model.people) > CROWD:
        said = f"{now.goal.noun.capitalize()}, and measuring what that changes"
        st.toast(said, icon=":material/hourglass_top:")
    try:
        _set(now.forget(st.session_state[PEOPLE]))
    except ForgetError as error:
        st.session_state[_PROBLEM] = str(error)


def _goal() -> Goal:
    return GOALS[st.session_state.get(goals.KEY, REMOVE.title)]


def _set(now: Visit) -> None:
    st.session_state[_VISIT] = now
    st.session_state[_VISITS][id(now.bundle), now.goal.title] = now
    st.session_state[PEOPLE] = []
    st.session_state.pop(_PROBLEM, None)


def state() -> str:
    """The state of the visitor's model in one line."""
    now = visit()
    staying, gone = len(now.model.people), len(now.forgotten)
    if now.effect is None:
        return f"{staying} people, nobody {now.goal.done} yet"
    if now.goal is SUPPRESS:
        return f"{staying} people, {gone} suppressed, nothing unlearned"
    proof = "proof holds" if now.effect.proof.holds else "PROOF FAILS"
    return f"{staying} people, {gone} forgotten, {proof}"


def problem() -> str | None:
    """What went wrong with the last request, if anything."""
    return st.session_state.get(_PROBLEM)

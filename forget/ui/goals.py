"""The two goals a visitor can have for somebody, which are never mixed, and what says which."""

from dataclasses import dataclass

__all__ = ["GOALS", "KEY", "REMOVE", "SUPPRESS", "Goal"]

KEY = "goal"  # of the choice in the session's state


@dataclass(frozen=True)
class Goal:
    """What should become of people, and the method that does it.

    Arguments:
        title: The choice.
        says: What it means.
        method: Name of the method.
        verb: The button.
        noun: What pressing it does.
        done: What has become of people then.
    """

    title: str
    says: str
    method: str
    verb: str
    noun: str
    done: str


REMOVE = Goal(
    "Remove their influence",
    "Afterwards the model is as if it had never met them.",
    "subtract",
    "Forget",
    "subtraction",
    "forgotten",
)
SUPPRESS = Goal(
    "Stop recognising them",
    "Afterwards the model names none of them. For that it has to keep who they are, and its "
    "features can still give them away.",
    "project",
    "Suppress",
    "suppression",
    "suppressed",
)
GOALS = {goal.title: goal for goal in (REMOVE, SUPPRESS)}

"""The two goals a visitor can have for somebody, which are never mixed, and what says which."""

from dataclasses import dataclass

__all__ = ["GOALS", "KEY", "REMOVE", "SUPPRESS", "Goal"]

KEY = "goal"  # of the choice in the session's state


@dataclass(frozen=True)
class Goal:
    """What should become of people, and the method that does it.

    Arguments:
        title: The choice.
        says: What it means, one sentence.
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
    "Afterwards the model is as if they had never been in it: a stranger, who may enrol again.",
    "subtract",
    "Forget",
    "subtraction",
    "forgotten",
)
SUPPRESS = Goal(
    "Stop recognising them",
    "Afterwards the model is blind to them, whoever shows their picture; for that it has to keep "
    "what tells who they are. Nothing is unlearned.",
    "project",
    "Suppress",
    "suppression",
    "suppressed",
)
GOALS = {goal.title: goal for goal in (REMOVE, SUPPRESS)}

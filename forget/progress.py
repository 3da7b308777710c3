"""How long work reports back, and how it is stopped."""

from typing import Protocol

__all__ = ["Cancelled", "OnStep", "silent", "within"]


class Cancelled(Exception):  # noqa: N818 - a request of the caller, not an error
    """Raised by a caller's `on_step` to stop the work; the library never catches it."""


class OnStep(Protocol):
    """Called after every step with the steps done, their total and a short note."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Hears of one step."""
        ...


def silent(done: int, total: int, note: str = "") -> None:
    """Ignores progress: the default of everything that reports it."""


def within(on_step: OnStep, number: int, total: int, name: str) -> OnStep:
    """Progress inside one of several works, told as that of all of them.

    Arguments:
        on_step: Told of all works.
        number: How many are done.
        total: How many there are.
        name: Of this one.
    """

    def told(done: int, steps: int, note: str = "") -> None:
        on_step(number, total, f"{name}, {100 * done // max(steps, 1)} %")

    return told

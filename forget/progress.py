"""How long work reports back, and how it is stopped."""

from typing import Protocol

__all__ = ["Cancelled", "OnStep", "silent"]


class Cancelled(Exception):  # noqa: N818 - a request of the caller, not an error
    """Raised by a caller's `on_step` to stop the work; the library never catches it."""


class OnStep(Protocol):
    """Called after every step with the steps done, their total and a short note."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Hears of one step."""
        ...


def silent(done: int, total: int, note: str = "") -> None:
    """Ignores progress: the default of everything that reports it."""

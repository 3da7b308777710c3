"""Keeps an unfinished training in one file, so that it goes on after a kill."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forget.errors import ForgetError
from forget.runs.arrays import read_state, write_state

__all__ = ["FileKeeper"]


class FileKeeper:
    """The `Keeper` of a training that has no run folder.

    Arguments:
        path: The file; it is replaced after each epoch.
        settings: What the training depends on, plain values: a file that was kept with others
            is not taken for this training's.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path, self.settings = path, dict(settings)

    def load(self) -> dict[str, Any] | None:
        """What was saved last with the same settings; None where there is nothing whole."""
        if not self.path.is_file():
            return None
        try:
            kept = read_state(self.path)
        except ForgetError:
            return None  # broken: the training begins anew and replaces it
        return kept.get("state") if kept.get("settings") == self.settings else None

    def save(self, state: Mapping[str, Any]) -> None:
        """Replaces the file, atomically."""
        write_state(self.path, {"settings": self.settings, "state": dict(state)})

    def drop(self) -> None:
        """Removes the file, once the training is done."""
        self.path.unlink(missing_ok=True)

"""What a step of a study leaves behind: plain values, with settings and surroundings."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forget.errors import ForgetError
from forget.linear.archive import read_model
from forget.linear.model import LinearModel
from forget.models.checkpoint import write_bytes
from forget.recognition.settings import Settings
from forget.runs.files import now, surroundings, to_json

__all__ = ["MODEL", "checkpoint_of", "read_checkpoint", "write_results"]

MODEL = "linearizer.safetensors"  # the linear model, in linearizer.checkpoint_dir


def checkpoint_of(settings: Settings) -> Path:
    """Where the linear model of a study is kept."""
    return Path(settings.linearizer.checkpoint_dir).expanduser() / MODEL


def read_checkpoint(path: Path) -> LinearModel:
    """Reads a linear model.

    Raises:
        CheckpointError: The file is cut off or foreign.
        ForgetError: There is none; the remedy is the command that makes it.
    """
    if not path.is_file():
        raise ForgetError(
            "a linear model",
            f"nothing at {path}",
            "Make it with python -m scripts.train_linearizer and the same settings, or name it "
            "with --linearizer-checkpoint.",
        )
    return read_model(path)


def write_results(
    path: Path, settings: Settings, results: Mapping[str, Any], device: str = "cpu"
) -> None:
    """Writes results as JSON, whole or not at all, with settings, versions and machine.

    Arguments:
        path: The file; its folder is made.
        settings: What they were computed with.
        results: Plain values by name.
        device: What computed them, in words.

    Raises:
        ForgetError: The folder cannot be written to.
    """
    about = surroundings(device) | {"finished": now()}
    about.pop("seconds")
    content = {"results": results, "settings": asdict(settings), "environment": about}
    try:
        write_bytes(path, to_json(content, f"results in {path.name}"))
    except OSError as error:
        raise ForgetError(
            f"a folder that can be written to at {path.parent}", str(error), "Choose another."
        ) from error

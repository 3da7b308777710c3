"""Tensors and arrays of a run on disk, read as data and never as code."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from forget.errors import CheckpointError, ForgetError
from forget.models.checkpoint import write_bytes

__all__ = ["read_arrays", "read_state", "write_arrays", "write_state"]


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Writes tensors and plain values, atomically."""
    import torch

    data = io.BytesIO()
    torch.save(dict(state), data)
    write_bytes(path, data.getvalue())


def read_state(path: Path) -> dict[str, Any]:
    """What `write_state` wrote, on the CPU.

    Raises:
        CheckpointError: The file is broken, or holds more than tensors and plain values.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(state, dict):
            return state
        got = type(state).__name__
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes torch raise
        # In its own words torch advises to load it unsafely.
        got = f"a file that cannot be read so ({type(error).__name__})"
    remedy = "Delete the file: the run then computes it again."
    raise CheckpointError(f"tensors by name in {path}", got, remedy)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name, atomically."""
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    write_bytes(path, data.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote.

    Raises:
        ForgetError: The file is broken.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise ForgetError(
            f"arrays of predictions in {path}",
            "a file that cannot be read",  # NumPy's own words advise to load it unsafely
            "Delete the file and run it again.",
        ) from error

"""Tensors and what is known about them, in files that can be read without running their code."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from forget.errors import CheckpointError

__all__ = [
    "Tensors",
    "TrainingRecord",
    "fingerprint",
    "parse_tensors",
    "read_tensors",
    "to_bytes",
    "write_bytes",
]

Tensors = dict[str, NDArray[Any]]
MAX_BYTES = 64 * 2**30  # refuse to read more into memory
KEY = "forget"  # the one metadata entry, JSON


@dataclass(frozen=True)
class TrainingRecord:
    """Whose photographs made a feature map and every constant in it.

    Arguments:
        people: Identity ids.
        photographs: SHA-256 of every decoded photograph that these people have in the data set,
            trained on or held out: any of them tells that a "new" person is one of them.
    """

    people: frozenset[str] = field(repr=False)
    photographs: frozenset[str] = field(repr=False)

    def to_json(self) -> dict[str, list[str]]:
        """Plain lists, sorted."""
        return {"people": sorted(self.people), "photographs": sorted(self.photographs)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any] | None) -> "TrainingRecord | None":
        """The record, or None where none was kept.

        Raises:
            CheckpointError: Not the lists that `to_json` writes.
        """
        if plain is None:
            return None
        try:
            return cls(frozenset(plain["people"]), frozenset(plain["photographs"]))
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                "a training record with people and photographs",
                f"{type(plain).__name__} without them",
                "Use the file as it was written, or null where nothing is known.",
            ) from error


def fingerprint(settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256, hex, of settings and parameters: what computes the same has the same one."""
    whole = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = np.asarray(tensors[name], order="C")
        whole.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        whole.update(tensor.tobytes())
    return whole.hexdigest()


def to_bytes(tensors: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """A safetensors file whose metadata holds `about` as JSON."""
    packed = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    return serialise(packed, {KEY: json.dumps(about, sort_keys=True)})


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file so that a reader sees the old one or the new one, whole.

    Only its owner may read it: a model with its store holds biometric data.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_tensors(path: str | Path) -> tuple[Tensors, dict[str, Any]]:
    """Reads a safetensors file that `to_bytes` made: its tensors and what it says of them.

    Raises:
        CheckpointError: Missing, truncated, a pickle, or not one of this project's files.
    """
    path = Path(path)
    if not path.is_file():
        what = f"the folder {path}" if path.is_dir() else f"nothing at {path}"
        raise CheckpointError("a file of weights", what, "Check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise CheckpointError(
            f"at most {MAX_BYTES:,} bytes", f"{path.stat().st_size:,}", "Check the file."
        )
    return parse_tensors(path.read_bytes(), path.name)


def parse_tensors(data: bytes, name: str) -> tuple[Tensors, dict[str, Any]]:
    """The same from the bytes of a file, such as one that was uploaded.

    Arguments:
        data: All of it.
        name: What to call it in an error.

    Raises:
        CheckpointError: As for `read_tensors`.
    """
    _refuse_pickles(name, data)
    try:
        tensors = parse(data)
        (length,) = np.frombuffer(data[:8], dtype="<u8")
        about = json.loads(json.loads(data[8 : 8 + int(length)])["__metadata__"][KEY])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"a whole safetensors file of this project in {name}",
            f"{len(data):,} bytes that are not ({error})",
            "The file may be cut off or foreign: copy or download it again.",
        ) from error
    if not isinstance(about, dict):
        raise CheckpointError("settings by name", f"{type(about).__name__}", "Copy it again.")
    return tensors, about


def _refuse_pickles(name: str, data: bytes) -> None:
    if data[:4] == b"PK\x03\x04" or data[:2] in (
        b"\x80\x02",
        b"\x80\x03",
        b"\x80\x04",
        b"\x80\x05",
    ):
        raise CheckpointError(
            "a safetensors file",
            f"a pickle ({name}), which can run any code when it is opened",
            "Convert it with safetensors where you trust it, and load the result.",
        )

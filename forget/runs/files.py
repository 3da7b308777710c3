"""The small files of a run folder: settings, safe names, locks, and where it ran."""

import fcntl
import json
import math
import re
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from forget.errors import ForgetError
from forget.runtime import machine, versions

__all__ = [
    *("locked", "new_folder", "now", "read_json", "safe_name", "stamp", "surroundings"),
    *("sweep", "to_json"),
]

PACKAGES = ("numpy", "torch", "torchvision", "scikit-learn")
MAX_BYTES = 1_000_000  # of one JSON file
ROOT = Path(__file__).parents[2]
TEMPORARY = re.compile(r"\..+\.(json|csv|pt|npz)\.\w+")  # as `write_bytes` calls them


def to_json(content: Mapping[str, Any], what: str) -> bytes:
    """Indented JSON; numbers of numpy and paths become plain, what is not finite becomes null.

    Raises:
        ForgetError: More than 1 MB, or a value that JSON does not have.
    """
    try:
        data = json.dumps(_plain(content), indent=1, allow_nan=False).encode()
    except TypeError as error:
        raise ForgetError(
            f"{what} of plain values", str(error), "Give numbers, words and lists of them."
        ) from error
    if len(data) > MAX_BYTES:
        raise ForgetError(
            f"{what} of at most {MAX_BYTES:,} bytes", f"{len(data):,}", "Keep lists out of them."
        )
    return data


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object of at most 1 MB.

    Raises:
        ForgetError: The file is something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise ForgetError(
            f"values by name, as JSON, in {path}",
            f"something else ({error})",
            "Put back the file as it was written, or leave this folder out.",
        ) from error
    return content


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a setting may be
    match value:
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case float() if not math.isfinite(value):
            return None
        case Path():
            return str(value)
    return value


def safe_name(name: str) -> str:
    """The name, if it can be the name of a file everywhere.

    Raises:
        ForgetError: It is empty, hidden, or has other characters than letters, digits and -_.
    """
    if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) is None:
        raise ForgetError(
            "a name of letters, digits, dots, - and _", repr(name), "Choose another name."
        )
    return name


def new_folder(parent: Path, name: str) -> Path:
    """Makes a folder that was not there before: the name, or the name with -2, -3, ..."""
    parent.mkdir(parents=True, exist_ok=True)
    count = 1
    while True:
        folder = parent / (name if count == 1 else f"{name}-{count}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            count += 1


def locked(file: IO[bytes], *, shared: bool = False) -> bool:
    """Takes the lock of an open file at once or not at all; it goes when the file is closed."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(folder: Path) -> None:
    """Deletes what writers left half-written when they were killed."""
    for path in folder.rglob(".*"):
        if TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def now() -> str:
    """Date and time to the second, with the distance from Greenwich, ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def stamp(path: Path) -> tuple[int, ...]:
    """Tells one version of a file from another; () where there is none."""
    if not path.is_file():
        return ()
    about = path.stat()
    return about.st_ino, about.st_mtime_ns, about.st_size


def surroundings(device: str) -> dict[str, Any]:
    """What a run that starts now notes about where it runs; finished is None, seconds empty."""
    return {
        "versions": versions(*PACKAGES),
        "machine": machine(),
        "device": device,
        "commit": _commit(),
        "started": now(),
        "finished": None,
        "seconds": {},
    }


def _commit() -> str | None:
    """Names the commit of this code, with "+changes" if files differ from it; None if unknown."""
    try:
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT.resolve():
            return None  # installed somewhere inside another project
        return _git("rev-parse", "HEAD") + ("+changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()

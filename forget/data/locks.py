"""One process, and one thread of it, at a time for one path."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forget.progress import OnStep, silent

__all__ = ["alone"]

WAIT = 0.1  # seconds between two looks at a lock that somebody else holds


@contextmanager
def alone(path: Path, on_step: OnStep = silent) -> Iterator[None]:
    """Holds a path for this thread: a lock file beside it, gone afterwards.

    A process that dies lets go of what it held.

    Arguments:
        path: What must not be written by two at once; its folder exists.
        on_step: Called while somebody else holds it; may raise `Cancelled`.

    Raises:
        OSError: The folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    handle = _locked(lock, on_step)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # before it is let go, so that no waiting one keeps its place
        os.close(handle)


def _locked(lock: Path, on_step: OnStep) -> int:
    while True:
        handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_the_same(handle, lock):
                return handle
            os.close(handle)  # its owner removed it in between
        except BlockingIOError:
            os.close(handle)
            on_step(0, 0, f"Waiting for somebody else who fetches {lock.name[1:-5]}")
            time.sleep(WAIT)
        except BaseException:
            os.close(handle)
            raise


def _is_the_same(handle: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(lock))
    except FileNotFoundError:
        return False

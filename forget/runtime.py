"""The facts a run records, and what makes it repeatable: machine, versions, threads, time."""

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path

from threadpoolctl import ThreadpoolController

__all__ = ["machine", "one_blas_thread", "versions"]

_BLAS = threading.RLock()


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - its BLAS must be loaded to be found

    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Runs BLAS and LAPACK on one thread, so that equal input gives equal bits.

    The thread count belongs to the process, so one caller at a time is let in: otherwise a second
    thread that leaves first would give the threads back too early.
    """
    with _BLAS, _controller().limit(limits=1, user_api="blas"):
        yield


def machine() -> str:
    """Processor and cores in words, such as "AMD EPYC 7B13, 2 cores"."""
    known = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count()
    return f"{_processor()}, {cores} cores"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of installed packages."""
    found = {"python": platform.python_version()}
    return found | {package: metadata.version(package) for package in packages}

"""How much memory a piece of work takes."""

import threading
from pathlib import Path
from types import TracebackType

__all__ = ["PeakMemory"]

_STATM = Path("/proc/self/statm")  # Linux: pages, of which the second number is in memory
_PAGE = 4096
EVERY = 0.02  # seconds between two looks


class PeakMemory:
    """Watches how far the memory of this process rises; `taken` is nan where it cannot be read.

    Example:
        >>> with PeakMemory() as memory:
        ...     big = bytearray(10)
        >>> memory.taken != memory.taken or memory.taken >= 0
        True
    """

    taken = float("nan")

    def __enter__(self) -> "PeakMemory":
        self._start = self._peak = _resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._peak = max(self._peak, _resident())
        self.taken = self._peak - self._start

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            self._peak = max(self._peak, _resident())


def _resident() -> float:
    try:
        return float(_STATM.read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return float("nan")

"""Long work in the background: it survives a change of page, shows progress and can be stopped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import streamlit as st

from forget.charts.people import spoken
from forget.errors import ForgetError
from forget.progress import Cancelled, OnStep

__all__ = ["Job", "elsewhere", "start", "watch"]

_BUSY = threading.Lock()  # one job per server: two would only slow each other down
_AT_WORK: list["Job"] = []  # the one that holds the lock; kept no longer, for it holds its result


@dataclass(eq=False)
class Job:
    """Work in a thread of its own, which never calls Streamlit.

    Arguments:
        label: What it does, for the reader.
        about: Which request it belongs to; a page shows its result only beside that request.
        began: When the present part of the work did, seconds.
        first: How much of that part was done then.
        page: Which page was drawn last, of the session that started it.
        shown: By page, whether the last run of that page drew the progress itself.
    """

    label: str
    about: object
    done: int = 0
    total: int = 1
    note: str = ""
    result: Any = None
    error: Exception | None = None
    began: float = field(default_factory=perf_counter)
    first: int = 0
    page: str = ""
    shown: dict[str, bool] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self.thread is not None and self.thread.is_alive()

    def on_step(self, done: int, total: int, note: str = "") -> None:
        """Takes progress from the work, and stops it on request.

        Raises:
            Cancelled: The visitor pressed Cancel.
        """
        if self.done and (total != self.total or done < self.done):  # another part of the work
            self.began, self.first = perf_counter(), done
        self.done, self.total, self.note = done, total, note
        if self.stop.is_set():
            raise Cancelled

    @property
    def cancelled(self) -> bool:
        """Whether it ended because it was asked to stop."""
        return isinstance(self.error, Cancelled)

    def time_left(self) -> str:
        """How long the rest of this part will take at its pace so far."""
        if self.done <= self.first:
            return "starting"
        if self.done >= self.total:
            return "almost done"
        pace = (perf_counter() - self.began) / (self.done - self.first)
        return f"about {spoken(pace * (self.total - self.done))} left"

    def progress(self) -> str:
        """What it is doing, how far it is, and how long that will take."""
        if self.stop.is_set():
            return f"{self.label}: stopping after this step"
        if not self.done:
            return f"{self.label}: starting"
        counted, note = f"{self.done:,} of {self.total:,}", self.note or "step"
        if " of " in note:  # it counts by itself, such as "epoch 2 of 10"
            note += ", step"
        return f"{self.label}: {note} {counted}, {self.time_left()}"

    def work(self, function: Callable[[OnStep], Any]) -> None:
        """Runs a function to its end and keeps what came of it."""
        try:
            self.result = function(self.on_step)
        except Exception as error:  # noqa: BLE001 - told to the visitor, who can go on
            self.error = error
        finally:
            _AT_WORK.clear()
            _BUSY.release()


def start(key: str, label: str, about: object, function: Callable[[OnStep], Any]) -> Job:
    """Starts work in the background and keeps it under a key of the session.

    Raises:
        ForgetError: This server is busy with a job already.
    """
    if not _BUSY.acquire(blocking=False):
        raise _busy()
    job = Job(label, about)
    _AT_WORK[:] = [job]
    job.thread = threading.Thread(target=job.work, args=(function,), daemon=True)
    st.session_state[key] = job
    job.thread.start()
    return job


def _busy() -> ForgetError:
    """Which job is in the way, and what can be done about it."""
    one = next(iter(_AT_WORK), None)
    if one is None:  # it has just ended, or is about to begin
        return ForgetError("an idle server", "one that is busy", "Try again in a minute.")
    mine = any(job is one for job in st.session_state.values())
    left = f", {one.time_left()}" if one.done > one.first else ""
    return ForgetError(
        "an idle server",
        f"one that is busy with something else ({one.label}{left})",
        "Wait until that is done, or cancel it where its progress is shown."
        if mine
        else "Another visitor asked for that: try again once it is done.",
    )


@st.fragment(run_every=0.5)
def watch(key: str) -> None:
    """Draws the progress of a running job, with a way to stop it; reruns the page at its end."""
    job: Job | None = st.session_state.get(key)
    if job is None or not job.running:
        st.rerun()
    job.shown[job.page] = True
    _progress(job, f"{key}_cancel")


def elsewhere(page: str) -> None:
    """Draws the progress of this session's job, unless the page draws it itself.

    It is called before the page is drawn, so it goes by what the page did the last time, and
    corrects itself half a second later. Of a new job it expects that the page which started it
    shows it.

    Arguments:
        page: The title of the page.
    """
    mine = {key: one for key, one in st.session_state.items() if isinstance(one, Job)}
    for key, job in mine.items():
        if job.running:
            expected = job.shown.get(page, not job.shown)
            job.page, job.shown[page] = page, False
            _elsewhere(str(key), page, [expected])


@st.fragment(run_every=0.5)
def _elsewhere(key: str, page: str, expected: list[bool]) -> None:
    """Takes the expectation the first time, and what the page did from then on."""
    job: Job | None = st.session_state.get(key)
    if job is None or not job.running:
        st.rerun()
    if not (expected.pop() if expected else job.shown[page]):
        _progress(job, f"{key}_cancel_above")


def _progress(job: Job, key: str) -> None:
    share = min(job.done / max(job.total, 1), 1.0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=job.progress())
        st.button("Cancel", key=key, on_click=job.stop.set, disabled=job.stop.is_set())

"""Background jobs: one at a time, cancellable, and errors are kept."""

import threading

import pytest
import streamlit as st

from forget.errors import ForgetError
from forget.progress import OnStep
from forget.ui import jobs


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


def test_the_result_and_the_progress_are_kept() -> None:
    def work(on_step: OnStep) -> str:
        on_step(3, 4, "half")
        return "done"

    job = jobs.start("k", "Work", "about", work)
    job.thread.join()
    assert (job.result, job.done, job.total, job.note) == ("done", 3, 4, "half")
    assert not job.running
    assert "left" in job.time_left()


def test_a_second_job_waits_and_the_first_can_be_cancelled() -> None:
    begun = threading.Event()

    def work(on_step: OnStep) -> None:
        begun.set()
        while True:
            on_step(1, 2)

    job = jobs.start("k", "Work", "about", work)
    assert begun.wait(10)
    with pytest.raises(ForgetError, match="busy"):
        jobs.start("other", "More", "about", work)
    job.stop.set()
    assert "stopping" in job.progress()
    job.thread.join(10)
    assert job.cancelled
    jobs.start("other", "More", "about", lambda on_step: 1).thread.join()


def test_an_error_is_kept_and_the_server_is_free_again() -> None:
    def work(on_step: OnStep) -> None:
        raise ForgetError("this", "that", "Do it again.")

    job = jobs.start("k", "Work", "about", work)
    job.thread.join()
    assert "Do it again." in str(job.error)
    assert not job.cancelled
    jobs.start("k", "More", "about", lambda on_step: 1).thread.join()


def test_each_part_of_the_work_has_its_own_pace() -> None:
    job = jobs.Job("Work", "about")
    job.began -= 900.0
    job.on_step(900, 900, "epoch 2 of 2")
    job.on_step(10, 6_561, "photographs")
    assert job.time_left() == "starting"
    job.began -= 1.0
    job.on_step(110, 6_561, "photographs")
    left = float(job.time_left().removeprefix("about ").removesuffix(" s left"))
    assert left == pytest.approx(64.5, abs=5)
    assert "photographs 110 of 6,561" in job.progress()
    job.on_step(120, 6_561, "epoch 1 of 10")
    assert "epoch 1 of 10, step 120 of 6,561" in job.progress()

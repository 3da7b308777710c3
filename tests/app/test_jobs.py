"""Background jobs: one at a time, cancellable, errors are kept, and none is out of sight."""

import threading
from collections.abc import Iterator
from time import sleep

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from visitor import FORGET, PAGES, opened, press

from forget.errors import ForgetError
from forget.progress import OnStep
from forget.ui import cached, compare, jobs, linearized

COMPARE = "pages/compare.py"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.fixture
def working() -> Iterator[jobs.Job]:
    """A job that holds the server until it is stopped, of nobody's session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", {})
        job = jobs.start("k", "Counting sheep", None, until_stopped)
    yield job
    job.stop.set()
    job.thread.join(10)


def until_stopped(on_step: OnStep) -> None:
    while True:
        on_step(2, 4)
        sleep(0.01)


def shown(at: AppTest) -> list[str]:
    """What the bars of progress say, after the page ended without an exception."""
    assert not at.exception
    return [one.proto.text for one in at.get("progress")]


@pytest.mark.usefixtures("session")
def test_the_result_and_the_progress_are_kept() -> None:
    def work(on_step: OnStep) -> str:
        on_step(3, 4, "half")
        return "done"

    job = jobs.start("k", "Work", "about", work)
    job.thread.join()
    assert (job.result, job.done, job.total, job.note) == ("done", 3, 4, "half")
    assert not job.running
    assert "left" in job.time_left()


@pytest.mark.usefixtures("session")
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


@pytest.mark.usefixtures("session")
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
    job.on_step(6_561, 6_561, "photographs")
    assert job.time_left() == "almost done"  # what is left is not counted


def test_a_busy_server_names_the_job_and_how_long_it_takes(
    session: dict[str, object], working: jobs.Job
) -> None:
    while working.done < 2:
        sleep(0.01)
    said = r"busy with something else \(Counting sheep, about .* left\)"
    with pytest.raises(ForgetError, match=said + ".*Another visitor"):
        jobs.start("other", "More", None, until_stopped)
    session["k"] = working
    with pytest.raises(ForgetError, match=said + ".*cancel it where its progress is shown"):
        jobs.start("other", "More", None, until_stopped)


@pytest.mark.usefixtures("session")
def test_nothing_of_a_job_is_kept_once_it_is_over() -> None:
    jobs.start("k", "Work", None, lambda on_step: 1).thread.join()
    assert not jobs._AT_WORK


def test_every_page_shows_the_work_once_and_can_stop_it(working: jobs.Job) -> None:
    at = opened(COMPARE)
    at.session_state[compare.JOB] = working
    for page in (COMPARE, *PAGES, COMPARE):
        assert len(shown(at.switch_page(page).run())) == 1, page
        assert "Counting sheep" in shown(at)[0]
        assert len([one for one in at.button if one.label == "Cancel"]) == 1
    press(at.switch_page("app.py").run(), "Cancel")
    assert working.stop.is_set()
    working.thread.join(10)
    assert not shown(at.run())


def test_work_that_a_page_stops_showing_moves_to_its_top(working: jobs.Job) -> None:
    at = opened(FORGET)
    at.session_state[linearized.MUFAC.job] = working
    working.shown["Who should be forgotten?"] = True  # as while MUFAC was chosen
    at.run().run()  # a browser draws it again by itself
    assert len(shown(at)) == 1


def test_preparing_stays_in_sight_when_something_else_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cached, "_READY", set())
    monkeypatch.setattr(cached, "kept_feature_map", lambda kind: None)
    monkeypatch.setattr(
        linearized, "demo_feature_map", lambda kind, on_step: until_stopped(on_step)
    )
    at = opened(FORGET)
    at.selectbox(key=linearized.KEY).select("linearizer").run()
    press(at, "Prepare")
    job = at.session_state[linearized.JOB]
    try:
        at.selectbox(key=linearized.KEY).select("penultimate").run()
        (said,) = shown(at)
        assert "Preparing the linearizer of embeddings" in said
        assert not at.info
    finally:
        press(at, "Cancel")
        job.thread.join(10)
    assert job.cancelled
    assert not shown(at.run())


def test_that_the_server_is_busy_is_told_once(working: jobs.Job) -> None:
    at = press(opened(COMPARE), "Compare")
    assert "Counting sheep" in at.error[0].value
    assert not at.run().error

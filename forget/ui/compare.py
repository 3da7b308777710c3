"""Choosing what to compare, running it in the background, and keeping what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from forget.charts.series import method_title
from forget.comparison import compare_methods
from forget.comparison_table import Comparison
from forget.contenders import READY, STANDARD, Answer, contenders
from forget.data.mufac import benchmark
from forget.data.partition import Partition, by_class
from forget.data.sources import APP_DATA
from forget.errors import ForgetError
from forget.methods.registry import NETWORK_METHODS
from forget.networks import Networks, train_networks
from forget.problems import PROBLEMS, Problem, load_problem
from forget.progress import OnStep
from forget.training import accelerate
from forget.ui import jobs

__all__ = ["KEPT", "Choice", "Result", "choose", "follow", "run_button"]

JOB, RESULT = "compare", "compare_result"
SAID = "compare_said"  # why the last run has no result; empty where it was cancelled
BUSY = "compare_busy"  # why it did not begin; told once, for the server is soon idle again
KEPT = "compare_kept"  # maps and likenesses of the present result
USUAL = ["finetune", "random_labels", "negative_gradient_plus", "scrub", "ssd", STANDARD, READY]
ALWAYS = ["original", "retrain"]
SLOW = {  # data sets on which a comparison takes longer than a visit
    "mnist": "minutes",
    "cifar10": "about five minutes",
    "mufac": "about an hour",
}
OFFERED = [name for name in PROBLEMS if name != "mufac-128"]  # that takes most of a day
BENCHMARK = "the benchmark's first 1,500"


@dataclass(frozen=True)
class Choice:
    """What a visitor wants compared; equal choices have equal results.

    Arguments:
        problem: A name in `PROBLEMS`.
        forget: Classes; empty for the benchmark's images.
        methods: Names of contenders.
        seeds: How many unlearning seeds.
    """

    problem: str
    forget: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int


@dataclass(frozen=True, eq=False)
class Result:
    """A comparison that has run.

    Arguments:
        choice: What was asked for.
        split: The images.
        networks: What the seed has trained.
        comparison: The rows.
        answers: Of the first unlearning seed, by method.
    """

    choice: Choice
    split: Partition
    networks: Networks
    comparison: Comparison
    answers: dict[str, Answer] = field(repr=False)

    def logits(self, method: str) -> NDArray[np.floating]:
        """What a method's model says of all images, (n, c)."""
        return self.answers[method].logits


def choose() -> Choice | None:
    """Draws the controls; None while something is missing, which is said."""
    left, right = st.columns([2, 3])
    here = [name for name in OFFERED if _is_here(name)]
    name = left.selectbox(
        "Data",
        OFFERED,
        format_func=lambda one: PROBLEMS[one] + ("" if one in here else " (not here)"),
        key="compare_data",
        persist_state="session",
    )
    if name not in here:
        st.info(
            f"**{PROBLEMS[name]}** is not here. To get it: `python -m forget download {name}`",
            icon=":material/download:",
        )
        return None
    problem = _problem(name)
    with right:
        forget = _whom(problem)
    methods = st.multiselect(
        "Methods beside the original and the one trained again",
        [*[one for one in NETWORK_METHODS if one not in ALWAYS], STANDARD, READY],
        default=USUAL,
        format_func=method_title,
        key="compare_methods",
        persist_state="session",
    )
    seeds = st.number_input("Seeds", 1, 5, 1, key="compare_seeds", width=120)
    if name in SLOW:
        st.caption(
            f"On this data set that takes {SLOW[name]} on two cores; it goes on while you look "
            "at other pages."
        )
    if not methods:
        st.caption("Choose at least one method.")
        return None
    return Choice(name, forget, (*ALWAYS, *methods), int(seeds))


def run_button(choice: Choice) -> None:
    """Offers to run, unless that is under way."""
    job = st.session_state.get(JOB)
    if job is not None and job.running:
        return
    st.button(
        "Compare", type="primary", icon=":material/balance:", on_click=_begin, args=(choice,)
    )


def follow() -> Result | None:
    """Follows the work, and gives the last result there is."""
    job = st.session_state.get(JOB)
    if job is not None and not job.running:
        del st.session_state[JOB]
        if job.result is not None:
            st.session_state[RESULT], st.session_state[KEPT] = job.result, {}
            st.rerun()
        elif not job.cancelled:
            st.session_state[SAID] = f"{job.label}: {job.error}"
        else:
            st.session_state[SAID] = ""
    elif job is not None:
        jobs.watch(JOB)
    if busy := st.session_state.pop(BUSY, None):
        st.error(busy, icon=":material/error:")
    said = st.session_state.get(SAID)
    if said:
        st.error(said, icon=":material/error:")
    elif said is not None:
        st.caption("Cancelled; the last comparison, if there was one, is still below.")
    return st.session_state.get(RESULT)


def _begin(choice: Choice) -> None:
    st.session_state.pop(SAID, None)
    try:
        jobs.start(JOB, "Comparing", choice, lambda on_step: _run(choice, on_step))
    except ForgetError as error:
        st.session_state[BUSY] = str(error)


def _run(choice: Choice, on_step: OnStep) -> Result:
    problem = _problem(choice.problem)
    split = _split(problem, choice.forget)
    fabric, trained, answers = accelerate(), {}, {}

    def networks(seed: int) -> Networks:
        share = 0.5 if READY in choice.methods else 0.0
        trained[seed] = train_networks(problem, split, seed, fabric, share, on_step)
        return trained[seed]

    def keep(answer: Answer, row: Mapping[str, Any]) -> None:
        if row["unlearning seed"] == 0:
            answers[row["method"]] = answer

    found = compare_methods(
        split,
        networks,
        contenders(choice.methods, problem.name),
        (0,),
        tuple(range(choice.seeds)),
        fabric=fabric,
        on_step=on_step,
        on_answer=keep,
    )
    return Result(choice, split, trained[0], found, answers)


def _whom(problem: Problem) -> tuple[str, ...]:
    people = problem.name == "orl"
    choices = list(problem.data.classes)
    if problem.name == "mufac":
        what = st.selectbox("What to forget", [BENCHMARK, *choices], key="compare_what_mufac")
        return () if what == BENCHMARK else (str(what),)
    chosen: Sequence[str] = st.multiselect(
        "Whom to forget" if people else "What to forget",
        choices,
        default=list(problem.suggestion),
        key=f"compare_what_{problem.name}",
        persist_state="session",
    )
    return tuple(chosen)


def _split(problem: Problem, forget: tuple[str, ...]) -> Partition:
    if not forget and problem.name == "mufac":
        return benchmark(problem.data)
    return by_class(problem.data, list(forget))


@st.cache_resource(max_entries=2, show_spinner="Opening the images")
def _problem(name: str) -> Problem:
    return load_problem(name)


def _is_here(name: str) -> bool:
    if name in ("orl", "digits"):
        return True
    return (APP_DATA / name).is_dir() or (APP_DATA / f"{name}.zip").is_file()

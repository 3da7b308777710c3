"""Sums over processes: the same digest for any number of them, and errors that all of them see."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from linear.ranks_worker import SPACE, WORLD, everything

from forget.errors import StatisticsError
from forget.linear.ranks import sum_over_ranks
from forget.linear.statistics import Statistics

ROOT = Path(__file__).parents[2]
Facts = dict[str, object]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Facts]:
    """Returns what each of three processes found."""
    folder = tmp_path_factory.mktemp("ranks")
    worker = Path(__file__).with_name("ranks_worker.py")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":
        environment["GLOO_SOCKET_IFNAME"] = "lo"  # a machine's own name need not be known
    started = [
        subprocess.Popen(
            [sys.executable, worker, str(rank), folder], env=environment, stderr=subprocess.PIPE
        )
        for rank in range(WORLD)
    ]
    try:
        ends = [(one.communicate(timeout=120)[1].decode(), one.returncode) for one in started]
    finally:
        for one in started:
            one.kill()
    assert [code for _, code in ends] == [0] * WORLD, ends
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(WORLD)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_any_number_of_processes_gives_the_digest_of_one(facts: list[Facts], size: int) -> None:
    whole, classless = everything().digest(), everything(replace(SPACE, targets=0)).digest()
    for mine in facts[:size]:
        assert mine[f"in turn, {size}"] == whole
        assert mine[f"in pieces, {size}"] == classless


def test_processes_without_rows_add_nothing(facts: list[Facts]) -> None:
    for mine in facts:
        assert mine["one has all"] == everything().digest()
        assert mine["nobody has any"] == Statistics.empty(SPACE).digest()
        assert mine["input as it was"]


def test_what_one_process_would_refuse_all_refuse_and_then_go_on(facts: list[Facts]) -> None:
    for mine in facts:
        assert "3 processes with statistics of one space; got 2 spaces" in str(mine["other space"])
        assert "at most 60 rows" in str(mine["too many"])
        assert "at most 8 bytes of class names" in str(mine["long names"])
        assert mine["after errors"] == everything().digest()


def test_alone_the_sum_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert sum_over_ranks(everything()) == everything()


def test_processes_that_never_joined_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(StatisticsError, match="2 processes that have joined"):
        sum_over_ranks(everything())

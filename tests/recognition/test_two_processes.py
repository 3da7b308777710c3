"""The scripts of a study on one process and on two: the same sums, the same answers."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("train_linearizer", "run_unlearning", "evaluate", "compare_methods", "quick_start")

pytestmark = pytest.mark.slow


def launch(processes: int, script: str, folder: Path, *more: str) -> str:
    """Starts a script under torchrun, one thread a process, and returns what it said."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)),
        *("--master-addr", "127.0.0.1", "--master-port", str(port), "-m", f"scripts.{script}"),
        *("--config", "config.yaml", "--device.cuda", "false"),
        *("--linearizer.checkpoint_dir", str(folder), "--evaluation.results_dir", str(folder)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*command, *more], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, dict[str, str]]]:
    """All scripts in turn, on one process and on two: their folder, and what they said."""
    found = {}
    for processes in (1, 2):
        folder = tmp_path_factory.mktemp(f"on{processes}")
        found[processes] = (folder, {one: launch(processes, one, folder) for one in SCRIPTS})
    return found


def results(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.json").read_text())["results"]


def test_sums_are_the_same_bits(said: dict[int, tuple[Path, dict[str, str]]]) -> None:
    one, two = (results(folder, "linearizer") for folder, _ in said.values())
    assert one["digest"] == two["digest"]
    files = [(folder / "linearizer.safetensors").read_bytes() for folder, _ in said.values()]
    assert files[0] == files[1]


def test_each_script_speaks_once_and_says_the_same(
    said: dict[int, tuple[Path, dict[str, str]]],
) -> None:
    for name, words in (("run_unlearning", "Proof holds"), ("quick_start", "Ready.")):
        assert [told[name].count(words) for _, told in said.values()] == [1, 1]
    for name in ("evaluation_original", "evaluation_linearized"):
        one, two = (results(folder, name) for folder, _ in said.values())
        assert one == two


def test_methods_are_compared_with_real_retraining(
    said: dict[int, tuple[Path, dict[str, str]]],
) -> None:
    one, two = (
        pd.read_csv(folder / "comparison_results.csv").set_index("method")
        for folder, _ in said.values()
    )
    names = ["guarantee", "scope", "forgotten recognised"]
    assert one[names].equals(two[names])
    assert one.loc["retrain", "agree"] == 1
    assert one.loc["subtract", "agree"] == one.loc["refit", "agree"]
    assert (one.loc[["subtract", "refit", "retrain"], "forgotten recognised"] == 0).all()
    assert one.loc["original", "forgotten recognised"] == 1
    found = results(said[1][0], "comparison_results")
    assert [row["method"] for row in found["rows"]] == one.index.tolist()


def test_maps_that_two_processes_train_are_those_of_one(tmp_path: Path) -> None:
    """Weights differ by rounding, so shares of photographs may differ by one of 120."""
    keys = ("--linearizer.kind", "linearizer", "--linearizer.num_epochs", "3")
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        launch(processes, "train_linearizer", folder, *keys)
        found.append(results(folder, "linearizer"))
    for share in ("identified", "recognised"):
        assert abs(found[0][share] - found[1][share]) <= 1 / 120 + 1e-9

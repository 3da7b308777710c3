"""Work that several processes share: the results of one, and errors that none waits for."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from forget.errors import ForgetError
from forget.processes import Launched, accelerate, alone, launched, together

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("processes_worker.py")
RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
Found = tuple[dict[str, object], dict[str, np.ndarray]]


def environment(**more: object) -> dict[str, str]:
    hidden = (*RANKS, "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    # One thread in each: what they compute is compared bit by bit.
    kept |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":
        kept["GLOO_SOCKET_IFNAME"] = "lo"  # a machine's own name need not be known
    return kept | {name: str(value) for name, value in more.items()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(*command: object, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(part) for part in command], env=environment(**more), stderr=subprocess.PIPE
    )


def pair(part: str, folder: Path) -> list[subprocess.Popen[bytes]]:
    """Two processes as torchrun starts them."""
    every = {"WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1"}
    every["MASTER_PORT"] = free_port()
    return [
        start(sys.executable, WORKER, part, folder, RANK=rank, LOCAL_RANK=rank, **every)
        for rank in range(2)
    ]


def ended(processes: list[subprocess.Popen[bytes]], codes: list[int]) -> None:
    try:
        ends = [(one.communicate(timeout=120)[1].decode(), one.returncode) for one in processes]
    finally:
        for one in processes:
            one.kill()
            one.wait()
    assert [code for _, code in ends] == codes, ends


def read(folder: Path, rank: int) -> Found:
    with np.load(folder / f"{rank}.npz") as weights:
        return json.loads((folder / f"{rank}.json").read_text()), dict(weights)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """What one process found alone, and then each of two."""
    apart, joined = (tmp_path_factory.mktemp(name) for name in ("apart", "joined"))
    one = start(sys.executable, WORKER, "all", apart)
    ended([one, *pair("all", joined)], [0, 0, 3])  # the last was told to be lost
    return [read(apart, 0), read(joined, 0), read(joined, 1)]


@pytest.mark.slow
def test_launched_processes_are_joined(found: list[Found]) -> None:
    assert [(facts["world"], facts["rank"]) for facts, _ in found] == [(1, 0), (2, 0), (2, 1)]


@pytest.mark.slow
def test_two_processes_give_rows_and_sums_of_one_bit_for_bit(found: list[Found]) -> None:
    (one, _), *both = found
    promised = {name: fact for name, fact in one.items() if ": " in name}
    assert len(promised) == 14
    for facts, _ in both:
        assert {name: facts[name] for name in promised} == promised


@pytest.mark.slow
def test_one_process_computes_what_all_rows_computes(found: list[Found]) -> None:
    same = [fact for name, fact in found[0][0].items() if name.endswith("as one by one")]
    assert same == [True] * 4


@pytest.mark.slow
def test_progress_counts_the_photographs_of_all_processes(found: list[Found]) -> None:
    for (facts, _), steps in zip(
        found, [[16, 32, 48, 64, 80], [32, 64, 80], [32, 64, 80]], strict=True
    ):
        told = [fact for name, fact in facts.items() if name.startswith("steps of ")]
        assert told == [steps] * 4


def distance(one: dict[str, np.ndarray], other: dict[str, np.ndarray], part: str) -> float:
    """Norm of the difference of two trainings' parameters, relative to their norm."""
    names = [name for name in one if name.startswith(part)]
    assert names
    whole = np.concatenate([one[name].astype(float).ravel() for name in names])
    others = np.concatenate([other[name].astype(float).ravel() for name in names])
    return float(np.linalg.norm(whole - others) / np.linalg.norm(whole))


# With the shares not weighted by their sizes, with the noise of another image, or with the spread
# of a share's images instead of the batch's, some of these are above 1e-4.
TOLERANCES = {"digits/": 1e-6, "embedding/": 1e-5, "image/": 1e-5}


@pytest.mark.slow
@pytest.mark.parametrize("part, tolerance", TOLERANCES.items())
def test_two_processes_train_what_one_trains(
    found: list[Found], part: str, tolerance: float
) -> None:
    (_, apart), (_, first), (_, second) = found
    assert distance(first, second, part) == 0
    parts = [part] if part == "digits/" else [f"{part}g_x/flow", f"{part}g_y/flow"]
    assert all(distance(apart, first, one) < tolerance for one in parts)


@pytest.mark.slow
def test_all_processes_hold_one_linearizer(found: list[Found]) -> None:
    _, (first, _), (second, _) = found
    for level in ("embedding", "image"):
        assert first[f"trained on {level}"] == second[f"trained on {level}"]


@pytest.mark.slow
def test_what_one_process_raises_stops_all_and_then_they_go_on(found: list[Found]) -> None:
    (one, _), (first, _), (second, _) = found
    assert second["work"] == "OSError: no such photograph"
    assert second["rows"] == second["sums"] == "KeyError: 'stopped'"
    for part in ("work", "rows", "sums"):
        assert "2 processes that do their part; got an error on process 1" in str(first[part])
    for facts in (first, second):
        assert "at least 2 images in a batch, one for each process; got 1" in str(
            facts["few images"]
        )
        assert facts["afterwards"] == one["penultimate: sums"]


@pytest.mark.slow
def test_nobody_waits_for_a_process_that_died(found: list[Found]) -> None:
    assert str(found[1][0]["lost"]).startswith(("RuntimeError", "DistBackendError"))


@pytest.mark.slow
def test_nobody_waits_longer_than_the_timeout(tmp_path: Path) -> None:
    first, second = pair("hang", tmp_path)
    try:
        ended([first], [0])
    finally:
        second.kill()
        second.communicate()
    assert "RuntimeError" in read(tmp_path, 0)[0]["lost"]


TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
LAUNCHERS = {
    "torchrun": (*TORCHRUN, "--standalone"),
    "fabric run": (
        sys.executable, "-m", "lightning_fabric.cli", "--accelerator=cpu", "--devices=2",
    ),
    "fabric run with a strategy": (
        sys.executable, "-m", "lightning_fabric.cli", "--strategy=ddp", "--devices=2",
        "--precision=32-true",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS)
def test_launchers(launcher: tuple[str, ...], tmp_path: Path) -> None:
    port = (f"--main-port={free_port()}",) if "lightning_fabric.cli" in launcher else ()
    ended([start(*launcher, *port, WORKER, "digits", tmp_path)], [0])
    two_that_agree(tmp_path)


@pytest.mark.slow
def test_without_a_launcher_the_script_is_started_for_each_device(tmp_path: Path) -> None:
    ended([start(sys.executable, WORKER, "devices", tmp_path)], [0])
    two_that_agree(tmp_path)


@pytest.mark.slow
def test_nodes_started_by_hand_find_each_other(tmp_path: Path) -> None:
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    nodes = [
        start(sys.executable, WORKER, "nodes", tmp_path, NODE_RANK=rank, **where)
        for rank in range(2)
    ]
    ended(nodes, [0, 0])
    two_that_agree(tmp_path)


def two_that_agree(folder: Path) -> None:
    (first, one), (second, other) = (read(folder, rank) for rank in range(2))
    assert [first["world"], second["world"]] == [2, 2]
    assert distance(one, other, "digits/") == 0


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets what a launcher tells its processes: rank, local rank, world and local world."""
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)

    def say(*values: object) -> None:
        for name, value in zip(RANKS, values, strict=True):
            monkeypatch.setenv(name, str(value))

    yield say


def test_without_a_launcher_nothing_is_joined(said: Callable[..., None]) -> None:
    assert launched() is None
    assert accelerate("cpu").world_size == 1


@pytest.mark.parametrize(
    "values, expected",
    [((0, 0, 1, 1), (1, 1)), ((5, 1, 8, 4), (4, 2)), ((7, 0, 8, 1), (1, 8))],
)
def test_processes_of_nodes(
    said: Callable[..., None], values: tuple[int, ...], expected: tuple[int, int]
) -> None:
    said(*values)
    assert launched() == Launched(*expected)
    assert launched().world == values[2]


@pytest.mark.parametrize(
    "values",
    [(2, 0, 2, 2), (0, 2, 2, 2), (0, 0, 3, 2), (0, 0, 2, 4), (-1, 0, 2, 2), ("a", 0, 2, 2)],
)
def test_ranks_that_no_launcher_gives_are_refused(
    said: Callable[..., None], values: tuple[object, ...]
) -> None:
    said(*values)
    with pytest.raises(ForgetError, match="as many processes on each node"):
        accelerate("cpu")


def test_other_numbers_than_the_launcher_started_are_refused(said: Callable[..., None]) -> None:
    said(0, 0, 4, 2)
    with pytest.raises(ForgetError, match="3 processes on each of 2 nodes; got 2 on each of 2"):
        accelerate("cpu", 3, 2)


def test_one_launched_process_needs_no_group(said: Callable[..., None]) -> None:
    said(0, 0, 1, 1)
    assert accelerate("cpu").world_size == 1


def test_processes_that_do_not_come_are_not_waited_for(
    said: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(1, 1, 2, 2)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # else the launch sets it, for all tests
    with pytest.raises(ForgetError, match="2 processes that find each other within 1 seconds"):
        accelerate("cpu", timeout=1)


def test_alone_is_alone_whatever_was_launched(
    said: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(1, 1, 2, 2)
    told = {"LT_CLI_USED": "1", "LT_DEVICES": "2", "LT_STRATEGY": "ddp", "LT_PRECISION": "64-true"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    fabric = alone()
    assert (fabric.world_size, fabric.global_rank, fabric.device.type) == (1, 0, "cpu")
    assert {name: os.environ[name] for name in told} == told  # and Fabric still finds them
    assert together(fabric, lambda: 3) == 3
    with pytest.raises(ForgetError, match="a device that is there"):
        alone("abacus")

"""Laws of run folders: whole files whatever happens, one writer, and all that was written back."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sample_runs import CLASSES, write_sample

from forget.errors import CheckpointError, ForgetError
from forget.runs import files as run_files
from forget.runs.run import PARAMS, Row, Run, Status, runs_in
from forget.runs.table import COLUMNS, as_frame, merge, read_rows, write_rows

SETTINGS = {**dict.fromkeys(PARAMS, 1), "dataset": "digits", "classes": ["0", "1"]}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has just begun."""
    return Run.start(tmp_path, SETTINGS)


def rows(count: int, first: int = 0) -> list[Row]:
    return [
        Row(0, "original", epoch, "test", "loss", epoch / 7)
        for epoch in range(first, first + count)
    ]


# What goes in comes out


@settings(max_examples=30)  # each is a file that is flushed to the disk
@example([Row(0, 'a, "b"\r\nc', 1, "\r", "'\n", 0.5)])
@given(
    st.lists(
        st.builds(
            Row,
            st.integers(0, 9),
            st.text(max_size=5),
            st.integers(0, 9),
            st.text(max_size=5),
            st.text(max_size=9),
            st.floats(),
        ),
        max_size=8,
    )
)
def test_any_rows_come_back(given: list[Row]) -> None:
    path = Path(os.environ["PYTEST_RUNS"]) / "metrics.csv"
    lines: dict = {}
    merge(lines, given)
    write_rows(path, lines)
    expected = {row[:5]: row.value if np.isfinite(row.value) else np.nan for row in given}
    back = read_rows(path)
    assert [row[:5] for row in back] == list(expected)
    np.testing.assert_equal([row.value for row in back], list(expected.values()))


@pytest.fixture(autouse=True, scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder for the test above, which runs many times and may have no fixture of its own."""
    os.environ["PYTEST_RUNS"] = str(tmp_path_factory.mktemp("rows"))


def test_the_table_has_typed_columns_also_when_it_is_empty(run: Run) -> None:
    empty = run.table()
    run.record([Row(0, "a", 1, "", "mia", float("inf"))])
    full = run.table()
    assert tuple(empty.columns) == tuple(full.columns) == COLUMNS
    assert len(empty) == 0
    assert list(full.dtypes) == list(empty.dtypes)
    assert full["split"].tolist() == [""]
    assert np.isnan(full["value"].item())


def test_a_row_about_the_same_thing_replaces_the_older_one(run: Run) -> None:
    run.record([Row(0, "a", 1, "test", "loss", 1.0), Row(0, "a", 2, "test", "loss", 2.0)])
    run.record([Row(0, "a", 1, "test", "loss", 3.0)])
    assert run.table()["value"].tolist() == [3.0, 2.0]


def test_several_objects_on_one_folder_lose_nothing(run: Run) -> None:
    other = Run.open(run.folder)
    for epoch in range(6):
        (run if epoch % 2 else other).record(rows(1, epoch))
    assert run.table()["epoch"].tolist() == list(range(6))
    pd.testing.assert_frame_equal(run.table(), as_frame(rows(6)))


def test_states_predictions_and_curves_come_back(run: Run) -> None:
    state = {"model": {"weight": torch.arange(4.0)}, "epoch": 3, "rates": [0.1, 0.2]}
    run.save_state("original-0", state)
    back = run.load_state("original-0")
    assert torch.equal(back["model"]["weight"], state["model"]["weight"])
    assert (back["epoch"], back["rates"]) == (3, [0.1, 0.2])
    run.drop_state("original-0")
    run.drop_state("original-0")  # again: nothing to do
    assert run.load_state("original-0") is None

    arrays = {"test": np.arange(3), "test_probability": np.ones((3, 2), np.float16) / 3}
    run.save_predictions("original", 0, arrays)
    got = run.predictions("original", 0)
    assert {name: one.dtype for name, one in got.items()} == {
        name: one.dtype for name, one in arrays.items()
    }
    np.testing.assert_equal(got, arrays)
    assert run.predictions("original", 1) is None

    run.write_curves({"val_loss": [np.float32(0.5), float("nan")], "val_acc": [[1.0, None]]})
    written = json.loads((run.folder / "metrics.json").read_text())
    assert written == {"val_loss": [0.5, None], "val_acc": [[1.0, None]]}


def test_settings_and_surroundings_come_back(tmp_path: Path) -> None:
    run = Run.start(tmp_path, {**SETTINGS, "rate": np.float64(0.5), "at": Path("x")}, "cuda")
    assert run.params == {**SETTINGS, "rate": 0.5, "at": "x"}
    about = run.environment
    assert about["device"] == "cuda"
    assert about["versions"]["torch"] == torch.__version__.split("+")[0]
    assert about["finished"] is None
    run.took("original seed 0", 1.5)
    run.took("retrain seed 0", 2.5)
    assert run.environment["seconds"] == {"original seed 0": 1.5, "retrain seed 0": 2.5}
    assert {**run.environment, "seconds": {}} == about


def test_a_resumed_run_says_what_is_not_as_it_was(tmp_path: Path) -> None:
    run = Run.start(tmp_path, SETTINGS, "1 x cpu, float32, 2 threads")
    begun = run.environment
    assert run.resumed("1 x cpu, float32, 2 threads") == {}
    differs = run.resumed("1 x cuda, bfloat16, 8 threads")
    assert differs == {"device": ("1 x cpu, float32, 2 threads", "1 x cuda, bfloat16, 8 threads")}
    assert [one["device"] for one in run.environment["resumed"]] == [
        "1 x cpu, float32, 2 threads",
        "1 x cuda, bfloat16, 8 threads",
    ]
    assert {k: v for k, v in run.environment.items() if k != "resumed"} == begun


def test_two_runs_of_one_second_have_a_folder_each(tmp_path: Path) -> None:
    folders = [Run.start(tmp_path, SETTINGS).folder for _ in range(12)]
    assert len(set(folders)) == 12
    assert [run.folder for run in runs_in(tmp_path)] == folders[::-1]


# The lock


def hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with Run.open(folder).held():
        ready.set()
        time.sleep(60)


def test_a_killed_run_is_marked_and_can_be_taken_again(run: Run) -> None:
    assert run.status == Status.UNFINISHED
    processes = multiprocessing.get_context("fork")
    ready = processes.Event()
    child = processes.Process(target=hold, args=(run.folder, ready))
    child.start()
    assert ready.wait(30)
    assert run.status == Status.RUNNING
    with pytest.raises(ForgetError, match="living process"), run.held():
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert run.status == Status.UNFINISHED
    with run.held():
        assert Run.open(run.folder).status == Status.RUNNING
        run.finish()
    assert run.status == Status.FINISHED


def test_a_lock_is_given_back_after_an_error(run: Run) -> None:
    with pytest.raises(KeyError), run.held():
        raise KeyError
    with run.held():
        assert run.status == Status.RUNNING


def write_for_ever(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    run = Run.open(folder)
    with run.held():
        begin = len(run.table()) // 2
        for step in range(begin, 10**9):
            value = float(step)
            names = ("loss", "accuracy")
            run.record(Row(0, "a", step, "test", name, value) for name in names)
            run.save_state("last", {"step": step, "weights": torch.full((3000,), value)})
            run.save_predictions("a", 0, {"test": np.full(3000, step)})
            run.took("a", value)
            ready.set()


def test_a_kill_at_any_moment_leaves_whole_files(run: Run) -> None:
    chance = random.Random(0)
    processes = multiprocessing.get_context("fork")
    reached = 0
    for _ in range(6):
        ready = processes.Event()
        child = processes.Process(target=write_for_ever, args=(run.folder, ready))
        child.start()
        assert ready.wait(30)
        until = time.monotonic() + chance.uniform(0, 0.2)
        while time.monotonic() < until:  # a reader meanwhile sees whole files, too
            assert len(run.table()) % 2 == 0
        os.kill(child.pid, signal.SIGKILL)
        child.join()

        found = Run.open(run.folder)
        assert found.status == Status.UNFINISHED
        table = found.table()
        steps = len(table) // 2
        assert table["epoch"].tolist() == [step for step in range(steps) for _ in range(2)]
        assert steps > reached
        reached = steps
        state = found.load_state("last")
        assert torch.equal(state["weights"], torch.full((3000,), float(state["step"])))
        predicted = found.predictions("a", 0)["test"]
        assert (predicted == predicted[0]).all()
        for behind in (state["step"], predicted[0], found.environment["seconds"]["a"]):
            assert steps - 2 <= behind <= steps - 1
    with run.held():
        left = [path.name for path in run.folder.rglob("*") if path.name.startswith(".")]
        assert not left


# What is broken or foreign


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "without params.json and environment.json"),
        ({"params.json": "{}"}, "without environment.json"),
        ({"metrics.json": "{}"}, "without params.json"),
        ({"params.json": "{", "metrics.json": "{}"}, "something else"),
        ({"params.json": "[]", "metrics.json": "{}"}, "a list"),
        ({"params.json": "{}", "metrics.json": "{}"}, "no dataset"),
        ({"params.json": '{"dataset": "mnist"}', "environment.json": "{}"}, "no what, classes"),
        ({"params.json": '{"dataset": ["mnist"]}', "metrics.json": "{}"}, "something else"),
        (
            {"params.json": '{"dataset": "mnist", "forget_class": [12]}', "metrics.json": "{}"},
            "something else",
        ),
        ({"params.json": " " * 1_000_001, "metrics.json": "{}"}, "more than 1,000,000 bytes"),
        ({"params.json": "[" * 100_000, "metrics.json": "{}"}, "something else"),
    ],
)
def test_what_is_no_run_is_told_and_left_out(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    whole = Run.start(tmp_path, SETTINGS)
    folder = tmp_path / "digits" / "broken"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ForgetError, match=said):
        Run.open(folder)
    assert runs_in(tmp_path) == [whole]


def test_no_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match="no folder"):
        Run.open(tmp_path / "nowhere")
    assert runs_in(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seed,method\n",
        ",".join(COLUMNS) + "\n0,a,1,test,loss\n",
        ",".join(COLUMNS) + "\n0,a,one,test,loss,1\n",
        ",".join(COLUMNS) + '\n0,"a,1,test,loss,1\n',
        "\xff",
    ],
)
def test_a_broken_table_is_told(run: Run, text: str) -> None:
    (run.folder / "metrics.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ForgetError, match="metrics.csv"):
        run.table()
    with pytest.raises(ForgetError, match="metrics.csv"):  # and not overwritten
        run.record(rows(1))


def test_a_broken_or_foreign_state_is_told(run: Run) -> None:
    run.save_state("a", {"weights": torch.ones(1000)})
    path = run.folder / "ckpt" / "a.pt"
    for data in (path.read_bytes()[:700], b"", b"no file of torch"):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="tensors by name"):
            run.load_state("a")
    torch.save(torch.nn.Linear(2, 2), path)  # a pickled module, as the earlier project wrote
    with pytest.raises(CheckpointError, match="tensors by name"):
        run.load_state("a")
    torch.save(torch.ones(2), path)
    with pytest.raises(CheckpointError, match="Tensor"):
        run.load_state("a")


def test_broken_or_pickled_predictions_are_told(run: Run) -> None:
    run.save_predictions("a", 0, {"test": np.arange(1000)})
    path = run.folder / "predictions" / "a-0.npz"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ForgetError, match="a-0.npz"):
        run.predictions("a", 0)
    np.savez(path, test=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ForgetError, match="a-0.npz"):
        run.predictions("a", 0)
    path.write_bytes(b"")
    with pytest.raises(ForgetError, match="a-0.npz"):
        run.predictions("a", 0)


def test_nobody_is_advised_to_open_a_broken_file_unsafely(run: Run) -> None:
    run.save_predictions("a", 0, {})
    run.save_state("a", {})
    told = []
    for data in (b"no arrays", b"", b"\x80\x02."):
        (run.folder / "predictions" / "a-0.npz").write_bytes(data)
        (run.folder / "ckpt" / "a.pt").write_bytes(data)
        for read in (lambda: run.predictions("a", 0), lambda: run.load_state("a")):
            with pytest.raises(ForgetError, match="cannot be read") as caught:
                read()
            told.append(str(caught.value))
    torch.save(torch.nn.Linear(2, 2), run.folder / "ckpt" / "a.pt")
    with pytest.raises(CheckpointError) as caught:
        run.load_state("a")
    for said in (*told, str(caught.value)):
        assert not any(word in said for word in ("allow_pickle", "weights_only", "trust"))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\\b", "a b"])
def test_names_stay_inside_the_folder(run: Run, name: str) -> None:
    with pytest.raises(ForgetError, match="letters, digits"):
        run.save_state(name, {})
    with pytest.raises(ForgetError, match="letters, digits"):
        run.save_predictions(name, 0, {})
    with pytest.raises(ForgetError, match="letters, digits"):
        Run.start(run.folder.parents[1], {**SETTINGS, "dataset": name})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": object()}, "plain values"),
        ({"what": "x" * 1_000_001}, "at most 1,000,000 bytes"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(ForgetError, match=said):
        Run.start(tmp_path, {**SETTINGS, **change})
    with pytest.raises(ForgetError, match="no chance"):
        Run.start(tmp_path, {key: 1 for key in PARAMS if key != "chance"})
    assert not list(tmp_path.iterdir())


# Folders of the earlier project


@pytest.mark.parametrize("dataset", ["mnist", "cifar10", "mufac"])
def test_an_earlier_folder_reads_like_ours(tmp_path: Path, dataset: str) -> None:
    old = write_sample(tmp_path / "old", dataset, "earlier")
    ours = write_sample(tmp_path / "new", dataset)
    assert old.status == Status.FINISHED
    for key in ("dataset", "what", "classes", "forget_class", "chance", "forget_step"):
        if dataset != "mufac" or key != "what":  # it did not say whom it forgot
            assert old.params[key] == ours.params[key]
    mine, table = ours.table(), old.table()
    mine = mine[(mine["method"] == ours.params["methods"][0]) & (mine["split"] != "unseen")]
    mine = mine[mine["split"] != ""].assign(method="unlearned")
    order = ["epoch", "split", "metric"]
    pd.testing.assert_frame_equal(
        table.sort_values(order).reset_index(drop=True),
        mine.sort_values(order).reset_index(drop=True),
    )


def test_an_earlier_folder_that_stopped_is_unfinished(tmp_path: Path) -> None:
    old = write_sample(tmp_path, "mnist", "earlier")
    path = old.folder / "metrics.json"
    curves = {name: values[:-1] for name, values in json.loads(path.read_text()).items()}
    path.write_text(json.dumps(curves))
    assert old.status == Status.UNFINISHED
    path.write_text(json.dumps({**curves, "val_acc": [[50.0] * 10]}))  # per cent
    with pytest.raises(ForgetError, match="accuracy of 50"):
        old.table()
    path.write_text(json.dumps({**curves, "val_acc": [[0.5] * 8]}))  # another data set's
    with pytest.raises(ForgetError, match="each class"):
        old.table()


# Around it


@pytest.mark.parametrize("dataset", CLASSES)
@pytest.mark.parametrize("state", ["finished", "training", "unlearning"])
def test_the_samples_are_what_they_say(tmp_path: Path, dataset: str, state: str) -> None:
    run = write_sample(tmp_path, dataset, state)
    assert (run.status == Status.FINISHED) == (state == "finished")
    found = set(run.table()["method"])
    expected = {"training": {"original"}, "unlearning": {"original", "retrain", "kl_uniform"}}
    assert found == expected.get(state, {"original", "retrain", "kl_uniform", "finetune"})


def test_the_commit_is_that_of_this_checkout_or_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    monkeypatch.setattr(run_files, "ROOT", tmp_path)
    assert run_files.surroundings("cpu")["commit"] is None
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "a").touch()
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    clean = run_files.surroundings("cpu")["commit"]
    assert len(clean) == 40
    (tmp_path / "a").write_text("b")
    assert run_files.surroundings("cpu")["commit"] == f"{clean}+changes"
    (tmp_path / "inside").mkdir()  # as if installed somewhere inside a foreign checkout
    monkeypatch.setattr(run_files, "ROOT", tmp_path / "inside")
    assert run_files.surroundings("cpu")["commit"] is None
    monkeypatch.setenv("PATH", "")
    assert run_files.surroundings("cpu")["commit"] is None


def test_reading_runs_and_drawing_them_needs_no_torch() -> None:
    code = "import sys, forget.runs.run, forget.charts.runs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=run_files.ROOT).returncode == 0

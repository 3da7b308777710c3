"""The page of runs: none, one of every kind, two side by side, and what is broken."""

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from run_pages import opened, words
from sample_runs import write_sample
from streamlit.testing.v1 import AppTest

from forget.runs.run import Status
from forget.ui.experiments import CHOSEN
from forget.ui.run_download import zipped
from forget.ui.run_facts import facts_of

PAGE = "pages/experiments.py"
DATASETS = ("mnist", "cifar10", "mufac", "digits")


def charts(at: AppTest) -> int:
    return len(at.get("plotly_chart"))


def table_with(at: AppTest, *columns: str) -> pd.DataFrame:
    """The one table that has these columns."""
    (found,) = [one.value for one in at.dataframe if set(columns) <= set(one.value.columns)]
    return found


def test_without_runs_it_says_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(PAGE, tmp_path / "logs", monkeypatch)
    text = words(at)
    assert "No runs yet" in text
    for script in ("unlearn_mnist.py", "unlearn_cifar.py", "unlearn_mufac.py"):
        assert f"python {script}" in text
    assert "not against 50%" in text
    assert "rewards more than forgetting" in text


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_finished_run(dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = facts_of(write_sample(tmp_path, dataset, seeds=(0, 1)).folder)
    at = opened(PAGE, tmp_path, monkeypatch)
    text = words(at)
    assert "Finished" in text
    (row,) = table_with(at, "State").to_dict("records")
    test = facts.table.query("method == 'kl_uniform' and split == 'test' and epoch == 4")
    test = test[test["metric"] == "accuracy"]
    assert row["State"] == "✓ finished"
    assert row["Test now"] == pytest.approx(100 * test["value"].mean())
    shown = {one.label: one.value for one in at.metric}
    assert shown["Accuracy, held out"].startswith(f"{test['value'].mean():.1%} ± ")
    assert charts(at) == 4
    assert len(at.get("download_button")) == 3
    assert any("No guarantee: suppression" in one.value for one in at.warning)


def test_the_tiles_follow_method_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = facts_of(write_sample(tmp_path, "mnist", seeds=(0, 1)).folder)
    at = opened(PAGE, tmp_path, monkeypatch)
    next(one for one in at.selectbox if one.label == "Method").set_value("finetune")
    next(one for one in at.selectbox if one.label == "Seed").set_value(1).run()
    assert not at.exception
    value = facts.table.query("method == 'finetune' and seed == 1 and metric == 'mia'")["value"]
    shown = {one.label: one.value for one in at.metric}
    assert shown["MIA, right guesses"] == f"{value.item():.1%}"


def test_losses_and_tables_come_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path, "digits")
    at = opened(PAGE, tmp_path, monkeypatch)
    before, tables = charts(at), len(at.dataframe)
    at.session_state["run_members"] = True
    at.session_state["run_classes_table"] = True
    at.run()
    assert not at.exception
    assert charts(at) == before + 2
    assert len(at.dataframe) == tables + 1
    assert table_with(at, "0", "9").shape == (5, 10)


def test_an_unfinished_run_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_sample(tmp_path, "cifar10", "unlearning")
    at = opened(PAGE, tmp_path, monkeypatch)
    text = words(at)
    assert f"python unlearn_cifar.py --resume {run.folder}" in text
    assert "Unfinished" in text
    assert table_with(at, "State")["State"].tolist() == ["○ unfinished"]


def test_a_run_that_has_only_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample(tmp_path, "cifar10", "training")
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "No method has been measured yet" in words(at)


def test_a_running_run_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_sample(tmp_path, "mnist", "unlearning")
    with run.held():
        assert run.status is Status.RUNNING
        at = opened(PAGE, tmp_path, monkeypatch)
        text = words(at)
        assert "Last measured: KL to uniform, seed 0, epoch 1" in text
        assert "--resume" not in text
        assert table_with(at, "State")["State"].tolist() == ["▸ running"]
    assert "--resume" in words(at.run())


def test_a_folder_of_the_earlier_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample(tmp_path, "mnist", "earlier")
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "30 November 2024, 12\\:00" in words(at)
    assert charts(at) == 3


@pytest.mark.parametrize("name", ["params.json", "metrics.csv", "environment.json"])
def test_a_broken_folder_is_told_and_the_others_stay(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = write_sample(tmp_path, "mnist"), write_sample(tmp_path, "digits")
    (bad.folder / name).write_bytes(b"\xff{broken")
    at = opened(PAGE, tmp_path, monkeypatch)
    assert bad.folder.name.replace("-", "\\-") in at.error[0].value
    assert at.session_state[CHOSEN] == [f"mnist/{good.folder.name}"]
    assert charts(at) == 4


def test_broken_losses_are_told_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_sample(tmp_path, "mnist")
    (run.folder / "predictions" / "retrain-0.npz").write_bytes(b"no arrays")
    at = opened(PAGE, tmp_path, monkeypatch)
    at.session_state["run_members"] = True
    at.run()
    assert "Delete the file" in at.error[0].value
    assert charts(at) == 5


def test_two_runs_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write_sample(tmp_path, "mnist", epochs=4)
    other = write_sample(tmp_path, "cifar10", epochs=6)
    at = opened(PAGE, tmp_path, monkeypatch)
    keys = [f"{run.folder.parent.name}/{run.folder.name}" for run in (one, other)]
    at.multiselect[0].set_value(keys).run()
    assert "Side by side" in words(at)
    differing = table_with(at, "setting").set_index("setting")
    assert differing.loc["unlearn_epochs"].tolist() == ["4", "6"]
    assert "batch_size" not in differing.index
    figures = [json.loads(figure.proto.spec) for figure in at.get("plotly_chart")]
    assert len(figures) == 7
    ranges = [figure["layout"]["xaxis"]["range"] for figure in figures[1:]]
    assert ranges == [ranges[0]] * 6
    assert ranges[0][1] > 6
    losses = [figure["layout"]["yaxis"]["range"] for figure in figures[-2:]]
    assert losses[0] == losses[1]
    assert len(at.get("download_button")) == 6


def test_nothing_chosen_and_a_chosen_run_that_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    one, other = write_sample(tmp_path, "mnist"), write_sample(tmp_path, "digits")
    at = opened(PAGE, tmp_path, monkeypatch)
    at.multiselect[0].set_value([]).run()
    assert not at.exception
    assert charts(at) == 0
    at.multiselect[0].set_value([f"digits/{other.folder.name}"]).run()
    shutil.rmtree(other.folder)
    at.run()
    assert at.multiselect[0].value == []
    assert at.multiselect[0].options[0].startswith("MNIST")
    assert one.folder.is_dir()


def test_the_zip_holds_all_but_weights_and_says_what_did_not_fit(tmp_path: Path) -> None:
    run = write_sample(tmp_path, "mnist")
    run.save_state("epoch-1", {"step": 1})
    names = zipfile.ZipFile(io.BytesIO(zipped(run.folder))).namelist()
    inside = {name.removeprefix(f"{run.folder.name}/") for name in names}
    assert {"params.json", "metrics.csv", "environment.json", "metrics.json"} <= inside
    assert "predictions/original-0.npz" in inside
    assert not [name for name in inside if name.startswith(("ckpt", "lock"))]
    small = zipfile.ZipFile(io.BytesIO(zipped(run.folder, limit=10_000)))
    assert sum(info.file_size for info in small.infolist()) < 12_000
    assert b"original-0.npz" in small.read(f"{run.folder.name}/LEFT_OUT.txt")


def test_names_stay_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_sample(tmp_path, "mnist")
    params = {**run.params, "what": "**a** [b](http://c)"}
    (run.folder / "params.json").write_text(json.dumps(params))
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "\\*\\*a\\*\\* \\[b\\]" in at.header[0].value

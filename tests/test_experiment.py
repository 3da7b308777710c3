"""An experiment from its script to its folder, whole, killed and resumed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sample_runs import write_sample

from forget.data.load import load_images
from forget.data.partition import by_class
from forget.judgement import watched
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.statistics import ClassSums, Statistics
from forget.metrics.membership import loss_attack, nomus
from forget.models.classifier import build
from forget.recipe import logits_of
from forget.runs.run import Run, Status
from forget.unlearn_cli import main
from unlearn_mnist import DEFAULTS

ROOT = Path(__file__).parents[1]
QUICK = ["--offline", "--train-epochs=2", "--unlearn-epochs=1", "--device=cpu"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on the bundled digits."""
    root = tmp_path_factory.mktemp("logs")
    assert main(DEFAULTS, [*QUICK, f"--log-dir={root}"]) == 0
    (folder,) = root.glob("digits/*")
    return Run.open(folder)


def numbers(run: Run) -> pd.DataFrame:
    """All that was measured but the clock."""
    table = run.table()
    keys = ["seed", "method", "epoch", "split", "metric"]
    return table[table["metric"] != "seconds"].sort_values(keys).reset_index(drop=True)


def test_a_run_holds_what_its_readers_expect(whole: Run) -> None:
    assert whole.status is Status.FINISHED
    files = {str(path.relative_to(whole.folder)) for path in whole.folder.rglob("*.*")}
    names = [f"{method}-0" for method in ("original", "retrain", "kl_uniform", "finetune")]
    assert {f"ckpt/{name}.pt" for name in names} <= files
    assert {"ckpt/epoch-0.pt", "ckpt/epoch-1.pt", "metrics.json", "guarantees.json"} <= files
    assert not [name for name in files if "partial" in name]
    assert whole.params["forget_class"] == ["5", "7"]
    assert whole.params["sizes"]["forget"] + whole.params["sizes"]["retain"] == 1437
    assert set(whole.environment["seconds"]) >= {"original seed 0", "subtract seed 0"}


def test_the_curves_start_before_and_have_a_value_for_each_class(whole: Run) -> None:
    curves = json.loads((whole.folder / "metrics.json").read_text())
    assert set(curves) == {
        f"{s}_{m}" for s in ("forget", "retain", "val") for m in ("loss", "acc")
    }
    assert all(len(values) == 2 for values in curves.values())
    before, _ = curves["val_acc"]
    assert len(before) == 10
    assert curves["forget_acc"][0][0] is None  # no 0 among the images to forget
    table = whole.table()
    mine = table[(table["method"] == "kl_uniform") & (table["epoch"] == 0)]
    shown = mine[(mine["split"] == "test") & (mine["metric"] == "accuracy: 3")]["value"].item()
    assert shown == pytest.approx(before[3])


def test_every_number_follows_from_the_saved_models(whole: Run) -> None:
    data = load_images("digits")
    split = by_class(data, ["5", "7"])
    table = whole.table()
    for method in ("original", "retrain", "kl_uniform", "finetune"):
        state = whole.load_state(f"{method}-0")
        network = build(whole.params["network"], state).eval()
        kept = whole.predictions(method, 0)
        mine = table[table["method"] == method]
        last = mine[mine["epoch"] == mine["epoch"].max()].set_index(["split", "metric"])["value"]
        for name, indices in split.sets.items():
            logits = logits_of(network, data, indices)
            right = logits.argmax(1) == data.labels[indices]
            assert last[name, "accuracy"] == pytest.approx(right.mean())
            assert kept[name].tolist() == indices.tolist()
            assert kept[f"{name}_probability"].argmax(1).tolist() == logits.argmax(1).tolist()
            loss = torch.nn.functional.cross_entropy(
                torch.from_numpy(logits), torch.from_numpy(data.labels[indices]), reduction="none"
            )
            assert kept[f"{name}_loss"] == pytest.approx(loss.numpy(), abs=1e-4)
        attack = loss_attack(kept["forget_loss"].astype(float), kept["unseen_loss"].astype(float))
        assert last["", "mia"] == pytest.approx(attack.accuracy, abs=0.02)
        score = nomus(last["test", "accuracy"], last["", "mia"])
        assert last["", "nomus"] == pytest.approx(score)


def test_the_proof_of_the_subtraction_is_kept(whole: Run) -> None:
    promises = json.loads((whole.folder / "guarantees.json").read_text())
    mine = promises["subtract-0"]
    assert mine["digest"] == mine["digest summed afresh"]
    assert len(mine["digest"]) == 64
    assert (mine["kind"], mine["scope"]) == ("exact", "readout")
    assert promises["kl_uniform-0"]["kind"] == "none"


def test_another_run_gives_the_same_numbers(whole: Run, tmp_path: Path) -> None:
    assert main(DEFAULTS, [*QUICK, f"--log-dir={tmp_path}"]) == 0
    (folder,) = tmp_path.glob("digits/*")
    pd.testing.assert_frame_equal(numbers(Run.open(folder)), numbers(whole))


# Moments to kill at, as the progress bar writes them.
MOMENTS = ("original (seed 0)", "retrain (seed 0)", "kl_uniform (seed 0)", "finetune (seed 0)")


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_is_marked_and_resumes_to_the_same_numbers(
    moment: str, whole: Run, tmp_path: Path
) -> None:
    command = [sys.executable, "unlearn_mnist.py", *QUICK, f"--log-dir={tmp_path}"]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
    )
    seen = ""
    while moment not in seen:
        seen += process.stderr.read(16)
    if moment != MOMENTS[-1]:  # which is over soon
        time.sleep(np.random.default_rng(len(moment)).uniform(0, 0.5))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (folder,) = tmp_path.glob("digits/*")
    run = Run.open(folder)
    assert run.status is Status.UNFINISHED
    assert set(run.table().columns) == {"seed", "method", "epoch", "split", "metric", "value"}
    for path in (folder / "ckpt").glob("[!.]*.pt"):
        assert run.load_state(path.stem)
    assert main(DEFAULTS, [f"--resume={folder}"]) == 0
    assert run.status is Status.FINISHED
    pd.testing.assert_frame_equal(numbers(run), numbers(whole))


def test_an_interrupted_stage_goes_on(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without another process: the run stops after an epoch of each stage."""
    calls = {"n": 0}
    save = Run.save_state

    def failing(self: Run, name: str, state: dict) -> None:
        save(self, name, state)
        calls["n"] += 1
        if calls["n"] in (1, 4, 8, 11):
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save_state", failing)
    arguments = [*QUICK, f"--log-dir={tmp_path}"]
    codes = []
    for _ in range(6):
        codes.append(main(DEFAULTS, arguments))
        (folder,) = tmp_path.glob("digits/*")
        arguments = [f"--resume={folder}"]
    assert codes[:4] == [130] * 4
    assert codes[-1] == 0
    pd.testing.assert_frame_equal(numbers(Run.open(folder)), numbers(whole))


def test_a_finished_run_is_only_shown_and_wrong_scripts_are_told(
    whole: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEFAULTS, [f"--resume={whole.folder}"]) == 0
    assert "This run is finished" in capsys.readouterr().out
    run = write_sample(tmp_path, "mufac", "training")
    assert main(DEFAULTS, [f"--resume={run.folder}"]) == 2
    assert "a run that this script started" in capsys.readouterr().err


def test_runs_on_other_data_are_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("forget.experiment.fit", stop)
        assert main(DEFAULTS, [*QUICK, f"--log-dir={tmp_path}"]) == 130
    (folder,) = tmp_path.glob("digits/*")
    data = load_images("digits")
    images = data.images.copy()
    images[3] = 0
    monkeypatch.setattr(
        "forget.unlearn_setup.load_images", lambda *_: replace(data, images=images)
    )
    assert main(DEFAULTS, [f"--resume={folder}"]) == 2
    assert "the images that the run began with" in capsys.readouterr().err


def test_paths_of_a_run_are_kept_and_weights_can_be_taken_over(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = whole.folder / "ckpt" / "original-0.pt"
    arguments = [*QUICK, f"--weights={weights}", "--methods=subtract", f"--log-dir={tmp_path}"]
    save = Run.save_predictions

    def interrupted(self: Run, method: str, seed: int, arrays: dict) -> None:
        save(self, method, seed, arrays)
        if method == "original":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_predictions", interrupted)
        assert main(DEFAULTS, arguments) == 130
    (folder,) = tmp_path.glob("digits/*")
    assert main(DEFAULTS, [f"--resume={folder}"]) == 0
    run = Run.open(folder)
    mine, theirs = run.predictions("original", 0), whole.predictions("original", 0)
    assert np.array_equal(mine["test_loss"], theirs["test_loss"])
    assert "training data unknown" in run.guarantees["subtract-0"]["reason"]
    assert "another way" in run.guarantees["retrain-0"]["caveat"]
    seconds = run.table().query("method == 'original' and metric == 'seconds'")["value"]
    assert seconds.isna().all()
    curves = json.loads((folder / "metrics.json").read_text())  # of the only method there is
    assert len(curves["val_loss"]) == 2


def test_the_sums_that_were_kept_have_the_digest_that_was_promised(whole: Run) -> None:
    state = whole.load_state("subtract-0")
    network = build(whole.params["network"], whole.load_state("original-0"))
    names = [name for name in state["classes"]]
    sums = {
        name: ClassSums(name, int(count), total.numpy())
        for name, count, total in zip(names, state["counts"], state["sums"], strict=True)
    }
    space = ClassifierFeatures(network, None).space
    gram = state["gram"].numpy()
    digest = Statistics(space, gram, sums, np.zeros((len(gram), 0), np.int64)).digest()
    assert digest == whole.guarantees["subtract-0"]["digest"]
    assert "5" not in names


def test_several_seeds_differ(tmp_path: Path) -> None:
    arguments = [*QUICK, "--seeds=1,2", "--methods=subtract", f"--log-dir={tmp_path}"]
    assert main(DEFAULTS, arguments) == 0
    (folder,) = tmp_path.glob("digits/*")
    table = Run.open(folder).table()
    test = table[(table["split"] == "test") & (table["metric"] == "loss")]
    last = test[(test["method"] == "original") & (test["epoch"] == 2)]
    assert set(last["seed"]) == {1, 2}
    assert last["value"].nunique() == 2
    assert set(table["method"]) == {"original", "retrain", "subtract"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--offline", "--forget-classes=5,eleven"], "0 = 0, 1 = 1"),
        (["--offline", "--forget-classes=0,1,2,3,4,5,6,7,8,9"], "training image to keep"),
        (["--offline", "--forget-people=anna"], "names nobody"),
        (["--offline", "--methods=magic"], "subtract, kl_uniform, finetune"),
        (["--offline", "--seeds=one"], "as 0,1,2"),
        (["--offline", "--seeds=-1"], "whole numbers from 0"),
        (["--offline", "--data=."], "--offline or --data"),
        (["--offline", "--train-epochs=0"], "at least 1 epoch"),
        (["--offline", "--no-forget-step", "--no-retain-step"], "neither"),
        (["--offline", "--no-forget-step", "--methods=finetune"], "add kl_uniform"),
        (["--offline", "--device=abacus"], "a device that is there"),
        (["--offline", "--train", "--weights=x.pt"], "both"),
        (["--resume=nowhere"], "a folder of a run"),
        (["--data=nowhere"], "download mnist"),
    ],
)
def test_what_cannot_be_run_is_told(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEFAULTS, [*arguments, f"--log-dir={tmp_path}"]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", ["unlearn_mnist.py", "unlearn_cifar.py", "unlearn_mufac.py"])
def test_help_names_every_default(script: str) -> None:
    shown = subprocess.run(
        [sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in ("--forget-classes", "--methods", "--seeds", "--resume", "--weights"):
        assert option in shown
    assert re.search(r"--train-epochs \w+\s+.*default: \d+", shown, re.S)


def test_large_sets_are_sampled_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unseen images are test images too: they must not count twice among the test's sample."""
    monkeypatch.setattr("forget.judgement.WATCHED", 30)
    split = by_class(load_images("digits"), ["5", "7"])
    network = build({"architecture": "convnet", "classes": 10, "channels": 1, "side": 8})
    one, other = (watched(network, split, list(split.sets), torch.device("cpu")) for _ in "ab")
    for name, (indices, judged) in one.sets.items():
        assert len(indices) == len(judged.labels) == min(30, len(split.sets[name]))
        assert indices.tolist() == other.sets[name][0].tolist()
        assert set(indices) <= set(split.sets[name])


@pytest.mark.slow
def test_two_processes_train_together_and_one_writes(whole: Run, tmp_path: Path) -> None:
    """On two devices every process takes half of each batch; here both are on the processor."""
    command = [sys.executable, "unlearn_mnist.py", *QUICK, "--devices=2", f"--log-dir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    (folder,) = tmp_path.glob("digits/*")
    run = Run.open(folder)
    assert run.status is Status.FINISHED
    assert done.stdout.count("Writing to") == 1
    wanted, found = numbers(whole), numbers(run)
    assert len(found) == len(wanted)
    wanted, found = (
        one.set_index(["method", "split", "metric", "epoch"]) for one in (wanted, found)
    )
    for method in ("original", "retrain"):
        key = (method, "test", "accuracy", 2)
        assert found.loc[key, "value"] == pytest.approx(wanted.loc[key, "value"], abs=0.1)

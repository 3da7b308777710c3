"""The scripts of a study, one after the other, as somebody would run them."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from forget.commands import ended
from forget.errors import ForgetError
from forget.linear.proof import verify_file
from scripts import compare_methods, evaluate, quick_start, run_unlearning, train_linearizer

CONFIG = ["--config", str(Path(__file__).parents[2] / "config.yaml")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the demo data, trained."""
    made = tmp_path_factory.mktemp("study")
    assert train_linearizer.main([*CONFIG, *places(made)]) == 0
    return made


def places(folder: Path) -> list[str]:
    return [
        *("--linearizer.checkpoint_dir", str(folder / "linear")),
        *("--evaluation.results_dir", str(folder / "results")),
    ]


def results(path: Path) -> dict:
    content = json.loads(path.read_text())
    assert content["settings"]["data"]["root_dir"] == "orl"
    assert content["environment"]["versions"]["torch"]
    return content["results"]


def test_training_leaves_a_model_and_what_it_was_made_with(folder: Path) -> None:
    found = results(folder / "linear" / "linearizer.json")
    assert found["people"] == 40
    assert found["identified"] > 0.9
    assert verify_file(folder / "linear" / "linearizer.safetensors").digest == found["digest"]


def test_a_linearizer_says_what_its_grid_clipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("--linearizer.kind", "linearizer", "--linearizer.num_epochs", "1")
    assert train_linearizer.main([*CONFIG, *places(tmp_path), *keys]) == 0
    clipped = results(tmp_path / "linear" / "linearizer.json")["clipped"]
    assert set(clipped) == {"latents", "targets"}
    assert all(0 <= share <= 1 for share in clipped.values())
    assert f"{clipped['targets']:.2%} of the targets" in capsys.readouterr().out


def test_forgetting_reads_it_and_proves(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_unlearning.main([*CONFIG, *places(folder), "--identity-ids", "s34", "0"]) == 0
    said = capsys.readouterr().out
    assert "Forgotten by subtract: s01, s34" in said
    assert "Proof holds" in said
    found = results(folder / "results" / "unlearning_results.json")
    assert found["forgotten"] == ["s01", "s34"]
    assert found["guarantee"]["scope"] == "readout"  # s01 trained the network
    proof = verify_file(folder / "results" / "unlearned.safetensors")
    assert proof.holds
    assert proof.digest == found["proof"]["digest_after_subtraction"]


def test_older_names_and_other_folders_are_taken(folder: Path, tmp_path: Path) -> None:
    more = ["--method", "orthogonal_projection", "--output-dir", str(tmp_path)]
    assert run_unlearning.main([*CONFIG, *places(folder), *more]) == 0
    assert results(tmp_path / "unlearning_results.json")["suppressed"] == ["s34"]


def test_evaluation_judges_network_and_linear_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([*CONFIG, *places(folder)]) == 0
    own = results(folder / "results" / "evaluation_original.json")["held_out"]
    linear = results(folder / "results" / "evaluation_linearized.json")["held_out"]
    assert own["genuine [pairs]"] == linear["genuine [pairs]"] == 120
    assert 0 <= linear["equal error rate [share]"] <= own["equal error rate [share]"] < 0.2
    assert (folder / "results" / "roc_held_out.html").is_file()
    said = capsys.readouterr().out
    assert "held_out    linearized" in said
    assert "held_out, original: " in said  # so few pairs tell no small rate, and that is said


def test_a_quick_start_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert quick_start.main([*CONFIG, "--try"]) == 0
    said = capsys.readouterr().out
    assert "ok    network: embedder, 128 numbers, 20 people" in said
    assert "Proof holds" in said
    assert said.endswith("Ready.\n")


def test_a_quick_start_says_all_that_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = ["--data.root_dir", str(tmp_path / "no"), "--unlearning.method", "magic"]
    assert quick_start.main([*CONFIG, *wrong]) == 1
    said = capsys.readouterr().out
    assert said.count("FAILS") == 3
    assert "FAILS photographs" in said
    assert "ok    network" in said
    assert "3 to repair" in said


@pytest.mark.parametrize(
    ("script", "said", "told"),
    [
        (run_unlearning, ["--linearizer-checkpoint", "/nowhere"], "nothing at /nowhere"),
        (run_unlearning, ["--unlearning.method", "magic"], "unlearning.method: one of"),
        (evaluate, ["--datasets", "lfw"], "a path of lfw"),
        (evaluate, ["--datasets", "imagenet"], "sets of lfw"),
        (compare_methods, ["--linearizer-checkpoint", "/nowhere"], "nothing at /nowhere"),
        (train_linearizer, ["--linearizer.kind", "cubic"], "linearizer.kind: one of"),
        (train_linearizer, ["--data.root_dir", "/nowhere"], "/nowhere"),
    ],
)
def test_what_cannot_be_done_is_told(
    script: object, said: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = [*CONFIG, *places(folder), *said]
    assert ended(lambda: script.main(whole)) == 2  # type: ignore[attr-defined]
    assert told in capsys.readouterr().err
    with pytest.raises(ForgetError):
        script.main(whole)  # type: ignore[attr-defined]


def test_somebody_who_is_not_there_is_told_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = [*CONFIG, *places(folder), "--identity-ids", "s3x"]
    assert ended(lambda: run_unlearning.main(whole)) == 2
    assert "Nearest ids: s3" in capsys.readouterr().err


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_the_first_one_writes_a_comparison(
    rank: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        compare_methods, "fabric_of", lambda keys: SimpleNamespace(global_rank=rank)
    )
    rows = pd.DataFrame([{"method": "original", "agree": 1.0}])
    monkeypatch.setattr(compare_methods, "compare_study", lambda *_: rows)
    said = [*CONFIG, *places(folder), "--output-dir", str(tmp_path / "written")]
    assert compare_methods.main(said) == 0
    assert (tmp_path / "written").exists() == (rank == 0)

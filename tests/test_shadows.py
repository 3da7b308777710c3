"""Attacks by worlds with and without, on contenders about which the truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forget import networks as networks_module
from forget.__main__ import main
from forget.compare_cli import worlds_digest
from forget.contenders import contenders
from forget.data.partition import Partition, by_index
from forget.errors import ForgetError
from forget.problems import Problem, load_problem
from forget.progress import Cancelled
from forget.recipe import Recipe
from forget.shadows import Shadow, attack_shadows, cast_shadows, summary
from forget.training import accelerate

pytestmark = pytest.mark.slow
NAMES = ["original", "retrain", "subtract_forget_ready"]
PAIRS = 4


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Two hundred digits, trained on until they are known by heart."""
    whole = load_problem("digits")
    data = replace(whole.data, parts={**whole.data.parts, "train": whole.data.train[:240]})
    return replace(whole, data=data, recipe=Recipe(epochs=25, batch=16))


@pytest.fixture(scope="module")
def split(problem: Problem) -> Partition:
    """Of which forty are to be forgotten, and are known under wrong names."""
    forget = problem.data.train[:40]
    labels = problem.data.labels.copy()
    labels[forget] = (labels[forget] + 3) % 10
    return by_index(replace(problem.data, labels=labels), forget, "forty digits")


@pytest.fixture(scope="module")
def shadows(
    problem: Problem, split: Partition, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Shadow]]:
    """Four pairs."""
    folder = tmp_path_factory.mktemp("shadows")
    return cast_shadows(problem, split, contenders(NAMES), PAIRS, accelerate("cpu"), folder)


def test_known_truths(shadows: dict[str, list[Shadow]]) -> None:
    table = summary(shadows).set_index("method")
    for name in ("retrain", "subtract_forget_ready"):  # equal bit for bit to the world without
        assert all((one.learned == one.never).all() for one in shadows[name])
        assert table.loc[name, "auc"] == 0.5
        assert table.loc[name, "published"] == table.loc[name, "published, never learned"]
    assert table.loc["original", "auc"] > 0.85
    assert table.loc["original", "low"] <= table.loc["original", "auc"]
    assert (table["pairs"] == PAIRS).all()


def test_half_removal_lies_in_between(shadows: dict[str, list[Shadow]]) -> None:
    half = [
        replace(one, learned=np.where(np.arange(40) % 2, one.never, one.learned))
        for one in shadows["original"]
    ]
    whole = attack_shadows(shadows["original"]).auc
    assert 0.5 < attack_shadows(half).auc < whole


def test_pairs_that_are_there_are_not_made_again(
    problem: Problem, split: Partition, tmp_path: Path
) -> None:
    short = replace(problem, recipe=Recipe(epochs=1, batch=64))
    wanted, fabric = contenders(["original"]), accelerate("cpu")

    def stop(done: int, total: int, note: str = "") -> None:
        if note.startswith("pair 3"):
            raise Cancelled

    with pytest.raises(Cancelled):
        cast_shadows(short, split, wanted, 3, fabric, tmp_path, on_step=stop)
    assert len(list(tmp_path.iterdir())) == 2
    kept = (tmp_path / "original-0.npz").read_bytes()
    found = cast_shadows(short, split, wanted, 3, fabric, tmp_path)
    assert len(found["original"]) == 3
    assert (tmp_path / "original-0.npz").read_bytes() == kept
    (tmp_path / "original-0.npz").write_bytes(b"no pair")
    with pytest.raises(ForgetError, match="Delete it"):
        cast_shadows(short, split, wanted, 3, fabric, tmp_path)
    with pytest.raises(ForgetError, match="at least 3"):
        cast_shadows(short, split, wanted, 2, fabric, tmp_path)


def test_a_model_that_broke_is_said_to_have(shadows: dict[str, list[Shadow]]) -> None:
    nothing = np.full(40, np.nan)
    broken = [replace(one, learned=nothing) for one in shadows["original"]]
    (row,) = summary({"original": broken}).to_dict("records")
    assert "auc" not in row and row["pairs"] == PAIRS


def test_worlds_of_other_images_labels_or_trainings_are_kept_elsewhere(
    problem: Problem, split: Partition
) -> None:
    images = split.data.images.copy()
    images[split.retain[0]] = 0
    others = [
        (problem, split),
        (problem, by_index(problem.data, split.forget, "right labels")),
        (problem, replace(split, data=replace(split.data, images=images))),
        (problem, replace(split, unseen=split.unseen[1:])),
        (replace(problem, recipe=Recipe(epochs=3)), split),
    ]
    assert len({worlds_digest(*one) for one in others}) == len(others)
    assert worlds_digest(problem, split) == worlds_digest(problem, split)


def test_the_command_prints_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(networks_module, "KEPT", tmp_path / "networks")
    command = ["shadows", "digits", "--first", "30", "--methods", "retrain"]
    assert main([*command, "--pairs", "2"]) == 2
    assert "at least 3" in capsys.readouterr().err
    assert main([*command, "--pairs", "3", "--out", "table.csv"]) == 0
    assert "| `retrain` | 0.500 |" in capsys.readouterr().out
    assert (tmp_path / "table.csv").read_text().startswith("method,auc,")

"""python -m forget."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from forget.__main__ import main
from forget.linear.archive import save_model, without_store
from forget.linear.model import LinearModel


def test_help_names_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forget", "--help"], capture_output=True, text=True, check=True
    )
    assert "verify" in done.stdout


def test_verify_prints_both_digests(
    model: LinearModel, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    save_model(model, tmp_path / "m.safetensors")
    assert main(["verify", str(tmp_path / "m.safetensors")]) == 0
    assert capsys.readouterr().out.count(model.statistics.digest()) == 2


def test_verify_fails_when_the_sums_differ(
    model: LinearModel, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    gram = model.statistics.gram.copy()
    gram[0, 0] += 1
    bent = replace(model, statistics=replace(model.statistics, gram=gram))
    save_model(bent, tmp_path / "m.safetensors")
    assert main(["verify", str(tmp_path / "m.safetensors")]) == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_errors_are_told_on_standard_error(
    model: LinearModel, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    save_model(without_store(model), tmp_path / "m.safetensors")
    for name in ("m.safetensors", "absent.safetensors"):
        assert main(["verify", str(tmp_path / name)]) == 2
        assert "error: Expected" in capsys.readouterr().err

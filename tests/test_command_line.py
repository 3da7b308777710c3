"""python -m forget."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from data.loopback import File, Loopback, loopback

from forget import __main__
from forget.__main__ import main
from forget.linear.archive import save_model, without_store
from forget.linear.model import LinearModel


def test_help_names_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forget", "--help"], capture_output=True, text=True, check=True
    )
    assert "verify" in done.stdout and "download" in done.stdout


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Yields a mirror of MUFAC with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part in ("train", "val", "test"):
            archive.writestr(f"custom_{part}_dataset.csv", "family_id")
            archive.writestr(f"{part}_images/1.jpg", bytes(300_000))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback() as running:
        monkeypatch.setenv("FORGET_MIRROR_MUFAC", running.url("/"))
        running.files["/mufac.zip"] = File(out.getvalue())
        yield running


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_download_says_where_it_lies_and_is_quiet_without_a_terminal(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for _ in range(2):
        assert main(["download", "mufac", "--to", str(tmp_path)]) == 0
        assert capsys.readouterr() == (f"mufac lies in {tmp_path / 'mufac'}\n", "")
    assert len(server.asked) == 1


def test_download_draws_bytes_rate_and_time_left_on_a_terminal(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert main(["download", "mufac", "--to", str(tmp_path)]) == 0
    drawn = screen.getvalue()
    assert "Downloading mufac.zip" in drawn and "Unpacking mufac.zip" in drawn
    assert "901k/901k" in drawn and "B/s" in drawn


def test_download_tells_the_manual_step(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    server.files["/mufac.zip"] = File(b"<html><title>Sign in</title>", kind="text/html")
    assert main(["download", "mufac", "--to", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "asks to sign in" in told and f"save the file as {tmp_path / 'mufac.zip'}" in told


def test_an_interrupted_download_ends_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "download", interrupted)
    assert main(["download", "mufac", "--to", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"


def test_help_of_download_lists_sizes_and_licences(capsys: pytest.CaptureFixture) -> None:
    for arguments in (["download", "--help"], ["download"], ["download", "faces"]):
        with pytest.raises(SystemExit):
            main(arguments)
    out, err = capsys.readouterr()
    for word in ("mufac", "weights", "mnist", "cifar10", "lfw", "115 MB", "CC BY-SA", "research"):
        assert word in out
    assert "NAME" in err and "invalid choice: 'faces'" in err

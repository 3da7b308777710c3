"""The README's table comes from the committed CSV, and the CSV from runs."""

from pathlib import Path

import pandas as pd
import pytest
from sample_runs import write_sample

from scripts import results

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_readme_shows_the_committed_results() -> None:
    _, rest = README.split("<!-- results: python -m scripts.results -->\n")
    shown, _ = rest.split("\n<!-- end of results -->")
    assert shown == results.markdown(results.read())


def test_runs_are_taken_in_and_replace_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(results, "CSV", tmp_path / "results.csv")
    run = write_sample(tmp_path, "mnist", "finished", seeds=(0, 1))
    assert results.main([str(run.folder)]) == 0
    once = results.CSV.read_text()
    shown = capsys.readouterr().out
    table = run.table()
    mine = table[(table["method"] == "retrain") & (table["split"] == "test")]
    mine = mine[(mine["metric"] == "accuracy") & (mine["epoch"] == mine["epoch"].max())]
    assert f"{mine['value'].mean():.3f}" in shown
    assert "2 seeds" in shown
    assert results.main([str(run.folder)]) == 0
    assert results.CSV.read_text() == once
    assert set(pd.read_csv(results.CSV)["method"]) >= {"original", "retrain"}


def test_unfinished_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_sample(tmp_path, "mnist", "training")
    assert results.main([str(run.folder)]) == 2
    assert "finished" in capsys.readouterr().err

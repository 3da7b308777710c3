"""The page of comparisons comes from the committed rows."""

from pathlib import Path

import pandas as pd
import pytest

from forget.comparison import Comparison
from forget.metrics.published import PUBLISHED_MUFAC
from forget.problems import PROBLEMS
from scripts import comparisons


def test_the_page_shows_the_committed_rows() -> None:
    shown = comparisons.PAGE.read_text()
    assert shown == comparisons.page(shown)


def test_other_rows_make_another_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = comparisons.ROWS.glob("digits.csv")
    rows = pd.read_csv(path)
    rows["forget"] = 0.123
    rows.to_csv(tmp_path / "digits-few.csv", index=False)
    monkeypatch.setattr(comparisons, "ROWS", tmp_path)
    monkeypatch.setattr(comparisons, "PAGE", tmp_path / "page.md")
    comparisons.PAGE.write_text(f"a\n{comparisons.BEGIN}old{comparisons.END}\nb\n")
    assert comparisons.main(["--write"]) == 0
    shown = comparisons.PAGE.read_text()
    assert "0.123" in shown
    assert "small digits**, forgetting all of 5, 3 seeds" in shown
    assert shown.startswith("a\n")
    assert shown.endswith("b\n")


@pytest.mark.parametrize(
    "path", sorted(comparisons.ROWS.glob("*.csv")), ids=lambda path: path.stem
)
def test_subtraction_has_no_gap_to_its_refit_in_any_committed_row(path: Path) -> None:
    table = Comparison.load(path).table
    mine = table[table["method"].str.startswith("subtract")]
    assert len(mine)
    assert (mine["gap to the refit"] == 0).all()
    assert path.stem.split("-")[0] in PROBLEMS


def test_published_rows_stand_beside_those_of_the_same_method() -> None:
    rows = [
        {"method": one.ours, "test": 1 - one.test, "mia": 0.5 - one.mia_gap, "nomus": one.nomus}
        for one in PUBLISHED_MUFAC
        if one.ours
    ]
    shown = comparisons.published(Comparison(pd.DataFrame(rows)))
    assert "| SCRUB | 0.598 | 0.141 | 0.658 | `scrub` | 0.402 | 0.141 | 0.658 |" in shown
    assert "| UNSIR-1 | 0.589 | 0.209 | 0.586 |  |  |  |  |" in shown
    accuracy, attack = shown.splitlines()[-1].split(" By ")
    assert "tau -1.00" in accuracy and "tau 1.00" in attack
    assert "published: `finetune` > `scrub`" in accuracy
    few = comparisons.published(Comparison(pd.DataFrame(rows[:2])))
    assert "tau" not in few

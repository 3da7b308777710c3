"""The page of comparisons comes from the committed rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forget.comparison_table import Comparison
from forget.metrics.published import PUBLISHED_MUFAC
from scripts import comparisons, pages, shadow_tables

PAGES = {"comparisons": comparisons, "shadow_tables": shadow_tables}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_the_committed_rows(name: str) -> None:
    page = PAGES[name].PAGE
    shown = page.path.read_text()
    assert shown == page.renewed(shown)
    assert page.tables() in shown


def test_other_rows_make_another_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = comparisons.ROWS.glob("digits.csv")
    rows = pd.read_csv(path)
    rows["forget"] = 0.123
    rows.to_csv(tmp_path / "digits-few.csv", index=False)
    monkeypatch.setattr(comparisons, "ROWS", tmp_path)
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    page = comparisons.PAGE
    page.path.write_text(f"a\n{page.begin}old{pages.END}\nb\n")
    assert pages.main(page, "", ["--write"]) == 0
    shown = page.path.read_text()
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


def test_rows_belong_to_the_problem_with_the_longest_name(tmp_path: Path) -> None:
    for name in ("mufac-128", "orl-two", "mufac", "digits", "mufac-few", "digitses"):
        (tmp_path / f"{name}.csv").touch()
    found = [(name, path.stem) for name, path in pages.rows_by_problem(tmp_path)]
    assert found == [
        ("orl", "orl-two"),
        ("digits", "digits"),
        ("mufac", "mufac"),
        ("mufac", "mufac-few"),
        ("mufac-128", "mufac-128"),
    ]


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


def test_what_two_attacks_disagree_about_is_named() -> None:
    rows = [  # method, area, interval, published attack on it, and on models that never learned
        ("retrain", 0.5, 0.5, 0.5, 0.55, 0.55),
        ("hidden", 0.8, 0.7, 0.9, 0.51, 0.55),
        ("honest", 0.5, 0.4, 0.6, 0.55, 0.55),
        ("left", 0.9, 0.8, 0.95, 0.70, 0.55),
    ]
    names = ["method", "auc", "low", "high", "published", "published, never learned"]
    said = shadow_tables.disagreement(pd.DataFrame(rows, columns=names))
    assert "the 3 methods" in said
    assert "excludes ½) where the published attack is within 0.02 of guessing: `hidden`." in said
    assert "further from guessing: `honest`." in said
    broke = pd.DataFrame([(*rows[1][:1], np.nan, np.nan, np.nan, 0.5, 0.5), *rows], columns=names)
    assert shadow_tables.disagreement(broke) == said

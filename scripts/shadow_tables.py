"""Makes the tables of U-LiRA in docs/audit.md from benchmarks/shadows/*.csv.

python -m forget shadows digits --first 100 --out benchmarks/shadows/digits.csv   # rows
python -m scripts.shadow_tables --write                                           # tables
"""

import sys
from pathlib import Path

import pandas as pd
from scipy.stats import kendalltau

from forget.compare_cli import shadow_lines
from forget.problems import PROBLEMS
from scripts.pages import Page, main, rows_by_problem

ROWS = Path(__file__).parents[1] / "benchmarks" / "shadows"
NEAR = 0.02  # of one half, or of models that never learned: the published attack says nothing


def tables() -> str:
    """All tables, in the order of the problems."""
    parts = []
    for name, path in rows_by_problem(ROWS):
        table = pd.read_csv(path)
        first = table.iloc[0]
        said = f"**{PROBLEMS[name]}**, forgetting {first['forgotten']} ({first['machine']})"
        parts += [said, shadow_lines(table), disagreement(table)]
    return "\n\n".join(parts)


def disagreement(table: pd.DataFrame) -> str:
    """What the published attack and U-LiRA say differently about methods, in sentences."""
    methods = table[(table["method"] != "retrain") & table["auc"].notna()]
    lira = (methods["auc"] - 0.5).abs()
    half = (methods["published"] - 0.5).abs()
    never = (methods["published"] - methods["published, never learned"]).abs()
    found = (methods["low"] > 0.5) | (methods["high"] < 0.5)
    missed, blamed = (
        [f"`{one}`" for one in methods["method"][rows]]
        for rows in (found & (half < NEAR), ~found & (half >= NEAR))
    )
    parts = [
        f"Over the {len(methods)} methods the distance of U-LiRA from ½ goes with that of the "
        f"published attack from ½ by a Kendall's tau of {_tau(lira, half)}, and with the distance "
        "of the published attack from what it says of models that never learned the images by "
        f"{_tau(lira, never)}."
    ]
    if missed:
        parts.append(
            f"Found by U-LiRA (its interval excludes ½) where the published attack is within "
            f"{NEAR:g} of guessing: {', '.join(missed)}."
        )
    if blamed:
        parts.append(
            "Not found by U-LiRA where the published attack is further from guessing: "
            f"{', '.join(blamed)}."
        )
    return " ".join(parts)


def _tau(one: pd.Series, other: pd.Series) -> str:
    return f"{kendalltau(one, other).statistic:.2f}"


PAGE = Page("audit.md", "python -m scripts.shadow_tables --write", tables)


if __name__ == "__main__":
    sys.exit(main(PAGE, __doc__ or ""))

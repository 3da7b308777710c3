"""Makes the tables of docs/comparison.md from benchmarks/compare/*.csv.

python -m forget compare digits --seeds 0,1,2 --out benchmarks/compare/digits.csv   # rows
python -m scripts.comparisons --write                                               # tables
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scipy.stats import kendalltau

from forget.compare_cli import markdown
from forget.comparison_table import Comparison
from forget.contenders import READY, STANDARD
from forget.metrics.published import PUBLISHED_MUFAC, Published
from forget.problems import MUFAC_SIDES, PROBLEMS
from scripts.pages import Page, main, rows_by_problem

ROWS = Path(__file__).parents[1] / "benchmarks" / "compare"
REFERENCES = ("original", "retrain")


def tables() -> str:
    """All tables, in the order of the problems."""
    parts = []
    for name, path in rows_by_problem(ROWS):
        found = Comparison.load(path)
        forgotten = found.table["forgotten"].iloc[0]
        seeds = len(found.table[["training seed", "unlearning seed"]].drop_duplicates())
        machines = "; ".join(found.table["machine"].unique())
        said = f"**{PROBLEMS[name]}**, forgetting {forgotten}, {seeds} seed{'s' * (seeds != 1)}"
        said = f"{said} ({machines})"
        parts.append(f"{said}\n\n{markdown(found)}\n\n{speed(found)}")
        if name in MUFAC_SIDES and "nomus" in found.table:
            parts.append(published(found))
    return "\n\n".join(parts)


def speed(found: Comparison) -> str:
    """How much longer the methods that edit the network take than subtraction, in a sentence."""
    seconds = found.table.groupby("method")["seconds"].mean()
    ours = seconds[STANDARD]
    others = (seconds / ours).drop([STANDARD, READY, *REFERENCES], errors="ignore")
    return (
        f"`{STANDARD}` takes {ours * 1000:.2g} ms, the others {others.min():,.0f} "
        f"(`{others.idxmin()}`) to {others.max():,.0f} times (`{others.idxmax()}`) as long, "
        f"{(others >= 100).sum()} of {len(others)} a hundred times or more."
    )


def published(found: Comparison) -> str:
    """The benchmark's own rows, which were measured elsewhere, beside those of the same methods.

    Below, both in the order of accuracy and of the attack, and how far the orders agree.
    """
    figures = "test | \\|MIA − ½\\| | NoMUS"
    lines = [
        f"| published, 128 pixels | {figures} | here | {figures} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ours = _nine(found)
    for one in PUBLISHED_MUFAC:
        cells = [one.title, f"{one.test:.3f}", f"{one.mia_gap:.3f}", f"{one.nomus:.3f}"]
        here = ours.get(one.ours)
        cells += (
            ["", "", "", ""] if here is None else [f"`{one.ours}`", *map("{:.3f}".format, here)]
        )
        lines.append("| " + " | ".join(cells) + " |")
    orders = [
        _order(ours, "test accuracy", 0, lambda one: one.test),
        _order(ours, "distance of the attack from ½", 1, lambda one: one.mia_gap),
    ]
    return "\n".join(lines) + "\n\n" + " ".join(filter(None, orders))


def _nine(found: Comparison) -> dict[str, tuple[float, float, float]]:
    """Mean test accuracy, distance of the attack from one half, and NoMUS, by method."""
    table = found.table.assign(distance=(found.table["mia"] - 0.5).abs())
    means = table.groupby("method")[["test", "distance", "nomus"]].mean()
    return {str(name): tuple(row) for name, row in means.iterrows()}


def _order(
    ours: Mapping[str, Sequence[float]], what: str, column: int, of: Callable[[Published], float]
) -> str:
    """The published methods from the highest to the lowest, there and here; and Kendall's tau."""
    both = [one for one in PUBLISHED_MUFAC if one.ours in ours and one.ours not in REFERENCES]
    if len(both) < 3:
        return ""
    here = [ours[one.ours][column] for one in both]
    there = [of(one) for one in both]
    tau = kendalltau(here, there).statistic
    said = [
        " > ".join(f"`{both[k].ours}`" for k in sorted(range(len(both)), key=lambda k: -values[k]))
        for values in (there, here)
    ]
    return f"By {what}, published: {said[0]}; here: {said[1]} (Kendall's tau {tau:.2f})."


PAGE = Page("comparison.md", "python -m scripts.comparisons --write", tables)


if __name__ == "__main__":
    sys.exit(main(PAGE, __doc__ or ""))

"""Makes the tables of docs/comparison.md from benchmarks/compare/*.csv.

python -m forget compare digits --seeds 0,1,2 --out benchmarks/compare/digits.csv   # rows
python -m scripts.comparisons --write                                               # tables
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from forget.compare_cli import markdown
from forget.comparison import Comparison
from forget.contenders import READY, STANDARD
from forget.metrics.published import PUBLISHED_MUFAC
from forget.problems import PROBLEMS

ROWS = Path(__file__).parents[1] / "benchmarks" / "compare"
PAGE = Path(__file__).parents[1] / "docs" / "comparison.md"
BEGIN, END = "<!-- tables: python -m scripts.comparisons --write -->", "<!-- end of tables -->"


def tables() -> str:
    """All tables, in the order of the problems."""
    parts = []
    for name, title in PROBLEMS.items():
        for path in sorted(ROWS.glob(f"{name}*.csv")):
            found = Comparison.load(path)
            seeds = found.table[["training seed", "unlearning seed"]].drop_duplicates()
            what = path.stem.removeprefix(name).strip("-").replace("-", " ")
            said = f"**{title}**{f', {what}' if what else ''}, {len(seeds)} "
            said += "seed" if len(seeds) == 1 else "seeds"
            said += f" ({'; '.join(found.table['machine'].unique())})"
            parts.append(f"{said}\n\n{markdown(found)}\n\n{speed(found)}")
            if path.stem == "mufac":
                parts.append(published())
    return "\n\n".join(parts)


def speed(found: Comparison) -> str:
    """How much longer the methods that edit the network take than subtraction, in a sentence."""
    seconds = found.table.groupby("method")["seconds"].mean()
    ours = seconds[STANDARD]
    others = (seconds / ours).drop([STANDARD, READY, "original", "retrain"], errors="ignore")
    return (
        f"`{STANDARD}` takes {ours * 1000:.2g} ms, the others {others.min():,.0f} "
        f"(`{others.idxmin()}`) to {others.max():,.0f} times (`{others.idxmax()}`) as long, "
        f"{(others >= 100).sum()} of {len(others)} a hundred times or more."
    )


def published() -> str:
    """The benchmark's own rows, which were measured elsewhere."""
    lines = [
        "| published, 128 pixels | here | test | \\|MIA − ½\\| | NoMUS |",
        "|---|---|---|---|---|",
    ]
    for one in PUBLISHED_MUFAC:
        ours = f"`{one.ours}`" if one.ours else ""
        lines.append(f"| {one.title} | {ours} | {one.test} | {one.mia_gap} | {one.nomus} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """A page with the tables of today between the two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(PAGE.read_text()))
    else:
        print(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())

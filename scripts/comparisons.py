"""Makes the README's tables of methods from benchmarks/compare/*.csv.

python -m forget compare mufac --seeds 0,1,2 --out benchmarks/compare/mufac.csv   # rows
python -m scripts.comparisons                                                     # the tables
"""

import sys
from pathlib import Path

from forget.compare_cli import markdown
from forget.comparison import Comparison
from forget.metrics.published import PUBLISHED_MUFAC
from forget.problems import PROBLEMS

ROWS = Path(__file__).parents[1] / "benchmarks" / "compare"


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
            parts.append(f"{said}\n\n{markdown(found)}")
            if path.stem == "mufac":
                parts.append(published())
    return "\n\n".join(parts)


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


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")

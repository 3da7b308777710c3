"""Rows of methods side by side: kept in a file, checked, and gone on with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from forget.data.partition import Partition
from forget.errors import ForgetError
from forget.metrics.report import with_intervals

__all__ = ["KEYS", "Comparison", "kept_rows", "save_csv"]

SEEDS = ["training seed", "unlearning seed"]
KEYS = [*SEEDS, "method"]
WHAT = ["data", "forgotten"]  # the same in all rows of a table
NEEDED = [*WHAT, *KEYS, "guarantee", "scope", "gap", "seconds", "share of retraining"]
HOW = ["recipe", "settings"]  # the same in all rows of a method
_WORDS = ["guarantee", "scope", "machine", *KEYS, *WHAT, *HOW]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rows of a comparison.

    Arguments:
        table: One row per training seed, unlearning seed and method, see `compare_methods`.
    """

    table: pd.DataFrame = field(repr=False)

    @property
    def summary(self) -> pd.DataFrame:
        """Mean and 95 % interval over the seeds, a row per method; no rows without any.

        Networks are what is drawn: several unlearning seeds on one of them count as one, by their
        mean, unless there is no other network. Then the interval is over unlearning alone.
        """
        if not len(self.table):
            return pd.DataFrame(columns=["method", "guarantee", "scope"])
        numbers = [name for name in self.table.columns if name not in _WORDS]
        told = self.table.groupby("method", sort=False)[["guarantee", "scope"]].first()
        drawn = self.table
        if drawn["training seed"].nunique() > 1:
            each = drawn.groupby(["method", "training seed"], sort=False)
            drawn = each[numbers].mean().reset_index()
        return with_intervals(drawn, ["method"], numbers).join(told, on="method")

    def save(self, path: str | Path) -> None:
        """Writes the rows as CSV; replaces the file atomically."""
        save_csv(self.table, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Comparison":
        """Reads what `save` wrote; no rows where there is no file.

        Raises:
            ForgetError: Another kind of file.
        """
        path = Path(path)
        if not path.is_file():
            return cls(pd.DataFrame(columns=[*WHAT, *KEYS]))
        try:
            table = pd.read_csv(path)
            if missing := [name for name in NEEDED if name not in table.columns]:
                got = f"none of {', '.join(missing)}"
                wanted = f"the columns {', '.join(NEEDED)} in {path}"
                raise ForgetError(wanted, got, "Choose another file.")
            words = [name for name in table.columns if name in _WORDS and name not in SEEDS]
            if table[words].isna().any(axis=None):
                raise ValueError(f"an empty cell among {', '.join(words)}")
            table[SEEDS] = table[SEEDS].astype(np.int64)
            numbers = [name for name in table.columns if name not in _WORDS]
            table[numbers] = table[numbers].astype(np.float64)
        except (ValueError, OSError) as error:
            if isinstance(error, ForgetError):
                raise
            raise ForgetError(f"a table in {path}", str(error), "Choose another file.") from error
        return cls(table)


def kept_rows(
    keep: Path | None, split: Partition, made: Mapping[str, Mapping[str, str]]
) -> Comparison:
    """Rows of this forget set that are there already; none without a file.

    Arguments:
        keep: The file.
        split: The images.
        made: How each method is made, see `forget.comparison.how_made`.

    Raises:
        ForgetError: The file holds rows of another one, or of other settings.
    """
    if keep is None:
        return Comparison(pd.DataFrame(columns=[*WHAT, *KEYS]))
    found, wanted = Comparison.load(keep), (split.data.name, split.what)
    others = set(found.table[WHAT].itertuples(index=False, name=None)) - {wanted}
    if others:
        data, forgotten = sorted(others, key=str)[0]
        raise ForgetError(
            f"rows of {wanted[0]}, forgetting {wanted[1]}, in {keep}",
            f"rows of {data}, forgetting {forgotten}",
            "Keep them in another file.",
        )
    for name, wanted_so in made.items():
        mine = found.table[found.table["method"] == name]
        for what, said in wanted_so.items():
            had = set(mine[what]) if what in mine else {"nothing known"} if len(mine) else set()
            if had - {said}:
                raise ForgetError(
                    f"rows of {name} with the {what} {said} in {keep}",
                    f"rows with {', '.join(map(str, sorted(had, key=str)))}",
                    "Keep them in another file.",
                )
    return found


def save_csv(table: pd.DataFrame, path: Path) -> None:
    """Writes a table with six digits; replaces the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    temporary.replace(path)

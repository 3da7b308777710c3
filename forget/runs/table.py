"""The table of a run: one measured value a row, in a CSV file that is replaced as a whole."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from forget.errors import ForgetError
from forget.models.checkpoint import write_bytes

__all__ = ["COLUMNS", "Key", "Row", "as_frame", "merge", "read_rows", "write_rows"]

Key = tuple[int, str, int, str, str]  # all of a row but its value


class Row(NamedTuple):
    """One measured value.

    Arguments:
        seed: Of the training and of the unlearning.
        method: "original", "retrain", or the name of an unlearning method.
        epoch: 0 is before the first.
        split: "train", "forget", "retain", "test", "unseen", or "" for what has no set.
        metric: Such as "loss", "accuracy" or "accuracy: <class>".
        value: What was measured; a value that is not finite is kept as nan.
    """

    seed: int
    method: str
    epoch: int
    split: str
    metric: str
    value: float


COLUMNS = Row._fields


def as_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a table of typed columns, with no line where there are none."""
    types = {"seed": "int64", "method": "str", "epoch": "int64", "split": "str", "metric": "str"}
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype({**types, "value": "float64"})


def merge(lines: dict[Key, str], rows: Iterable[Row]) -> None:
    """Adds rows to lines of CSV, in place; a row about the same thing replaces the older one."""
    for row in rows:
        value = float(row.value)
        key = (int(row.seed), str(row.method), int(row.epoch), str(row.split), str(row.metric))
        text = io.StringIO()
        # With these ends of lines both characters in a name are quoted; the file has plain ones.
        csv.writer(text, lineterminator="\r\n").writerow(
            [*key, value if math.isfinite(value) else "nan"]
        )
        lines[key] = text.getvalue().removesuffix("\r\n") + "\n"


def write_rows(path: Path, lines: Mapping[Key, str]) -> None:
    """Replaces the file: a reader sees the old one or the new one, whole."""
    text = ",".join(COLUMNS) + "\n" + "".join(lines.values())
    write_bytes(path, text.encode("utf-8", "surrogatepass"))


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote.

    Raises:
        ForgetError: The file is not such a table.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogatepass")
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"the columns {', '.join(header)}"[:200])
        return [_row(line) for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise ForgetError(
            f"a table of {', '.join(COLUMNS)} in {path}",
            f"one that cannot be read ({error})",
            "Delete the file, and what it held is lost; or put back a copy of it.",
        ) from error


def _row(line: list[str]) -> Row:
    if len(line) != len(COLUMNS):
        raise ValueError(f"a line of {len(line)} values")
    seed, method, epoch, split, metric, value = line
    return Row(int(seed), method, int(epoch), split, metric, float(value))

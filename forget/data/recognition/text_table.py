"""Large tables of numbers and names in plain text, read at once; an error names its line."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.errors import ForgetError

__all__ = ["MAX_BYTES", "check_text", "read_table"]

MAX_BYTES = 2 * 2**30  # IJB-C lists 15.7 million pairs in 250 MB
SPACES = r"\s+"
AGAIN = "Copy the file again, or correct that line."


def read_table(
    path: Path, columns: Mapping[str, type], separator: str = SPACES
) -> dict[str, NDArray[Any]]:
    r"""Reads a table without a header row; empty lines are left out.

    Arguments:
        path: The file, UTF-8.
        columns: `str` or a NumPy type by name, for each column from the left.
        separator: Between the columns; by default any number of spaces and tabs.

    Returns:
        One array per column, all of one length; names as objects.

    Raises:
        ForgetError: No such file, a row with another number of columns, or a field that is no
            finite number; names the line.
    """
    check_text(path)
    kinds = dict(enumerate(columns.values()))
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=kinds,
            quoting=csv.QUOTE_NONE,
            na_filter=False,
            encoding="utf-8",
            compression=None,  # or a name in .gz would be unpacked, to any size
        )
        if table.shape[1] != len(columns):
            raise ValueError(f"{table.shape[1]} columns")
        found = {name: _column(table[k], kinds[k]) for k, name in enumerate(columns)}
    except MemoryError:
        raise
    except Exception as error:  # the parser raises several kinds, few with a line
        expected = f"{len(columns)} columns ({', '.join(columns)})"
        got = _first_bad_line(path, columns, separator) or str(error)[:200]
        raise ForgetError(expected, f"{path.name}: {got}", AGAIN) from error
    return found


def check_text(path: Path) -> None:
    """Checks that a file is there and of bearable size.

    Raises:
        ForgetError: It is not.
    """
    if not path.is_file():
        raise ForgetError("a text file", f"nothing at {path}", "Check the path.")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ForgetError(f"at most {MAX_BYTES:,} bytes", f"{size:,} in {path.name}", AGAIN)


def _column(values: pd.Series, kind: type) -> NDArray[Any]:
    column = values.to_numpy(dtype=object if kind is str else kind)
    if kind is str and any(not value for value in column):
        raise ValueError("an empty name")
    if kind is not str and not np.isfinite(column).all():
        raise ValueError("a number that is not finite")
    return column


def _first_bad_line(path: Path, columns: Mapping[str, type], separator: str) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.rstrip(b"\r\n").decode("utf-8", errors="replace")
            if not text.strip():
                continue
            fields = text.split() if separator == SPACES else text.split(separator)
            if wrong := _wrong(fields, list(columns.values())):
                return f"{wrong} in line {number:,}"
    return ""


def _wrong(fields: list[str], kinds: list[type]) -> str:
    if len(fields) != len(kinds):
        return f"{len(fields)} columns"
    for value, kind in zip(fields, kinds, strict=True):
        if "\ufffd" in value or not value:
            return "bytes that are no UTF-8" if value else "an empty field"
        try:
            if kind is not str and not np.isfinite(np.array(value).astype(kind)):
                return f"{value[:50]!r}"
        except (ValueError, OverflowError):
            return f"{value[:50]!r}"
    return ""

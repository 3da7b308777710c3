"""The tables of MUFAC: which file shows whom, at what age; every odd row counted, none trusted."""

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import PurePosixPath
from typing import NamedTuple

from forget.data.archives import escapes
from forget.data.entries import Entry
from forget.errors import ForgetError

__all__ = ["AGES", "COLUMNS", "Row", "Told", "find_root", "read_part"]

AGES = {
    "a": "0-6 years old",
    "b": "7-12 years old",
    "c": "13-19 years old",
    "d": "20-30 years old",
    "e": "31-45 years old",
    "f": "46-55 years old",
    "g": "56-66 years old",
    "h": "67-80 years old",
}
COLUMNS = ("family_id", "person_id", "age_class", "image_path")
MAX_TABLE = 20_000_000  # bytes; the largest official one has 326 kB
AGAIN = "Delete the copy and run: python -m forget download mufac"


class Row(NamedTuple):
    """One image of the tables that is there.

    Arguments:
        entry: The file.
        file: Its path, from the folder of the tables.
        person: Family and person, such as "F0001/D".
        label: The index of the age class.
    """

    entry: Entry
    file: str
    person: str
    label: int


class Told:
    """Counts what was odd and remembers an example of each kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, kind: str, example: str) -> None:
        """Counts one case; control characters of the example are left out."""
        self.counts[kind] += 1
        shown = "".join(c for c in example if c.isprintable())[:80]
        self.examples.setdefault(kind, shown)

    @property
    def notes(self) -> list[str]:
        """One line for each kind: how many, what, and the first of them."""
        return [
            f"{count:,} {kind}, such as {self.examples[kind]!r}"
            for kind, count in self.counts.items()
        ]


def find_root(entries: Sequence[Entry], name: str) -> str:
    """The folder of the tables inside a copy: "" or a path that ends in "/".

    Raises:
        ForgetError: No table of the training part is there.
    """
    table = "custom_train_dataset.csv"
    roots = [e.path[: -len(table)] for e in entries if PurePosixPath(e.path).name == table]
    if not roots:
        raise ForgetError(f"{table} in the copy of MUFAC", f"{name}, which has none", AGAIN)
    return min(roots, key=lambda root: root.count("/"))


def read_part(entries: Mapping[str, Entry], root: str, part: str, told: Told) -> list[Row]:
    """The images of one table that are there, in the order of the table, once each.

    A path of the table is only ever looked up among the files of the copy, so one that leads out
    of it finds nothing. Upper and lower case may differ where only one file can be meant.

    Arguments:
        entries: The files of the copy by path.
        root: The folder of the tables.
        part: "train", "val" or "test", as the files are called.
        told: Hears of every odd row and file.

    Raises:
        ForgetError: The table or a column is missing or unreadable, or fewer than half of its
            images are there.
    """
    folder = f"{root}{part}_images/"
    files = {p[len(folder) :]: e for p, e in entries.items() if p.startswith(folder)}
    close = defaultdict(list)
    for name in files:
        close[name.casefold()].append(name)
    rows: dict[str, Row] = {}
    listed = _listed(entries, f"{root}custom_{part}_dataset.csv")
    for fields in listed:
        row = _row(fields, part, files, close, told)
        if row is None:
            continue
        first = rows.setdefault(row.file, row)
        if first is not row:
            same = (first.label, first.person) == (row.label, row.person)
            kind = "repeated rows left out" if same else "rows that contradict an earlier one"
            told.add(kind, row.file)
    for name in files:
        if f"{part}_images/{name}" not in rows:
            told.add("files that no usable row names, left out", f"{part}_images/{name}")
    if len(rows) * 2 < len(listed) or not rows:
        raise ForgetError(
            f"the {len(listed):,} images of custom_{part}_dataset.csv in {part}_images",
            f"{len(rows):,} of them",
            AGAIN,
        )
    return list(rows.values())


def _row(
    fields: Mapping[str, str | None],
    part: str,
    files: Mapping[str, Entry],
    close: Mapping[str, list[str]],
    told: Told,
) -> Row | None:
    values = [(fields.get(column) or "").strip() for column in COLUMNS]
    family, person, age, path = values
    if not all(values) or None in fields:  # csv keeps surplus fields under None
        told.add("malformed rows left out", ",".join(values))
        return None
    if age.lower() not in AGES:
        told.add("rows of an unknown age class left out", f"{path}: {age}")
        return None
    if escapes(path):
        told.add("rows whose path leaves the folder, not followed", path)
        return None
    similar = close.get(path.casefold(), [])
    name = path if path in files else similar[0] if len(similar) == 1 else ""
    if not name:
        told.add("images of the tables are missing", f"{part}_images/{path}")
        return None
    if files[name].refused:
        told.add("files not read because they are links or devices", f"{part}_images/{name}")
        return None
    if name != path:
        told.add("files found under a name in other upper and lower case", name)
    label = list(AGES).index(age.lower())
    return Row(files[name], f"{part}_images/{name}", f"{family}/{person}", label)


def _listed(entries: Mapping[str, Entry], path: str) -> list[dict[str, str | None]]:
    entry = entries.get(path)
    if entry is None or entry.refused:
        raise ForgetError(f"{path} in the copy of MUFAC", "none", AGAIN)
    try:
        data = entry.read()
        if len(data) > MAX_TABLE:
            raise ValueError(f"more than {MAX_TABLE // 10**6} MB")
        table = csv.DictReader(StringIO(data.decode("utf-8-sig"), newline=""))
        table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        rows = list(table)
    except MemoryError:
        raise
    except Exception as error:  # whatever zipfile, csv and the decoder raise on broken bytes
        got = f"{path}: {error or type(error).__name__}"
        raise ForgetError("a table in UTF-8, comma-separated", got, AGAIN) from error
    if missing := [name for name in COLUMNS if name not in table.fieldnames]:
        got = f"no {' and no '.join(missing)}"
        raise ForgetError(f"the columns {', '.join(COLUMNS)} in {path}", got, AGAIN)
    return rows

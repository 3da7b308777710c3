"""What was found in a data set: a table, the groups of twins, and pictures of them."""

import html
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.data.twins.contact_sheet import GROUPS, MEMBERS, contact_sheet
from forget.data.twins.grouping import Numbers

__all__ = ["Hygiene"]

STYLE = (
    "body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}img{max-width:100%}"
)
STYLE += "table{border-collapse:collapse}td,th{padding:.3em .8em;text-align:left}"
STYLE += "td:nth-child(2){text-align:right}"


@dataclass(frozen=True, eq=False)
class Hygiene:
    """Reports duplicates, people under several ids, and what two sets have in common.

    Arguments:
        name: What the data set is called.
        counts: How many cases of each finding.
        table: One row for each finding: finding, count, meaning (one sentence).
        groups: One row for each image that has a twin: group, kind ("identical" or "similar"),
            index, file, person, class, sets, sha256 (its first 12 digits).
        people: The id under which each person's images are joined: people who share a picture
            are one.
        pictures: Number of the picture that each image shows, (n,); twins have the same.
        warnings: The worst of it, a sentence each, told to the user.
        images: The images, (n, height, width) or (n, height, width, channels).
    """

    name: str
    counts: Mapping[str, int]
    table: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    people: Mapping[str, str] = field(repr=False)
    pictures: Numbers = field(repr=False)
    warnings: tuple[str, ...]
    images: NDArray[np.uint8] = field(repr=False)

    def save(self, folder: str | Path) -> Path:
        """Writes table.csv, groups.csv, report.html and contact sheets (PNG) into a folder.

        A sheet shows the first 24 groups of its kind and 8 images of each. Sheets of an earlier
        report that this one does not have are removed.

        Returns:
            The path of report.html.

        Raises:
            OSError: The folder cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "table.csv", self.table.to_csv(index=False).encode())
        _write(folder / "groups.csv", self.groups.to_csv(index=False).encode())
        sheets = self._chosen()
        for old in folder.glob("sheet-*.png"):
            old.unlink()
        parts = [self._head()]
        for position, (title, numbers) in enumerate(sheets.items(), start=1):
            path = folder / f"sheet-{position}.png"
            _write(path, contact_sheet([self._tiles(number) for number in numbers[:GROUPS]]))
            shown = f"{title}: {min(GROUPS, len(numbers))} of {len(numbers):,} groups"
            shown += f", up to {MEMBERS} images of each"
            parts.append(f"<h2>{html.escape(title)}</h2><p>{html.escape(shown)}.</p>")
            parts.append(f'<img src="{path.name}" alt="{html.escape(shown)}">')
        page = "\n".join([*parts, "</body></html>\n"])
        _write(folder / "report.html", page.encode())
        return folder / "report.html"

    def _head(self) -> str:
        title = html.escape(f"Hygiene of {self.name}")
        said = "".join(f"<li>{html.escape(line)}</li>" for line in self.warnings)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f"<style>{STYLE}</style></head><body><h1>{title}</h1><ul>{said}</ul>"
            f"{self.table.to_html(index=False, border=0)}"
        )

    def _chosen(self) -> dict[str, list[int]]:
        """The groups worth seeing by title, none of them twice."""
        by = self.groups.groupby("group", sort=True)
        kind, people, sets = by["kind"].first(), by["person"].nunique(), by["sets"].nunique()
        kinds = {
            "Pictures in several sets": sets > 1,
            "Similar pictures in different files": kind == "similar",
            "Pictures of several people": people > 1,
            "Other twins": people == 1,
        }
        chosen, shown = {}, set[int]()
        for title, wanted in kinds.items():
            if numbers := [number for number in wanted.index[wanted] if number not in shown]:
                chosen[title] = numbers
                shown |= set(numbers)
        return chosen

    def _tiles(self, number: int) -> list[tuple[NDArray[np.uint8], str]]:
        rows = self.groups[self.groups["group"] == number]
        turn = rows.groupby("sets").cumcount().argsort(kind="stable")  # every set is seen
        rows = rows.iloc[turn]
        names = rows["person"].where(rows["person"] != "", rows["file"])
        columns = zip(rows["index"], names, rows["sets"], strict=True)
        return [(np.asarray(self.images[i]), f"{name}\n{sets}") for i, name, sets in columns]


def _write(path: Path, data: bytes) -> None:
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise

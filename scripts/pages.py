"""Pages of the documentation that hold tables made from committed rows."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forget.problems import PROBLEMS

__all__ = ["Page", "main", "rows_by_problem"]

DOCS = Path(__file__).parents[1] / "docs"
END = "<!-- end of tables -->"


@dataclass(frozen=True)
class Page:
    """A page with tables between two marks, the first of which names the command.

    Arguments:
        name: Of the file in docs.
        command: That writes the tables.
        tables: Makes them.
    """

    name: str
    command: str
    tables: Callable[[], str]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return DOCS / self.name

    @property
    def begin(self) -> str:
        """The first mark."""
        return f"<!-- tables: {self.command} -->"

    def renewed(self, text: str) -> str:
        """The text of the page with the tables of today."""
        before, rest = text.split(self.begin)
        _, after = rest.split(END)
        return f"{before}{self.begin}\n\n{self.tables()}\n\n{END}{after}"

    def write(self) -> None:
        """Puts the tables of today into the file."""
        self.path.write_text(self.renewed(self.path.read_text()))


def rows_by_problem(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of rows in the order of the problems, each with the problem that its name begins with.

    Of "mufac" and "mufac-128" the longer name counts.
    """
    order = list(PROBLEMS)
    found = []
    for path in sorted(folder.glob("*.csv"), key=lambda one: one.stem):
        names = [name for name in order if f"{path.stem}-".startswith(f"{name}-")]
        if names:
            found.append((max(names, key=len), path))
    yield from sorted(found, key=lambda one: order.index(one[0]))


def main(page: Page, about: str, arguments: Sequence[str] | None = None) -> int:
    """Prints the tables of a page, or writes them into it."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"into {page.name}")
    if parser.parse_args(arguments).write:
        page.write()
    else:
        print(page.tables())
    return 0

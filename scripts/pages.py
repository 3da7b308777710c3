"""Pages of the documentation that hold tables made from committed rows."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Page", "main"]

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

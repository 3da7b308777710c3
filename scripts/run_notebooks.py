"""Executes the notebooks, from the first cell to the last.

    python -m scripts.run_notebooks              # says whether all of them run
    python -m scripts.run_notebooks 04 05        # those whose names begin so
    python -m scripts.run_notebooks --write      # and saves what they show

What is saved holds results alone: no times, names of machines' kernels or messages of libraries,
so that two runs differ only where results do. 06 trains a network again and takes minutes.
"""

import argparse
import base64
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

from forget.commands import ended
from forget.errors import ForgetError
from forget.progress import OnStep, silent
from forget.terminal import ProgressBars

FOLDER = Path(__file__).parents[1] / "notebooks"
SECONDS = 900  # at most, for a cell
COLOURS = 256  # of a picture that is saved, at most: a third of the size, and looks the same
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="how names begin; none: all")
    parser.add_argument("--write", action="store_true", help="save what they show")
    said = parser.parse_args(arguments)
    for path in chosen(said.names):
        with ProgressBars(mininterval=0.5) as bars:
            done = execute(path, on_step=bars)
        if said.write:
            save(path, text_of(normalised(done)))
        print(f"{path.name}: {'written' if said.write else 'runs'}", flush=True)
    return 0


def chosen(names: Sequence[str] = (), folder: Path = FOLDER) -> list[Path]:
    """Notebooks whose names begin with one of some words; all where none is given.

    Raises:
        ForgetError: A word that no name begins with.
    """
    every = sorted(folder.glob("*.ipynb"))
    words = [Path(name).name.removesuffix(".ipynb") for name in names]
    for word in words:
        if not any(path.stem.startswith(word) for path in every):
            known = ", ".join(path.stem for path in every) or "none at all"
            raise ForgetError(f"notebooks of {known}", word, "Give the first digits of one.")
    return [path for path in every if not words or path.stem.startswith(tuple(words))]


def read(path: Path) -> NotebookNode:
    """A notebook from a file.

    Raises:
        ForgetError: No notebook of format 4.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises nearly anything
        got = f"{path.name} ({str(error)[:200] or type(error).__name__})"
        raise ForgetError("a notebook of format 4", got, "Take it from the repository.") from error


def execute(
    path: Path,
    at: Path | None = None,
    change: Callable[[str], str] = str,
    on_step: OnStep = silent,
) -> NotebookNode:
    """Runs all cells of a notebook in a fresh kernel.

    Arguments:
        path: The notebook; it is not changed.
        at: The folder to run in; by default its own.
        change: From the source of a cell to what is run instead.
        on_step: Told of cells.

    Returns:
        The notebook with what its cells show.

    Raises:
        ForgetError: A cell that fails; notebook, cell and error are named.
    """
    book = read(path)
    for cell in book.cells:
        cell.source = change(cell.source)
    index = 0
    try:
        with TemporaryDirectory(prefix="kernel-") as sockets:
            client = _client(book, at or path.parent, Path(sockets))
            with client.setup_kernel(env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}):
                for index, cell in enumerate(book.cells):
                    client.execute_cell(cell, index)
                    on_step(index + 1, len(book.cells), f"cells of {path.name}")
    except CellExecutionError as error:
        got = f"{error.ename}: {error.evalue}"
        raise _failed(path, index, got, book.cells[index].source) from error
    except (CellTimeoutError, DeadKernelError) as error:
        got = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise _failed(path, index, got, book.cells[index].source) from error
    return book


def normalised(book: NotebookNode) -> NotebookNode:
    """A notebook of the same sources and results, and of nothing that depends on when and where.

    Messages of libraries, on stderr, are left out.
    """
    cells = []
    for place, cell in enumerate(book.cells):
        kept = {"cell_type": cell.cell_type, "id": f"{place:02d}", "source": cell.source}
        kept["metadata"] = {}
        if cell.cell_type == "code":
            count = sum(one["cell_type"] == "code" for one in cells) + 1
            kept |= {"execution_count": count, "outputs": _outputs(cell.outputs, count)}
        cells.append(kept)
    return nbformat.from_dict(
        {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    )


def text_of(book: NotebookNode) -> str:
    """The file of a notebook.

    Raises:
        nbformat.ValidationError: What is no notebook.
    """
    nbformat.validate(book)
    return nbformat.writes(book).rstrip("\n") + "\n"


def save(path: Path, text: str) -> None:
    """Replaces a file, whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _client(book: NotebookNode, at: Path, sockets: Path) -> NotebookClient:
    where = {"metadata": {"path": str(at)}}
    client = NotebookClient(
        book, timeout=SECONDS, kernel_name="python3", record_timing=False, resources=where
    )
    kernel = client.create_kernel_manager()  # which the client ends, unlike one that it is given
    # Not by TCP, where everybody on the machine could read along.
    kernel.transport, kernel.ip = "ipc", str(sockets / "socket")
    return client


def _outputs(outputs: list[NotebookNode], count: int) -> list[dict]:
    kept: list[dict] = []
    for one in outputs:
        if one.output_type == "stream":
            if one.name != "stdout":
                continue
            if kept and kept[-1]["output_type"] == "stream":
                kept[-1]["text"] += one.text  # how it is cut into pieces is a matter of time
                continue
            kept.append({"output_type": "stream", "name": one.name, "text": one.text})
        elif one.output_type == "error":
            named = {key: one[key] for key in ("ename", "evalue", "traceback")}
            kept.append({"output_type": "error", **named})
        else:
            same = {"output_type": one.output_type, "data": _smaller(one.data), "metadata": {}}
            result = one.output_type == "execute_result"
            kept.append(same | ({"execution_count": count} if result else {}))
    return kept


def _smaller(data: Mapping[str, str]) -> dict[str, str]:
    """What a cell shows, with fewer colours in a picture."""
    kept = dict(data)
    if "image/png" in kept:
        picture = Image.open(BytesIO(base64.b64decode(kept["image/png"])))
        if picture.mode == "P":
            return kept  # it has been through here before
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        made = BytesIO()
        few.save(made, "PNG", optimize=True)
        kept["image/png"] = base64.b64encode(made.getvalue()).decode()
    return kept


def _failed(path: Path, index: int, got: str, source: str) -> ForgetError:
    first = next((line for line in source.splitlines() if line.strip()), "")
    return ForgetError(
        f"{path.name} to run",
        f"{got}, in cell {index + 1}, which begins with {first!r}",
        "Open it, and run it up to that cell.",
    )


if __name__ == "__main__":
    sys.exit(ended(main))

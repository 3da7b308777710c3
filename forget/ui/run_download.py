"""A run to take away: its numbers, its settings, or everything but the weights."""

import io
import zipfile
from functools import partial
from pathlib import Path

import streamlit as st

from forget.ui.run_facts import Facts

__all__ = ["MAX_BYTES", "download_run", "zipped"]

MAX_BYTES = 100_000_000  # of the files in one zip: it is made in memory
_LEFT = ("ckpt", "lock")


def zipped(folder: Path, limit: int = MAX_BYTES) -> bytes:
    """Returns the files of a run as a zip, smallest first; without its weights.

    What would exceed the limit is left out and named in `LEFT_OUT.txt` inside the zip.

    Arguments:
        folder: The folder of the run.
        limit: Bytes of all files together, unpacked.
    """
    there = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    inside = {path.relative_to(folder): path for path in there}
    wanted = [(path.stat().st_size, name) for name, path in inside.items() if _goes(name)]
    file, left, total = io.BytesIO(), [], 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for size, name in sorted(wanted):
            total += size
            if total > limit:
                left.append(f"{name.as_posix()} ({size:,} bytes)")
            else:
                archive.write(inside[name], f"{folder.name}/{name.as_posix()}")
        if left:
            archive.writestr(f"{folder.name}/LEFT_OUT.txt", "\n".join(left) + "\n")
    return file.getvalue()


def download_run(facts: Facts, key: str) -> None:
    """Buttons for metrics.csv, params.json and everything else.

    Arguments:
        facts: The run.
        key: Begins the keys of the buttons.
    """
    name = facts.key.replace("/", "-")
    kinds = (
        ("metrics.csv", "text/csv", ":material/table:", partial(_csv, facts)),
        (
            "params.json",
            "application/json",
            ":material/tune:",
            (facts.run.folder / "params.json").read_bytes,
        ),
        (
            "everything.zip",
            "application/zip",
            ":material/folder_zip:",
            partial(zipped, facts.run.folder),
        ),
    )
    with st.container(horizontal=True):
        for file, mime, icon, data in kinds:
            st.download_button(
                f"Download {file}",
                data,
                f"{name}-{file}",
                mime,
                key=f"{key}_{file}",
                icon=icon,
                on_click="ignore",
            )
    st.caption(
        "The zip holds numbers, settings, environment and predictions; the weights stay in the "
        "folder of the run."
    )


def _csv(facts: Facts) -> bytes:
    """The numbers as metrics.csv has them, also of a folder that has none."""
    return facts.table.to_csv(index=False).encode()


def _goes(name: Path) -> bool:
    return name.parts[0] not in _LEFT and not name.name.startswith(".")

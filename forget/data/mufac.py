"""MUFAC: 13,068 Korean family faces of 128 x 128 pixels in 8 age classes, with the person of each.

The official archive is read in place, or as an unpacked folder, and decoded once into
`app_data/cache` (0.64 GB). The parts are named as in the benchmark: train (10,025 images), test
(the file `val`, 1,539) and unseen (the file `test`, 1,504: families nobody trains on).

Source: D. Choi and D. Na, Towards Machine Unlearning Benchmarks: Forgetting the Personal
Identities in Facial Recognition Systems, 2023, https://arxiv.org/abs/2311.02240. For research
only; the photographs are never passed on.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from forget.data.entries import Entry, folder_entries, zip_entries
from forget.data.image_dataset import ImageDataset
from forget.data.mufac_table import AGAIN, AGES, Row, Told, find_root, read_part
from forget.data.partition import Partition, by_index
from forget.data.picture import read_picture
from forget.data.pixel_cache import Keep, cached_pixels, stamp
from forget.data.sources import APP_DATA
from forget.errors import ForgetError, PhotographError
from forget.progress import OnStep, silent

__all__ = ["FORGET_IMAGES", "PARTS", "SIZE", "benchmark", "load_mufac"]

SIZE = (128, 128)  # height and width, pixels
PARTS = {"train": "train", "test": "val", "unseen": "test"}  # the benchmark's name: the file's
FORGET_IMAGES = 1_500  # the first training images
READER = "mufac 1"  # another number after a change of what is read, so that caches are rebuilt
HOME = "https://github.com/ndb796/MachineUnlearning"


def load_mufac(source: Path | None = None, on_step: OnStep = silent) -> ImageDataset:
    """Reads MUFAC; the first time decodes all images, later maps them from the cache.

    Images of another size are cropped around their centre and resized with antialiasing. What
    was odd (missing or surplus files, malformed rows, ...) is counted in `notes`.

    Arguments:
        source: The official zip, or the folder it was unpacked to; by default `mufac/` or
            `mufac.zip` in app_data.
        on_step: Gets the images decoded so far and their total; may raise `Cancelled`.

    Returns:
        Images (n, 128, 128, 3) in the order of the tables: train, test, unseen. People are
        called "F0001/D", family and person; hashes are those of the stored files.

    Raises:
        ForgetError: There is no copy, a table or column is missing, or fewer than half of the
            images of a part are there and whole.
        PhotographError: The zip is broken or could do harm.
    """
    path = _found(source)
    key = hashlib.sha256(f"{READER} {SIZE} {_stamp(path)}".encode()).hexdigest()

    def build(keep: Keep) -> dict[str, Any]:
        with _entries(path) as entries:
            return _read(entries, path.name, keep, on_step)

    cached = cached_pixels(APP_DATA / "cache", "mufac", key, (*SIZE, 3), build, on_step)
    index, ends = cached.index, np.cumsum([0, *cached.index["lengths"]])
    trouble = [f"{cached.trouble}: decoded again at the next start"] if cached.trouble else []
    return ImageDataset(
        name="MUFAC",
        images=cached.images,
        labels=np.asarray(index["labels"], dtype=np.int64),
        classes=tuple(AGES.values()),
        parts={
            part: np.arange(start, end, dtype=np.intp)
            for part, start, end in zip(PARTS, ends[:-1], ends[1:], strict=True)
        },
        people=tuple(index["people"]),
        files=tuple(index["files"]),
        hashes=tuple(index["hashes"]),
        notes=(*index["notes"], *trouble),
    )


def benchmark(data: ImageDataset) -> Partition:
    """The benchmark's own sets: the first 1,500 training images are forgotten, the rest stays.

    Raises:
        ForgetError: There are no more than 1,500 training images.
    """
    if len(data.train) <= FORGET_IMAGES:
        raise ForgetError(
            f"more than {FORGET_IMAGES:,} training images",
            f"{len(data.train):,}",
            "Choose people or classes to forget instead.",
        )
    what = f"the benchmark's first {FORGET_IMAGES:,} images"
    return by_index(data, data.train[:FORGET_IMAGES], what)


def _found(source: Path | None) -> Path:
    places = [source] if source is not None else [APP_DATA / "mufac", APP_DATA / "mufac.zip"]
    for place in places:
        if place.is_dir() or place.is_file():
            return place
    raise ForgetError(
        "a copy of MUFAC",
        f"none at {' or '.join(map(str, places))}",
        f"Run: python -m forget download mufac, or get the archive of 128 x 128 pixels from "
        f"{HOME} by hand and save it as {APP_DATA / 'mufac.zip'}",
    )


def _stamp(path: Path) -> str:
    try:
        return stamp(path)
    except OSError as error:
        got = f"{path}, which cannot be read ({error.strerror or error})"
        raise ForgetError("a readable copy of MUFAC", got, "Check its permissions.") from error


@contextmanager
def _entries(path: Path) -> Iterator[list[Entry]]:
    try:
        if path.is_dir():
            yield folder_entries(path)
            return
        with path.open("rb") as file:
            yield zip_entries(file, path.name)
    except PhotographError as error:
        raise PhotographError("the archive or folder of MUFAC", error.got, AGAIN) from error


def _read(entries: Sequence[Entry], name: str, keep: Keep, on_step: OnStep) -> dict[str, Any]:
    told = Told()
    root, files = find_root(entries, name), {entry.path: entry for entry in entries}
    parts = {part: read_part(files, root, stem, told) for part, stem in PARTS.items()}
    total, done = sum(map(len, parts.values())), 0
    index: dict[str, Any] = {"lengths": [], "labels": [], "people": [], "files": [], "hashes": []}
    for part, rows in parts.items():
        before = len(index["labels"])
        for row in rows:
            if (digest := _decode(row, keep, told)) is not None:
                index["labels"].append(row.label)
                index["people"].append(row.person)
                index["files"].append(row.file)
                index["hashes"].append(digest)
            done += 1
            on_step(done, total, "Decoding MUFAC")
        index["lengths"].append(len(index["labels"]) - before)
        if index["lengths"][-1] * 2 < len(rows):
            got = f"{index['lengths'][-1]:,} of {len(rows):,}: {'; '.join(told.notes)}"
            raise ForgetError(f"whole images in the part {part}", got, AGAIN)
    return index | {"notes": told.notes}


def _decode(row: Row, keep: Keep, told: Told) -> str | None:
    """Keeps one image and returns the SHA-256 of its file, or nothing where it is damaged."""
    try:
        data = row.entry.read()
        picture = read_picture(data, row.file, SIZE)
    except MemoryError:
        raise
    except Exception as error:  # permissions, or whatever zipfile raises on a broken member
        reason = error.got if isinstance(error, PhotographError) else f"{row.file}: {error}"
        told.add("images that cannot be decoded left out", reason)
        return None
    if picture.resized:
        told.add("images of another size cropped around their centre and resized", row.file)
    if picture.converted:
        told.add("images of other colours converted to RGB", row.file)
    keep(picture.pixels)
    return hashlib.sha256(data).hexdigest()

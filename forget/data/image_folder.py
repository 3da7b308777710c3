"""Images in folders named after their class: <root>/train/<class>/<any>.png, and test likewise."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from forget.data.dataset import natural_key
from forget.data.entries import Entry, folder_entries, zip_entries
from forget.data.image_dataset import ImageDataset
from forget.data.picture import read_picture
from forget.data.pixel_cache import Keep, cached_pixels, stamp
from forget.data.sources import APP_DATA
from forget.errors import ForgetError, PhotographError
from forget.progress import OnStep, silent

__all__ = ["load_image_folder"]

PARTS = {"train": ("train",), "test": ("test", "val", "valid")}  # part: names of its folder
SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".webp")
LAYOUT = "Make <root>/train/<class>/<any>.png and <root>/test/<class>/<any>.png; jpg will do too."
READER = "image folder 1"  # another number after a change of what is read
TOLD = 5  # files that are named in a note; the rest are counted


def load_image_folder(
    source: Path, name: str, size: tuple[int, int], on_step: OnStep = silent
) -> ImageDataset:
    """Reads a folder of classes, or a zip of one; the first time decodes, later maps a cache.

    Images of another size are cropped around their centre and resized. What cannot be read is
    counted in `notes`.

    Arguments:
        source: Holds `train` and `test` (or `val`), each with one folder per class; an enclosing
            folder does no harm.
        name: What people call the data set.
        size: Height and width of the images, pixels.
        on_step: Told of each image.

    Raises:
        ForgetError: Nothing is there, a part is missing, or there are fewer than 2 classes.
        PhotographError: The zip is broken or could do harm.
    """
    if not source.exists():
        raise ForgetError("a folder of images", f"nothing at {source}", LAYOUT)
    key = hashlib.sha256(f"{READER} {size} {stamp(source)}".encode()).hexdigest()

    def build(keep: Keep) -> dict[str, Any]:
        with _entries(source) as entries:
            return _read(entries, source, size, keep, on_step)

    safe = "".join(c if c.isalnum() else "-" for c in name.lower())
    cached = cached_pixels(APP_DATA / "cache", safe, key, (*size, 3), build)
    index = cached.index
    part = np.asarray(index["part"])
    return ImageDataset(
        name=name,
        images=cached.images,
        labels=np.asarray(index["labels"], dtype=np.int64),
        classes=tuple(index["classes"]),
        parts={one: np.flatnonzero(part == one) for one in PARTS},
        files=tuple(index["files"]),
        hashes=tuple(index["hashes"]),
        notes=(*index["notes"], *([cached.trouble] if cached.trouble else [])),
    )


@contextmanager
def _entries(source: Path) -> Iterator[list[Entry]]:
    if source.is_dir():
        yield folder_entries(source)
        return
    with source.open("rb") as file:
        yield zip_entries(file, source.name)


def _read(
    entries: Sequence[Entry], source: Path, size: tuple[int, int], keep: Keep, on_step: OnStep
) -> dict[str, Any]:
    found = [(entry, *place) for entry in entries if (place := _place(entry.path))]
    classes = sorted({title for _, part, title in found if part == "train"}, key=natural_key)
    missing = [part for part in PARTS if part not in {part for _, part, _ in found}]
    if missing or len(classes) < 2:
        got = f"{len(classes)} classes" + "".join(f", no folder {part}" for part in missing)
        raise ForgetError(f"train and test of at least 2 classes in {source}", got, LAYOUT)
    index: dict[str, Any] = {"part": [], "labels": [], "files": [], "hashes": []}
    told: dict[str, list[str]] = {}
    for done, (entry, part, title) in enumerate(found, start=1):
        if title not in classes:
            told.setdefault("of a class without training images", []).append(entry.path)
        elif digest := _keep(entry, size, keep, told):
            index["part"].append(part)
            index["labels"].append(classes.index(title))
            index["files"].append(entry.path)
            index["hashes"].append(digest)
        on_step(done, len(found), "Decoding images")
    counts = Counter(index["part"])
    if not all(counts[part] for part in PARTS):
        raise ForgetError(f"whole images in {source}", f"{dict(counts)}", "Copy them again.")
    if surplus := len(entries) - len(found):
        told["not part of the layout"] = [e.path for e in entries if not _place(e.path)][:surplus]
    notes = [
        f"{len(paths):,} left out or changed, {why}: {', '.join(paths[:TOLD])}"
        for why, paths in told.items()
    ]
    return index | {"classes": classes, "notes": notes}


def _place(path: str) -> tuple[str, str] | None:
    """Part and class of a path, or nothing where it is no image of the layout."""
    parts = path.split("/")
    if len(parts) < 3 or not path.lower().endswith(SUFFIXES):
        return None
    for part, names in PARTS.items():
        if parts[-3].lower() in names:
            return part, parts[-2]
    return None


def _keep(
    entry: Entry, size: tuple[int, int], keep: Keep, told: dict[str, list[str]]
) -> str | None:
    """Keeps one image and returns the SHA-256 of its file, or nothing where it is damaged."""
    try:
        if entry.refused:
            raise PhotographError("a file", entry.refused, LAYOUT)
        data = entry.read()
        picture = read_picture(data, entry.path, size)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever zipfile raises on a broken member
        told.setdefault("damaged or unreadable", []).append(entry.path)
        return None
    if picture.resized:
        told.setdefault(f"not {size[1]} x {size[0]} pixels, so resized", []).append(entry.path)
    keep(picture.pixels)
    return hashlib.sha256(data).hexdigest()

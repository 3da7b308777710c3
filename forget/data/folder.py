"""A folder of people, one sub-folder each: on disk, as a zip or uploaded by a browser."""

import os
import re
import unicodedata
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from forget.data.dataset import FaceDataset, Images, photograph_hash
from forget.data.entries import Entry, folder_entries, upload_entries, zip_entries
from forget.data.photograph import read_photograph
from forget.errors import PhotographError

__all__ = ["LAYOUT", "SUFFIXES", "load_folder", "load_uploads"]

LAYOUT = "Make one folder per person and put photographs in it, such as anna/1.jpg, anna/2.jpg."
SUFFIXES = (".jpg", ".jpeg", ".png", ".pgm", ".webp")
MIN_PHOTOGRAPHS = 2  # of one person: one to learn, one to hold out
MIN_PEOPLE = 2  # somebody has to stay
MAX_PHOTOGRAPHS = 20_000
MAX_PEOPLE = 2_000
MAX_NAME = 100  # characters

# What breaks a line, turns its direction or cannot be encoded; joiners inside names are fine.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def load_folder(path: str | Path) -> FaceDataset:
    """Reads `<path>/<person>/<any>.{jpg,jpeg,png,pgm,webp}`, or a .zip of such folders.

    The person is the folder that directly holds the photograph, so an outer folder does no harm.
    Every person needs 2 different readable photographs; whatever else is there is listed in
    `skipped`. Nobody is core.

    Raises:
        PhotographError: Nothing is there, it does not hold 2 people, it is too large, or the zip
            is broken or could do harm.
    """
    path = Path(os.path.expanduser(path))
    if os.path.isdir(path):
        return _faces(folder_entries(path), path.resolve().name or str(path))
    if os.path.isfile(path):
        try:
            with path.open("rb") as file:
                return _faces(zip_entries(file, path.name), path.stem)
        except OSError as error:
            got = f"{path}, which cannot be read"
            raise PhotographError("a readable file", got, "Check its permissions.") from error
    what = "which is neither" if os.path.exists(path) else "which does not exist"
    raise PhotographError("a folder of people, or a .zip of one", f"{path}, {what}", LAYOUT)


def load_uploads(files: Iterable[tuple[str, bytes]], name: str) -> FaceDataset:
    """Reads an upload like `load_folder` reads a folder.

    Arguments:
        files: Relative paths with forward slashes and the bytes of each, or one .zip.
        name: What people call the data set.

    Raises:
        PhotographError: As for `load_folder`.
    """
    files = list(files)
    if len(files) == 1 and files[0][0].lower().endswith(".zip"):
        path, data = files[0]
        return _faces(zip_entries(BytesIO(data), _shown(path)), name)
    return _faces(upload_entries(files), name)


def _faces(entries: Iterable[Entry], name: str) -> FaceDataset:
    skipped: list[str] = []
    people = _people(entries, skipped)
    _check_bounds(people, skipped)
    images: list[Images] = []
    labels: list[str] = []
    for person, files in people.items():
        mine = _photographs(files, skipped)
        if len(mine) < MIN_PHOTOGRAPHS:
            skipped.append(
                f"{person}: left out, {len(mine)} different readable photograph(s), "
                f"at least {MIN_PHOTOGRAPHS} are needed"
            )
            continue
        images.extend(mine)
        labels.extend([person] * len(mine))
    if len(set(labels)) < MIN_PEOPLE:
        raise PhotographError(
            f"at least {MIN_PEOPLE} people with {MIN_PHOTOGRAPHS} photographs each",
            f"{len(set(labels))}{_because(skipped)}",
            LAYOUT,
        )
    return FaceDataset(name, np.stack(images), tuple(labels), skipped=tuple(skipped))


def _people(entries: Iterable[Entry], skipped: list[str]) -> dict[str, list[Entry]]:
    people: dict[str, list[Entry]] = {}
    for entry in entries:
        folder = PurePosixPath(entry.path).parent.name
        person = unicodedata.normalize("NFC", folder).strip()
        reason = _refusal(entry, person)
        if reason:
            skipped.append(f"{_shown(entry.path)}: {reason}")
        else:
            people.setdefault(person, []).append(entry)
    return people


def _refusal(entry: Entry, person: str) -> str:
    if entry.refused:
        return entry.refused
    if not entry.path.lower().endswith(SUFFIXES):
        return "not a jpg, jpeg, png, pgm or webp file"
    if not person:
        return "not in the folder of a person"
    if len(person) > MAX_NAME:
        return f"the name of the person has more than {MAX_NAME} characters"
    if UNSAFE.search(person):
        return "control characters in the name of the person"
    return ""


def _check_bounds(people: dict[str, list[Entry]], skipped: list[str]) -> None:
    if not people:
        got = f"none{_because(skipped)}"
        raise PhotographError("photographs in folders named after people", got, LAYOUT)
    photographs = sum(map(len, people.values()))
    if len(people) > MAX_PEOPLE or photographs > MAX_PHOTOGRAPHS:
        raise PhotographError(
            f"at most {MAX_PEOPLE:,} people and {MAX_PHOTOGRAPHS:,} photographs",
            f"{len(people):,} people and {photographs:,} photographs",
            "Choose a folder with fewer people.",
        )


def _photographs(files: list[Entry], skipped: list[str]) -> list[Images]:
    # A copy among the held-out photographs would leak what was learned, so one of each is kept.
    kept: dict[str, tuple[str, Images]] = {}
    for entry in files:
        name = _shown(entry.path)
        try:
            image = read_photograph(_read(entry, name), name)
        except PhotographError as error:
            skipped.append(error.got)
            continue
        first, there = kept.setdefault(photograph_hash(image), (name, image))
        if there is not image:
            skipped.append(f"{name}: the same photograph as {first}")
    return [image for _, image in kept.values()]


def _read(entry: Entry, name: str) -> bytes:
    try:
        return entry.read()
    except MemoryError:
        raise
    except Exception as error:  # permissions, or whatever zipfile raises on a broken member
        raise PhotographError("a readable file", f"{name}: cannot be read", LAYOUT) from error


def _because(skipped: list[str]) -> str:
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    return f" ({'; '.join(skipped[:3])}{more})" if skipped else ""


def _shown(path: str) -> str:
    return UNSAFE.sub("?", path)[-200:]

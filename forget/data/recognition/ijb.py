"""The protocol files of IJB-B and IJB-C: which images make up a template, which are compared."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.text_table import AGAIN, check_text, read_table
from forget.errors import ForgetError

__all__ = [
    "Gallery",
    "Landmarks",
    "Media",
    "Protocol",
    "TemplatePairs",
    "read_gallery",
    "read_landmarks",
    "read_media",
    "read_protocol",
    "read_template_pairs",
]

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

COLUMNS = ("template_id", "subject_id")  # of the tables for identification
POINTS = 5


@dataclass(frozen=True, eq=False)
class Media:
    """Which template and which medium each of n images belongs to.

    Arguments:
        names: File names, n of them.
        templates: (n,).
        media: A photograph, or the video that frames come from, (n,).
    """

    names: tuple[str, ...]
    templates: Integers
    media: Integers


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Where the faces are in n loosely cropped images.

    Arguments:
        names: File names, n of them.
        points: Left eye, right eye, nose, left and right corner of the mouth, as x and y in
            pixels, (n, 5, 2).
        scores: How sure the detector was, (n,).
    """

    names: tuple[str, ...]
    points: Reals
    scores: Reals


@dataclass(frozen=True, eq=False)
class TemplatePairs:
    """Templates that are compared.

    Arguments:
        first: (p,).
        second: (p,).
        same: Whether they are of one person, (p,).
    """

    first: Integers
    second: Integers
    same: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Gallery:
    """Templates and whose they are, each once, in the order of the file.

    Arguments:
        templates: (t,).
        subjects: (t,).
    """

    templates: Integers
    subjects: Integers


@dataclass(frozen=True, eq=False)
class Protocol:
    """All that verification needs besides the images: three files that fit together."""

    media: Media
    landmarks: Landmarks
    pairs: TemplatePairs


def read_protocol(root: str | Path, name: str) -> Protocol:
    """Reads the verification protocol in `<root>/meta`.

    Arguments:
        root: The folder of IJB-B or IJB-C, as InsightFace lays it out.
        name: How its files begin: "ijbb" or "ijbc".

    Raises:
        ForgetError: A file is missing or broken, the first two do not list the same images in
            the same order, or a template that is compared has no image.

    References:
        | IARPA Janus Benchmark-B Face Dataset (Whitelam et al., 2017)
        | IARPA Janus Benchmark - C: Face Dataset and Protocol (Maze et al., 2018)
    """
    meta = Path(root) / "meta"
    media = read_media(meta / f"{name}_face_tid_mid.txt")
    landmarks = read_landmarks(meta / f"{name}_name_5pts_score.txt")
    pairs = read_template_pairs(meta / f"{name}_template_pair_label.txt")
    if media.names != landmarks.names:
        rows = zip(media.names, landmarks.names, strict=False)
        shorter = min(len(media.names), len(landmarks.names))
        row = next((k for k, (one, other) in enumerate(rows) if one != other), shorter)
        got = f"a difference in row {row + 1:,} of {meta}"
        raise ForgetError("the same images in the same order in both lists", got, AGAIN)
    compared = np.union1d(pairs.first, pairs.second)
    empty = np.setdiff1d(compared, media.templates)
    if len(empty):
        got = f"none of template {empty[0]}, and {len(empty) - 1:,} more like it"
        raise ForgetError("an image of each template that is compared", got, AGAIN)
    return Protocol(media, landmarks, pairs)


def read_media(path: str | Path) -> Media:
    """Reads `image template medium`, one image per line.

    Raises:
        ForgetError: No such file, or a line of another form; names the line.
    """
    table = read_table(Path(path), {"image": str, "template": np.int64, "medium": np.int64})
    return Media(tuple(table["image"]), table["template"], table["medium"])


def read_landmarks(path: str | Path) -> Landmarks:
    """Reads `image x1 y1 ... x5 y5 score`, one image per line.

    Raises:
        ForgetError: No such file, or a line of another form; names the line.
    """
    axes = [f"{axis}{k}" for k in range(1, POINTS + 1) for axis in "xy"]
    numbers = [*axes, "score"]
    table = read_table(Path(path), {"image": str} | dict.fromkeys(numbers, np.float64))
    points = np.stack([table[axis] for axis in axes], axis=1).reshape(-1, POINTS, 2)
    return Landmarks(tuple(table["image"]), points, table["score"])


def read_template_pairs(path: str | Path) -> TemplatePairs:
    """Reads `template template label`, one comparison per line; label 1 means one person.

    Raises:
        ForgetError: No such file, or a line of another form; names the line.
    """
    path = Path(path)
    # IJB-C has 15.7 million; small numbers keep them within some hundreds of MB.
    kinds = {"first template": np.int32, "second template": np.int32, "label": np.int8}
    first, second, label = read_table(path, kinds).values()
    wrong = np.flatnonzero((label != 0) & (label != 1))
    if len(wrong):
        got = f"{label[wrong[0]]} in row {wrong[0] + 1:,} of {path.name}"
        raise ForgetError("the labels 0 and 1", got, AGAIN)
    return TemplatePairs(first, second, label == 1)


def read_gallery(path: str | Path) -> Gallery:
    """Reads a table for identification, a gallery or the probes: comma-separated, with a head.

    Of its columns `template_id` and `subject_id` are read. A template has a row for each of its
    images.

    Raises:
        ForgetError: No such file or columns, a number that is none, or a template of two
            subjects; names the line.
    """
    path = Path(path)
    check_text(path)
    whose: dict[int, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            head = [name.strip().lower() for name in next(reader, [])]
            if missing := [name for name in COLUMNS if name not in head]:
                raise ValueError(f"no column {missing[0]}")
            columns = [head.index(name) for name in COLUMNS]
            for row in filter(None, reader):
                template, subject = (_whole(row, k, reader.line_num) for k in columns)
                if whose.setdefault(template, subject) != subject:
                    raise ValueError(f"template {template} again in line {reader.line_num:,}")
        if not whose:
            raise ValueError("no row")
    except (csv.Error, ValueError) as error:  # the decoder's too
        got = f"{path.name}: {error}"
        expected = f"a table with the columns {', '.join(COLUMNS)}, one subject per template"
        raise ForgetError(expected, got, AGAIN) from error
    templates = np.fromiter(whose.keys(), dtype=np.int64, count=len(whose))
    return Gallery(templates, np.fromiter(whose.values(), dtype=np.int64, count=len(whose)))


def _whole(row: list[str], column: int, line: int) -> int:
    text = row[column].strip() if column < len(row) else ""
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{text[:50]!r} in line {line:,}")
    return int(text)

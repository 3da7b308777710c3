"""The pairs.txt of Labeled Faces in the Wild: which photographs are compared, fold by fold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.encoded import read_encoded
from forget.data.recognition.text_table import check_text
from forget.data.recognition.verification_set import VerificationSet
from forget.errors import ForgetError

__all__ = ["Pairs", "photograph_path", "read_pair_images", "read_pairs"]

Photo = tuple[str, int]  # person, number from 1

MAX_PAIRS = 10_000_000
MAX_NUMBER = 1_000_000  # of one person's photographs
SHOWN = 3  # missing files in a message
FORM = "Write `name<tab>i<tab>j` for one person, `name<tab>i<tab>other<tab>j` for two."


@dataclass(frozen=True, eq=False)
class Pairs:
    """Holds p pairs of photographs.

    Arguments:
        first: Person and number of each first photograph, p of them.
        second: The same of each second one.
        same: Whether both show one person, (p,).
        folds: The fold of each pair, from 0, (p,).
    """

    first: tuple[Photo, ...]
    second: tuple[Photo, ...]
    same: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.same)


def read_pairs(path: str | Path) -> Pairs:
    """Reads a list of pairs: a head, then for each fold n pairs of one person and n of two.

    The head says the number of folds and n, such as `10 300`, or n alone if there is one fold.
    Fields are separated by tabs or, in lines without any, by spaces.

    Raises:
        ForgetError: No such file, a line of another form, or other numbers of pairs than the
            head says; names the line.

    References:
        | Labeled Faces in the Wild: A Database for Studying Face Recognition in Unconstrained
          Environments (Huang et al., 2007), https://vis-www.cs.umass.edu/lfw/
    """
    path = Path(path)
    check_text(path)
    lines = _lines(path)
    number, head = next(lines, (1, []))
    folds, each = _head(head, f"line {number} of {path.name}")
    first: list[Photo] = []
    second: list[Photo] = []
    same = []
    for number, fields in lines:
        where = f"line {number:,} of {path.name}"
        if len(same) == 2 * folds * each:
            raise ForgetError(f"{len(same):,} pairs, as the head says", f"more in {where}", FORM)
        one, other = _pair(fields, where)
        first.append(one)
        second.append(other)
        same.append(len(fields) == 3)
    truths = np.array(same, dtype=bool)
    _check(truths, folds, each, path.name)
    return Pairs(tuple(first), tuple(second), truths, np.repeat(np.arange(folds), 2 * each))


def photograph_path(root: str | Path, photo: Photo, suffix: str = ".jpg") -> Path:
    """Where a photograph lies, such as `<root>/Ann_Lee/Ann_Lee_0001.jpg`."""
    person, number = photo
    return Path(root) / person / f"{person}_{number:04d}{suffix}"


def read_pair_images(pairs: Pairs, root: str | Path, suffix: str = ".jpg") -> VerificationSet:
    """Reads the photographs of all pairs, each file once; nothing is decoded.

    Arguments:
        pairs: From `read_pairs`.
        root: The folder that holds one folder per person.
        suffix: How the files end.

    Raises:
        ForgetError: Photographs that are not there; names the first.
        PhotographError: A file that cannot be read.
    """
    photos = [photo for both in zip(pairs.first, pairs.second, strict=True) for photo in both]
    paths = {photo: photograph_path(root, photo, suffix) for photo in photos}
    missing = [str(path) for path in paths.values() if not path.is_file()]
    if missing:
        more = f" and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
        got = f"no {', '.join(missing[:SHOWN])}{more}"
        remedy = "Name the folder that holds one folder per person."
        raise ForgetError(f"{len(paths):,} photographs in {root}", got, remedy)
    data = {photo: read_encoded(path) for photo, path in paths.items()}
    return VerificationSet(tuple(data[photo] for photo in photos), pairs.same, str(root))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Numbers from 1 and fields of the lines that are not empty."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8").strip()
            except ValueError as error:
                got = f"line {number:,} of {path.name}"
                raise ForgetError("text in UTF-8", got, FORM) from error
            if text:
                yield number, [one.strip() for one in text.split("\t" if "\t" in text else None)]


def _head(fields: list[str], where: str) -> tuple[int, int]:
    numbers = [int(one) if one.isdecimal() and len(one) < 10 else 0 for one in fields]
    if len(numbers) == 1:
        numbers = [1, *numbers]
    if len(numbers) != 2 or min(numbers) < 1 or 2 * numbers[0] * numbers[1] > MAX_PAIRS:
        got = f"{' '.join(fields)[:100]!r} in {where}"
        raise ForgetError("folds and pairs of each kind in a fold, such as 10 300", got, FORM)
    return numbers[0], numbers[1]


def _pair(fields: list[str], where: str) -> tuple[Photo, Photo]:
    if len(fields) == 3:
        names, numbers = (fields[0], fields[0]), fields[1:]
    elif len(fields) == 4 and fields[0] != fields[2]:
        names, numbers = (fields[0], fields[2]), fields[1::2]
    else:
        names, numbers = ("", ""), []
    fine = all(map(_is_name, names)) and all(map(_is_number, numbers))
    if not fine:
        got = f"{' '.join(fields)[:100]!r} in {where}"
        raise ForgetError("two photographs of one person, or of two people", got, FORM)
    return (names[0], int(numbers[0])), (names[1], int(numbers[1]))


def _is_name(name: str) -> bool:
    # A name becomes part of a path, and must not lead elsewhere.
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0:")


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_NUMBER


def _check(same: NDArray[np.bool_], folds: int, each: int, name: str) -> None:
    if len(same) != 2 * folds * each:
        got = f"{len(same):,} in {name}"
        raise ForgetError(f"{2 * folds * each:,} pairs, as the head says", got, FORM)
    counts = same.reshape(folds, 2 * each).sum(axis=1)
    wrong = np.flatnonzero(counts != each)
    if len(wrong):
        got = f"{counts[wrong[0]]:,} in fold {wrong[0] + 1} of {name}"
        raise ForgetError(f"{each:,} pairs of one person in each fold", got, FORM)

"""Faces as single files: folders named after people, or a list of paths and class numbers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.archives import is_junk
from forget.data.dataset import natural_key
from forget.data.recognition.encoded import decode_face, read_encoded
from forget.data.recognition.text_table import check_text
from forget.errors import ForgetError

__all__ = ["ImageList", "read_image_folder", "read_image_list"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp")
LAYOUT = "Make <root>/<person>/<any>.jpg; png, bmp, ppm, pgm and webp will do too."
LINES = "Write `path<tab>number` or `path 0 number 0` in each line."
MAX_CLASS = 2**24  # numbers of people, as in record files


@dataclass(frozen=True, eq=False)
class ImageList:
    """Files with a class number each; nothing is read before it is asked for.

    Arguments:
        paths: Of the images, n of them.
        labels: Class number of each, (n,).
        people: Name of each class number that occurs, in ascending order.
    """

    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    people: dict[int, str]

    def __len__(self) -> int:
        return len(self.paths)

    def encoded(self, index: int) -> bytes:
        """One image as it is stored.

        Raises:
            PhotographError: It cannot be read.
        """
        return read_encoded(self.paths[index])

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image, (height, width, 3), RGB.

        Raises:
            PhotographError: It cannot be read, or is no image of at most 40 megapixels.
        """
        return decode_face(self.encoded(index), str(self.paths[index]))


def read_image_folder(root: str | Path) -> ImageList:
    """Lists `<root>/<person>/<file>`: people in natural order, numbered from 0.

    Files of other kinds, deeper folders and links that leave the folder are left out.

    Raises:
        ForgetError: No such folder, or nobody in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise ForgetError("a folder of people", f"nothing at {root}", LAYOUT)
    inside = os.path.realpath(root) + os.sep
    found = {name: list(_images(root / name, inside)) for name in _names(root)}
    found = {name: paths for name, paths in found.items() if paths}
    if not found:
        raise ForgetError("images in folders named after people", f"none in {root}", LAYOUT)
    counts = [len(paths) for paths in found.values()]
    labels = np.repeat(np.arange(len(found), dtype=np.int64), counts)
    paths = tuple(path for some in found.values() for path in some)
    return ImageList(paths, labels, dict(enumerate(found)))


def read_image_list(path: str | Path, root: str | Path | None = None) -> ImageList:
    """Reads a list with one image per line: `path<tab>number` or `path 0 number 0`.

    The first is how Paddle's and the second how MagFace's training code is told of images.

    Arguments:
        path: The list, UTF-8.
        root: What the paths are relative to; by default the folder of the list. No path may
            lead out of it, absolute ones included.

    Raises:
        ForgetError: No such file, no line, or a line of another form; names the line.
    """
    path = Path(path)
    check_text(path)
    root = path.parent if root is None else Path(root)
    inside = os.path.abspath(root) + os.sep
    paths, labels = [], []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                place, label = _entry(line, f"line {number:,} of {path.name}")
                full = os.path.abspath(os.path.join(inside, place))
                if not full.startswith(inside):
                    got = f"{place[-200:]!r} in line {number:,} of {path.name}"
                    raise ForgetError(f"paths inside {root}", got, "Name the folder of them all.")
                paths.append(Path(full))
                labels.append(label)
    if not paths:
        raise ForgetError("at least 1 image", f"an empty list, {path.name}", LINES)
    people = {label: str(label) for label in sorted(set(labels))}
    return ImageList(tuple(paths), np.array(labels, dtype=np.int64), people)


def _entry(line: bytes, where: str) -> tuple[str, int]:
    try:
        text = line.decode("utf-8").strip("\r\n")
        place, label = text.rsplit("\t", 1) if "\t" in text else _third(text)
        if not place or "\0" in place or not 0 <= int(label) < MAX_CLASS:
            raise ValueError("no path, or no class number")
        return place, int(label)
    except ValueError as error:  # the decoder's too
        got = f"{line[:100]!r} in {where}"
        raise ForgetError("an image and its class number", got, LINES) from error


def _third(text: str) -> tuple[str, str]:
    place, _, label, _ = text.rstrip().rsplit(None, 3)
    return place, label


def _names(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            names = [one.name for one in entries if one.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise ForgetError("a readable folder", f"{root} ({error.strerror})", LAYOUT) from error
    return sorted((name for name in names if not is_junk(name)), key=natural_key)


def _images(folder: Path, inside: str) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            files = [one for one in entries if one.name.lower().endswith(SUFFIXES)]
    except OSError as error:
        raise ForgetError("a readable folder", f"{folder} ({error.strerror})", LAYOUT) from error
    for one in sorted(files, key=lambda file: natural_key(file.name)):
        leaves = one.is_symlink() and not os.path.realpath(one.path).startswith(inside)
        if one.is_file() and not is_junk(one.name) and not leaves:
            yield Path(one.path)

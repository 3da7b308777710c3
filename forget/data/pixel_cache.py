"""Decoded images kept in one file and mapped into memory: decoding thousands is done once.

A cache is two files in one folder: `<name>-<key>.npy`, the pixels, and `<name>-<key>.json`, what
else was read. The key stands for the source, so a changed source is another cache. The JSON is
written last and holds checksums of both, so what was cut off or damaged is never taken for whole.
The files are written beside, then renamed, by one process at a time; a second one waits for them.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from forget.data.entries import folder_entries
from forget.data.locks import alone
from forget.progress import OnStep, silent

__all__ = ["Cached", "cached_pixels", "stamp"]

FORMAT = 1  # of the two files
DIRECTORY = 8_000_000  # bytes at the end of a zip, where its directory lies
PAGES = 256  # spread over the pixels; checking all of 640 MB would take seconds at each start
PAGE = 4096  # bytes
STALE = 3600  # seconds after which a part that nobody writes to was left by a killed process

Keep = Callable[[NDArray[np.uint8]], None]
Build = Callable[[Keep], dict[str, Any]]


class Cached(NamedTuple):
    """Decoded images and what else was read with them.

    Arguments:
        images: (n, height, width, channels), uint8, read-only, mapped from the file.
        index: What `build` returned.
        trouble: Why the images could not be kept on disk and lie in memory, or nothing.
    """

    images: NDArray[np.uint8]
    index: dict[str, Any]
    trouble: str = ""


class _UnwritableError(Exception):
    """The folder takes no more; the reason is its argument."""


def stamp(source: Path) -> str:
    """A SHA-256, hex, that changes when a folder or a zip of images does; reads no image.

    Of a zip it covers the length and the directory at its end (names, sizes and CRCs of all
    members); of a folder each path, size and time of change, and the contents of .csv files.
    """
    digest = hashlib.sha256()
    if source.is_dir():
        for entry in folder_entries(source):
            if entry.refused:
                continue
            status = os.stat(source / entry.path)
            digest.update(f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
            if entry.path.lower().endswith(".csv"):  # small edits can keep size and time
                digest.update(entry.read())
    else:
        with source.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - DIRECTORY))
            digest.update(f"{length}\n".encode() + file.read())
    return digest.hexdigest()


def cached_pixels(
    folder: Path,
    name: str,
    key: str,
    shape: tuple[int, int, int],
    build: Build,
    on_step: OnStep = silent,
) -> Cached:
    """Maps the cached images, after building the cache where there is none that is whole.

    When the folder cannot be written, or is full, the images are decoded into memory and
    `trouble` says why. A new cache replaces those of the same name with another key.

    Arguments:
        folder: Where caches lie; made where missing.
        name: What the files are called.
        key: Stands for the source and for everything that decides the pixels, hex.
        shape: Height, width and channels of every image.
        build: Calls its argument with each image in turn and returns what else to keep, as JSON
            can hold it. Whatever it raises passes through and leaves nothing behind.
        on_step: Called while somebody else builds the same cache; may raise `Cancelled`.
    """
    pixels, index = (folder / f"{name}-{key[:16]}{end}" for end in (".npy", ".json"))
    found = _opened(pixels, index, key, shape)
    if found is not None:
        return found
    try:
        with ExitStack() as held:
            with _reported(folder):
                folder.mkdir(parents=True, exist_ok=True)
                held.enter_context(alone(folder / name, on_step))
            found = _opened(pixels, index, key, shape)  # somebody else may just have built it
            return found or _built(pixels, index, key, shape, build)
    except _UnwritableError as error:
        memory = bytearray()
        kept = build(lambda image: memory.extend(_bytes(image, shape)))
        images = np.frombuffer(memory, np.uint8).reshape(-1, *shape)
        images.flags.writeable = False
        return Cached(images, kept, str(error))


def _opened(pixels: Path, index: Path, key: str, shape: tuple[int, ...]) -> Cached | None:
    """The cache, or nothing where any part of it is missing, torn, foreign or damaged."""
    try:
        whole = json.loads(index.read_bytes())
        told = whole.pop("sha256")
        images = np.load(pixels, mmap_mode="r", allow_pickle=False)
        fits = (
            told == _checksum(whole)
            and whole["format"] == FORMAT
            and whole["key"] == key
            and whole["pixels"] == _sample(pixels)
            and images.dtype == np.uint8
            and images.shape == (whole["images"], *shape)
        )
        return Cached(np.asarray(images), whole["index"]) if fits else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def _built(
    pixels: Path, index: Path, key: str, shape: tuple[int, int, int], build: Build
) -> Cached:
    name = pixels.name.rsplit("-", 1)[0]
    with _writing(pixels.parent, name) as (file, part):
        count = 0

        def keep(image: NDArray[np.uint8]) -> None:
            nonlocal count
            with _reported(pixels.parent):
                file.write(_bytes(image, shape))
            count += 1

        with _reported(pixels.parent):
            _write_header(file, (0, *shape))
        kept = build(keep)
        with _reported(pixels.parent):
            file.seek(0)  # numpy pads the header so that a longer count fits in its place
            _write_header(file, (count, *shape))
            file.flush()
            os.fsync(file.fileno())
            file.close()
            whole = {"format": FORMAT, "key": key, "images": count, "index": kept}
            whole["pixels"] = _sample(part)
            # Mapped before it is renamed: another process may replace the name at any time.
            images = np.load(part, mmap_mode="r", allow_pickle=False)
            _write_index(index, whole | {"sha256": _checksum(whole)}, part, pixels)
    _drop_others(pixels, name)
    return Cached(np.asarray(images), kept)


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, description)


def _write_index(index: Path, whole: dict[str, Any], part: Path, pixels: Path) -> None:
    handle, beside = tempfile.mkstemp(prefix=f"{index.stem}-", suffix=".part", dir=index.parent)
    try:
        os.chmod(beside, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(whole, file)
            file.flush()
            os.fsync(file.fileno())
        index.unlink(missing_ok=True)  # never an index beside pixels of another build
        os.replace(part, pixels)
        os.replace(beside, index)
    finally:
        Path(beside).unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path, name: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file of our own beside the cache, gone in the end unless it was renamed."""
    with _reported(folder):
        for left in folder.glob(f"{name}-*.part"):
            with suppress(OSError):  # another process may tidy up at the same time
                if time.time() - left.stat().st_mtime > STALE:
                    left.unlink()
        handle, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".part", dir=folder)
        os.chmod(path, 0o644)  # like any other file, for other users of the machine
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(path)
    finally:
        with suppress(OSError):
            os.unlink(path)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _UnwritableError(f"{folder} cannot be written ({reason})") from error


def _drop_others(pixels: Path, name: str) -> None:
    for end in (".npy", ".json"):
        for other in pixels.parent.glob(f"{name}-*{end}"):
            if other.stem != pixels.stem:
                with suppress(OSError):
                    other.unlink()


def _bytes(image: NDArray[np.uint8], shape: tuple[int, ...]) -> bytes:
    if image.shape != shape or image.dtype != np.uint8:
        raise TypeError(f"an image of shape {shape}, uint8, not {image.shape}, {image.dtype}")
    return image.tobytes()


def _checksum(whole: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _sample(path: Path) -> str:
    """SHA-256 of the length, the first and last page and pages spread evenly between them."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(f"{length}\n".encode())
        for start in np.linspace(0, max(0, length - PAGE), PAGES).astype(np.int64).tolist():
            file.seek(start)
            digest.update(file.read(PAGE))
    return digest.hexdigest()

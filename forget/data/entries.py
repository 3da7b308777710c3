"""The files of a folder, a zip or an upload in one form, in natural order, read one at a time."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from forget.data.archives import MAX_PATH, count_members, escapes, harm, is_junk
from forget.data.dataset import natural_key
from forget.data.photograph import MAX_BYTES
from forget.errors import PhotographError

__all__ = ["MAX_FILES", "Entry", "folder_entries", "upload_entries", "zip_entries"]

MAX_FILES = 100_000  # CIFAR-10 as images has 60,000
MAX_TOTAL = 2_000_000_000  # bytes of all members of a zip, unpacked


@dataclass(frozen=True)
class Entry:
    """Names one file and knows how to read it.

    Arguments:
        path: Path inside the folder, the zip or the upload, with forward slashes.
        read: Reads the file, at most one byte more than a photograph may have.
        refused: Why the file must not be read, or nothing.
    """

    path: str
    read: Callable[[], bytes]
    refused: str = ""


def folder_entries(folder: Path) -> list[Entry]:
    """Lists the files below a folder; links that leave it are refused, one by one."""
    return _in_order(_walk(folder.resolve()))


def zip_entries(file: BinaryIO, name: str) -> list[Entry]:
    """Lists the members of an open zip, which stays open for reading them.

    Nothing is written to disk. The whole archive is refused when a member could do harm.

    Raises:
        PhotographError: Not a zip, broken, encrypted, escaping or exploding.
    """
    try:
        _check_length(file, name)
        archive = ZipFile(file)
    except (PhotographError, MemoryError):
        raise
    except Exception as error:  # on hostile bytes zipfile raises nearly everything
        raise PhotographError(
            "a folder of people, or a .zip of one",
            f"{name}: neither a folder nor a zip, or a broken zip",
            "Pack the folder again as .zip.",
        ) from error
    members = [info for info in archive.infolist() if not info.orig_filename.endswith("/")]
    _check_zip(members, name)
    return _in_order(
        Entry(info.orig_filename, partial(_read_member, archive, info)) for info in members
    )


def upload_entries(files: Iterable[tuple[str, bytes]]) -> list[Entry]:
    """Lists uploaded files: relative paths and their bytes.

    Raises:
        PhotographError: A path is absolute, leaves the folder or is far too long.
    """
    entries = []
    for path, data in islice(files, MAX_FILES + 1):
        _check_path(path, "the upload")
        entries.append(Entry(path, partial(bytes, data)))
    return _in_order(entries)


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    listed = list(islice(entries, MAX_FILES + 1))
    if len(listed) > MAX_FILES:
        raise PhotographError(
            f"at most {MAX_FILES:,} files", "more", "Choose the folder that holds the people."
        )
    wanted = [entry for entry in listed if not any(map(is_junk, entry.path.split("/")))]
    return sorted(wanted, key=lambda entry: [natural_key(p) for p in entry.path.split("/")])


def _walk(root: Path) -> Iterator[Entry]:
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=unreadable.append):
        folders[:] = [name for name in folders if not is_junk(name)]
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in files + linked:  # walk does not enter linked folders: they could be circles
            path = Path(folder, name)
            yield _file_entry(path, root, _link_or_device(path, root))
    for error in unreadable:
        yield _file_entry(Path(error.filename), root, "a folder that cannot be read")


def _file_entry(path: Path, root: Path, refused: str) -> Entry:
    return Entry(path.relative_to(root).as_posix(), partial(_read_file, path), refused)


def _link_or_device(path: Path, root: Path) -> str:
    if not os.path.isfile(path):  # reading a pipe would wait for ever
        return "a link to a folder, or not a file"
    if os.path.islink(path) and not path.resolve().is_relative_to(root):
        return "a link that leaves the folder"
    return ""


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read_member(archive: ZipFile, info: ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(MAX_BYTES + 1)


def _check_length(file: BinaryIO, name: str) -> None:
    if (count := count_members(file)) > MAX_FILES:
        raise _explodes(name, f"{count:,} files")


def _check_zip(members: list[ZipInfo], name: str) -> None:
    sizes = [info.file_size for info in members]
    if sum(sizes) > MAX_TOTAL or max(sizes, default=0) > MAX_BYTES:
        raise _explodes(name, f"{len(members):,} files, {sum(sizes):,} bytes unpacked")
    for info in members:
        _check_path(info.orig_filename, name)
        _check_member(info, name)


def _explodes(name: str, got: str) -> PhotographError:
    return PhotographError(
        f"a zip of at most {MAX_FILES:,} files, {MAX_BYTES // 10**6} MB each and "
        f"{MAX_TOTAL // 10**9} GB together",
        f"{name}, which explodes: {got}",
        "Pack only the photographs.",
    )


def _check_member(info: ZipInfo, name: str) -> None:
    if wrong := harm(info):
        again = "Pack the folder of people again, as a plain .zip."
        got = f"{name}: {info.filename[:100]!r} {wrong[1]}"
        raise PhotographError(wrong[0], got, again)


def _check_path(path: str, name: str) -> None:
    if len(path) > MAX_PATH or escapes(path):
        raise PhotographError(
            f"relative paths of at most {MAX_PATH:,} characters that stay in the folder",
            f"{name}: {path[:100]!r} escapes or is too long",
            "Pack the folder of people again, with forward slashes.",
        )

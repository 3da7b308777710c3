"""Unpacks tar, zip and gzip: all of it or nothing, inside one folder, within bounds."""

import errno
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from forget.data.locks import alone
from forget.errors import ForgetError
from forget.progress import Cancelled, OnStep, silent

__all__ = [
    "MAX_PATH",
    "count_members",
    "escapes",
    "harm",
    "is_junk",
    "unpack_gzip",
    "unpack_tar",
    "unpack_zip",
]

BLOCK = 1 << 18  # bytes between two reports
MAX_FILES = 50_000
MAX_PATH = 1_000  # characters
MAX_BYTES = 50_000_000  # of one unpacked file of a tar
MAX_TOTAL = 2_000_000_000  # bytes, unpacked
MAX_RATIO = 200  # unpacked / packed; photographs hardly shrink
SMALL = 1_000_000  # bytes; below it any ratio is harmless
MEMBER = b"PK\x01\x02"  # begins the entry of each member in the directory of a zip

JUNK = {"__macosx", "thumbs.db", "desktop.ini"}  # left behind by operating systems


class Harm(Exception):
    """What is wrong with an archive, in words that follow "got"."""


def unpack_tar(archive: Path, folder: Path, under: str, suffix: str = "") -> None:
    """Unpacks the regular files of one kind below one folder of a tar, all of them or none.

    Arguments:
        archive: The tar, compressed or not.
        folder: Where the files shall lie; it appears at the end, complete, and is left alone
            if it is there already.
        under: The folder inside the tar.
        suffix: How the wanted names end, such as ".pgm".

    Raises:
        ForgetError: The tar is broken, escapes, is far too large or has no such file.
    """
    try:
        with _complete(folder) as complete:
            if complete is None:
                return
            for name, data in _tar_members(archive, under, suffix):
                target = complete / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            if not any(complete.iterdir()):
                raise tarfile.TarError("it holds none")
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        got = f"{archive} ({error})"
        remedy = f"Delete {archive.name} and try again."
        kind = f"{suffix} files" if suffix else "files"
        raise ForgetError(f"a tar archive with {kind} in {under}", got, remedy) from error


def unpack_gzip(archive: Path, path: Path, most: int = MAX_BYTES) -> None:
    """Unpacks one gzipped file, whole or not at all; what is there already is left alone.

    Arguments:
        archive: The gzipped file.
        path: Where its content shall lie.
        most: Bytes that the content must not exceed.

    Raises:
        ForgetError: Not gzip, cut off, damaged or too large.
    """
    try:
        with alone(path):
            if path.is_file():
                return
            with gzip.open(archive) as file:
                data = file.read(most + 1)
            if not 0 < len(data) <= most:
                raise OSError(f"more than {most:,} bytes" if data else "it is empty")
            with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
                target = Path(beside) / path.name
                target.write_bytes(data)
                os.replace(target, path)
    except (OSError, EOFError, zlib.error) as error:
        remedy = f"Delete {archive.name} and try again."
        raise ForgetError("a whole gzipped file", f"{archive} ({error})", remedy) from error


def unpack_zip(
    archive: Path,
    folder: Path,
    holds: Sequence[str] = (),
    most: int = MAX_TOTAL,
    on_step: OnStep = silent,
) -> None:
    """Unpacks a zip, all of it or nothing; bounds hold for the bytes that come, not for claims.

    A folder in which everything else lies is not made again: its content goes to `folder`.

    Arguments:
        archive: The zip.
        folder: Where the files shall lie; it appears at the end, complete, and is left alone
            if it is there already and not empty.
        holds: Files and folders that it must have.
        most: Bytes that it must not exceed unpacked.
        on_step: Gets the bytes so far and their total.

    Raises:
        ForgetError: Not a zip, broken, encrypted, escaping, exploding or another than was meant;
            or there is no room.
    """
    try:
        with archive.open("rb") as file, _complete(folder) as complete:
            if complete is None:
                return
            _unpack(file, complete, most, partial(on_step, note=f"Unpacking {archive.name}"))
            if missing := [name for name in holds if not (complete / name).exists()]:
                raise Harm(f"no {missing[0]} in it")
    except (ForgetError, Cancelled):
        raise
    except Exception as error:  # on hostile bytes zipfile raises nearly everything
        wanted = f" with {', '.join(holds)}" if holds else ""
        got = f"{archive} ({str(error) or type(error).__name__})"
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        remedy = f"{'Free some space' if full else f'Delete {archive.name}'} and try again."
        raise ForgetError(f"a whole, harmless zip{wanted}", got, remedy) from error


def escapes(path: str) -> bool:
    """Whether a path in an archive is absolute, has a drive or a backslash, or leads upwards."""
    absolute = path.startswith("/") or re.match("[A-Za-z]:", path) is not None
    return absolute or "\\" in path or ".." in path.split("/")


def is_junk(part: str) -> bool:
    """Whether a part of a path was left behind by an operating system, or is hidden."""
    return part.lower() in JUNK or (part.startswith(".") and part not in (".", ".."))


def count_members(file: BinaryIO) -> int:
    """How often the sign of a member stands in an open zip, which is read to its end.

    To be looked at before `zipfile` builds an object for each: a million would take it a minute.
    """
    count, end = 0, b""
    while block := file.read(1 << 20):
        count += (end + block).count(MEMBER)
        end = (end + block)[1 - len(MEMBER) :]
    return count


def harm(info: ZipInfo) -> tuple[str, str] | None:
    """What is wrong with a member of a zip as its header tells: (expected, got); None if nothing.

    That its path stays inside the folder is for `escapes` to say.
    """
    if info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size:
        return "a zip of photographs", f"explodes: grows more than {MAX_RATIO} times"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a zip of files", "is a link or a device"
    if info.flag_bits & 1:
        return "a zip without password", "is encrypted"
    # zipfile bounds what it unpacks at once for these two only: bzip2 and LZMA could explode.
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "a zip that is stored or deflated", "is packed in another way"
    return None


@contextmanager
def _complete(folder: Path) -> Iterator[Path | None]:
    """A new folder that takes the place of `folder` at the end; None if that is there already."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        if folder.is_dir() and any(folder.iterdir()):
            yield None
            return
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
            complete = Path(beside) / "complete"
            complete.mkdir()
            yield complete
            os.replace(complete, folder)


def _tar_members(archive: Path, under: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(archive) as tar:
        for count, member in enumerate(tar, start=1):
            if count > MAX_FILES:
                raise tarfile.TarError(f"more than {MAX_FILES:,} files")
            wanted = member.name.startswith(f"{under}/") and member.name.endswith(suffix)
            if not (wanted and member.isreg()):
                continue
            total += member.size
            if escapes(member.name):
                raise tarfile.TarError(f"{member.name[:100]!r} escapes")
            if member.size > MAX_BYTES or total > MAX_TOTAL:
                raise tarfile.TarError(f"{member.name[:100]!r} is too large")
            file = tar.extractfile(member)
            if file is not None:
                yield str(PurePosixPath(member.name).relative_to(under)), file.read()


def _unpack(file: BinaryIO, root: Path, most: int, told: Callable[[int, int], None]) -> None:
    # A zip inside the zip may add to the count; ten times as many are still built in seconds.
    if count_members(file) > 10 * MAX_FILES:
        raise Harm(f"more than {MAX_FILES:,} files")
    with ZipFile(file) as archive:
        members = _wanted(archive.infolist())
        total = sum(info.file_size for info in members.values())
        if total > most:
            raise Harm(f"explodes: {total:,} bytes unpacked, more than {most:,}")
        if shutil.disk_usage(root).free < total:
            raise OSError(errno.ENOSPC, f"no room for {total:,} bytes")
        done = 0
        for name, info in members.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            before = done
            with archive.open(info) as source, target.open("xb") as out:
                while block := source.read(BLOCK):
                    done += len(block)
                    if done - before > info.file_size or done > most:
                        raise Harm(f"explodes: {name[:100]!r} is longer than it says")
                    out.write(block)
            if done - before != info.file_size:
                raise Harm(f"{name[:100]!r} is shorter than it says")
            told(done, total)


def _wanted(infos: Sequence[ZipInfo]) -> dict[str, ZipInfo]:
    """The members by the path they shall have, without the folder in which all of them lie."""
    if len(infos) > MAX_FILES:
        raise Harm(f"{len(infos):,} files, more than {MAX_FILES:,}")
    paths: dict[PurePosixPath, ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        path = _path(info)
        if wrong := harm(info):
            raise Harm(f"{info.orig_filename[:100]!r} {wrong[1]}")
        if info.orig_filename.endswith("/") or any(map(is_junk, path.parts)):
            continue
        # Some file systems take these for one name; none may hide behind another.
        same = unicodedata.normalize("NFC", str(path)).casefold()
        if same in seen:
            raise Harm(f"{info.orig_filename[:100]!r} is there twice")
        seen.add(same)
        paths[path] = info
    if not paths:
        raise Harm("it holds no file")
    shared = os.path.commonpath([path.parent for path in paths])
    return {str(path.relative_to(shared)): info for path, info in paths.items()}


def _path(info: ZipInfo) -> PurePosixPath:
    name = info.orig_filename
    if len(name) > MAX_PATH or escapes(name) or not name.isprintable():
        raise Harm(f"{name[:100]!r} escapes or is no path")
    path = PurePosixPath(name)
    if not path.parts:
        raise Harm(f"{name[:100]!r} is no path")
    return path

"""Archives from the network: fetched once, checked by their SHA-256 and unpacked safely."""

import hashlib
import lzma
import os
import re
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["APP_DATA", "Archive", "escapes", "fetch", "unpack_tar"]

APP_DATA = Path(os.environ.get("FORGET_APP_DATA") or Path(__file__).parents[2] / "app_data")

TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 18  # bytes between two reports
MAX_FILES = 50_000
MAX_BYTES = 50_000_000  # of one unpacked file
MAX_TOTAL = 2_000_000_000  # bytes, unpacked

_ONE_AT_A_TIME = threading.Lock()  # two visitors of the app must not write one partial file


@dataclass(frozen=True)
class Archive:
    """Names a file on the network by what it must hold.

    Arguments:
        url: Where it lies, http or https.
        sha256: Of the whole file, as hex.
        size: Bytes.
    """

    url: str
    sha256: str
    size: int


def fetch(archive: Archive, path: Path, on_step: OnStep = silent) -> Path:
    """Downloads an archive unless it is there already; resumes what was interrupted.

    The bytes go to `<path>.part`, are checked and then renamed, so that `path` is never wrong.

    Arguments:
        archive: What to fetch.
        path: Where it shall lie.
        on_step: Gets the bytes so far and their total; may raise `Cancelled`, the part stays.

    Returns:
        The path.

    Raises:
        ForgetError: The file could not be had; the remedy is the manual step.
    """
    with _ONE_AT_A_TIME:
        try:
            if path.is_file() and _sha256(path) == archive.sha256:
                return path
            part = path.with_name(path.name + ".part")
            part.parent.mkdir(parents=True, exist_ok=True)
            resumed = True
            while resumed:  # a wrong part of an earlier attempt costs one more download
                resumed = _download(archive, part, on_step)
                if _sha256(part) == archive.sha256:
                    os.replace(part, path)
                    return path
                part.unlink()
        except (OSError, HTTPException) as error:
            raise _failed(archive, path, str(error) or type(error).__name__) from error
    raise _failed(archive, path, "a file with another SHA-256")


def unpack_tar(archive: Path, folder: Path, under: str, suffix: str) -> None:
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
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            _ONE_AT_A_TIME,
            tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as beside,
        ):
            if folder.is_dir():
                return
            complete = Path(beside) / "complete"
            for name, data in _members(archive, under, suffix):
                target = complete / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            if not complete.is_dir():
                raise tarfile.TarError("it holds none")
            os.replace(complete, folder)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        got = f"{archive} ({error})"
        remedy = f"Delete {archive.name} and try again."
        raise ForgetError(f"a tar archive with {suffix} files in {under}", got, remedy) from error


def escapes(path: str) -> bool:
    """Whether a path in an archive is absolute, has a drive or a backslash, or leads upwards."""
    absolute = path.startswith("/") or re.match("[A-Za-z]:", path) is not None
    return absolute or "\\" in path or ".." in path.split("/")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failed(archive: Archive, path: Path, got: str) -> ForgetError:
    remedy = f"Open {archive.url} in a browser and save the file as {path}"
    return ForgetError(f"{path.name} from {urlsplit(archive.url).netloc}", got, remedy)


def _download(archive: Archive, part: Path, on_step: OnStep) -> bool:
    """Completes the partial file; tells whether any of it was there before."""
    done = part.stat().st_size if part.is_file() else 0
    if done >= archive.size:  # complete but unchecked, or a stranger's: the SHA-256 tells
        return True
    with _respond(archive.url, done) as response:
        begins = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        resumed = done > 0 and response.status == 206 and begins
        done = done if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(min(BLOCK, archive.size + 1 - done)):
                done += len(block)
                if done > archive.size:
                    file.truncate(0)
                    raise OSError(f"more than the {archive.size:,} bytes that were promised")
                file.write(block)
                on_step(done, archive.size, f"Downloading {part.stem}")
    if done < archive.size:
        raise OSError(f"the connection ended after {done:,} of {archive.size:,} bytes")
    return resumed


def _respond(url: str, start: int) -> HTTPResponse:
    if urlsplit(url).scheme not in ("http", "https"):
        raise OSError(f"{url}, which is neither http nor https")
    opener = request.OpenerDirector()  # the usual one would follow a redirect to ftp
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    headers = {"User-Agent": "forget"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return opener.open(request.Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()  # it holds the connection
        if error.code == 416 and start:  # the server's file is shorter than our part
            return _respond(url, 0)
        raise


def _members(archive: Path, under: str, suffix: str) -> Iterator[tuple[str, bytes]]:
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

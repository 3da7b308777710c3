"""Files from the network: fetched once, resumed, and checked before they bear their name."""

import errno
import hashlib
import os
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from forget.data.locks import alone
from forget.data.transfer import Archive, discard, transfer
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["APP_DATA", "Archive", "fetch"]

APP_DATA = Path(os.environ.get("FORGET_APP_DATA") or Path(__file__).parents[2] / "app_data")


def fetch(archive: Archive, path: Path, on_step: OnStep = silent) -> Path:
    """Downloads a file unless it is there already; resumes what was interrupted.

    The bytes go to `<path>.part`, are checked and then renamed, so that `path` is never wrong.
    Where no hash is known, a part is completed only if the server says that it is the same file
    still, and the result must have the length that the server gave and, called .zip, be one.

    Arguments:
        archive: What to fetch.
        path: Where it shall lie; a right file that was put there by hand is taken.
        on_step: Gets the bytes so far and their total, 0 where it is not known; may raise
            `Cancelled`, the part stays.

    Returns:
        The path.

    Raises:
        ForgetError: The file could not be had; the remedy is the manual step.
    """
    part = path.with_name(path.name + ".part")
    try:
        if _is_right(archive, path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path, on_step):
            if _is_right(archive, path):  # somebody else has fetched it in the meantime
                return path
            resumed = True
            while resumed:  # a wrong part of an earlier attempt costs one more download
                resumed = transfer(archive, part, on_step)
                if _is_right(archive, part):
                    os.replace(part, path)
                    discard(part)
                    return path
                discard(part)
    except (OSError, HTTPException) as error:
        raise _failed(archive, path, error) from error
    known = "another SHA-256" if archive.sha256 else "another MD5" if archive.md5 else ""
    raise _failed(archive, path, f"a file with {known}" if known else "a file that is not a zip")


def _is_right(archive: Archive, path: Path) -> bool:
    if not path.is_file() or (archive.size and path.stat().st_size != archive.size):
        return False
    for kind, wanted in (("sha256", archive.sha256), ("md5", archive.md5)):
        if wanted:
            with path.open("rb") as file:
                return hashlib.file_digest(file, kind).hexdigest() == wanted
    return ".zip" not in path.suffixes or zipfile.is_zipfile(path)


def _failed(archive: Archive, path: Path, got: str | Exception) -> ForgetError:
    expected = f"{path.name} from {urlsplit(archive.url).netloc}"
    if isinstance(got, OSError) and got.errno == errno.ENOSPC:
        room = f"{path.parent}: {got.strerror}"
        return ForgetError(expected, room, "Free some space and try again; it goes on from there.")
    reason = got if isinstance(got, str) else str(got) or type(got).__name__
    remedy = (
        f"Try again; or open {archive.url} in a browser, save the file as {path} and try again: "
        "it is taken from there."
    )
    return ForgetError(expected, reason, remedy)

"""The bytes of one file over HTTP: into a partial file, which a later attempt completes."""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from email.message import Message
from functools import partial
from http.client import HTTPResponse
from itertools import chain
from pathlib import Path
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from forget.progress import OnStep

__all__ = ["Archive", "discard", "transfer"]

TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 18  # bytes between two reports, or fewer after a second
MAX_BYTES = 2_000_000_000
HEAD = 512  # bytes that tell a web page from an archive
MAX_PAGE = 200_000  # bytes of a web page that are read to say what it wants

# Some servers refuse programs that do not call themselves a browser.
AGENT = "Mozilla/5.0 (compatible; forget)"


@dataclass(frozen=True)
class Archive:
    """Names a file on the network by what it must hold.

    Arguments:
        url: Where it lies, http or https.
        sha256: Of the whole file, as hex; empty where it is not known ahead.
        size: Bytes; 0 where it is not known ahead.
        md5: Of the whole file, as hex; looked at where there is no `sha256`.
        most: Bytes that it must not exceed where its size is not known ahead.
        confirms: Whether a web page may come first that asks to confirm, as Google Drive does.
    """

    url: str
    sha256: str = ""
    size: int = 0
    md5: str = ""
    most: int = MAX_BYTES
    confirms: bool = False


@dataclass(frozen=True)
class Memo:
    """Tells which file a part is of: kept beside the part, so that two are never joined.

    Arguments:
        url: Where it was asked for.
        etag: The server's strong name of this version, or nothing.
        modified: The server's date of this version, or nothing.
        length: Bytes of the whole file; 0 where the server did not say.
    """

    url: str
    etag: str = ""
    modified: str = ""
    length: int = 0

    @property
    def validator(self) -> str:
        """What the server is asked to compare; empty where nothing identifies the version."""
        return self.etag or self.modified


def transfer(archive: Archive, part: Path, on_step: OnStep) -> bool:
    """Completes the partial file; tells whether any of it was there before.

    Raises:
        OSError: Not an answer, a web page, too few or too many bytes, a full disk.
        HTTPException: The answer is not HTTP.
    """
    done = part.stat().st_size if part.is_file() else 0
    memo = _remembered(part)
    if done and done >= (archive.size or (memo.length if memo else 0) or done + 1):
        return True  # complete but unchecked, or a stranger's: the check that follows tells
    response, start = _answer(archive, memo, done)
    with response:
        length = _length(response, start)
        total, most = archive.size or length, archive.size or archive.most
        if total > most:
            raise OSError(f"a file of {total:,} bytes, more than the {most:,} that are accepted")
        if shutil.disk_usage(part.parent).free < total - start:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        pieces = _pieces(response, (total or most) + 1 - start)
        if not start:
            first = next(pieces, b"")
            _refuse_page(response, first)
            part.write_bytes(b"")  # before the memo: old bytes never lie beside a new memo
            _remember(part, _memo(archive.url, response.headers, length))
            pieces = chain([first], pieces)
        done = _append(pieces, part, start, total or most, partial(_report, on_step, part, total))
    if done < total:
        raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
    return start > 0


def discard(part: Path) -> None:
    """Removes a partial file and what was remembered of it."""
    part.unlink(missing_ok=True)
    _memo_path(part).unlink(missing_ok=True)


def _append(
    pieces: Iterable[bytes], part: Path, start: int, most: int, told: Callable[[int], None]
) -> int:
    done, at = start, time.monotonic()
    with part.open("ab") as file:
        for piece in pieces:
            done += len(piece)
            if done > most:
                file.truncate(0)
                raise OSError(f"more than the {most:,} bytes that were promised")
            file.write(piece)
            if (done - start) % BLOCK == 0 or time.monotonic() > at + 1:
                at = time.monotonic()
                told(done)
    told(done)
    return done


def _report(on_step: OnStep, part: Path, total: int, done: int) -> None:
    on_step(done, total, f"Downloading {part.stem}")


def _pieces(response: HTTPResponse, most: int) -> Iterator[bytes]:
    """Yields what comes, as it comes, so that a piece ends at every multiple of `BLOCK`."""
    done = 0
    while done < most:
        room = min(BLOCK - done % BLOCK, most - done)
        piece = response.read1(room) if done else response.read(min(HEAD, room))
        if not piece:
            return
        done += len(piece)
        yield piece


def _answer(archive: Archive, memo: Memo | None, done: int) -> tuple[HTTPResponse, int]:
    """An answer, and where in the file it starts: where the part ends, or 0."""
    known = archive.sha256 or archive.md5  # then a wrong join is found out, and costs a download
    ours = memo if memo and memo.url == archive.url else None
    if done and (known or (ours and ours.validator)):
        wanted = {"Range": f"bytes={done}-"}
        if ours and ours.validator:
            wanted["If-Range"] = ours.validator
        response = _ask(archive, wanted)
        if response.status == 206 and _goes_on(response, done, None if known else ours):
            return response, done
        if response.status == 200:
            return response, 0
        response.close()
    response = _ask(archive, {})
    if response.status != 200:
        response.close()
        raise OSError(f"HTTP status {response.status} instead of the file")
    return response, 0


def _goes_on(response: HTTPResponse, done: int, memo: Memo | None) -> bool:
    said = response.headers.get("Content-Range", "")
    if not said.startswith(f"bytes {done}-"):
        return False
    return memo is None or _memo(memo.url, response.headers, _length(response, done)) == memo


def _length(response: HTTPResponse, start: int) -> int:
    """Bytes of the whole file as the server says; 0 where it does not."""
    if start:
        found = re.search(r"/(\d{1,18})$", response.headers.get("Content-Range", ""))
    else:
        found = re.fullmatch(r"(\d{1,18})", response.headers.get("Content-Length", ""))
    return int(found[1]) if found else 0


def _ask(archive: Archive, wanted: dict[str, str]) -> HTTPResponse:
    opener = _opener()
    response = _respond(opener, archive.url, wanted)
    if archive.confirms and _is_page(response, b""):
        with response:
            url = _confirmed(response.read(MAX_PAGE).decode(errors="replace"))
        response = _respond(opener, url, wanted)
    return response


def _confirmed(page: str) -> str:
    # gdown knows how the pages of Google Drive ask to confirm and what their refusals look like.
    # The bytes are fetched here all the same: gdown 6.5 bounds no size, and it resumes a part of
    # an earlier process without asking whether it is a part of the same file.
    from gdown.download import get_url_from_gdrive_confirmation
    from gdown.exceptions import DownloadError

    try:
        return get_url_from_gdrive_confirmation(page)
    except (DownloadError, AssertionError, KeyError, ValueError) as error:
        raise OSError(f"{_kind(page)}, not the file ({str(error)[:200]})") from error


def _opener() -> request.OpenerDirector:
    opener = request.OpenerDirector()  # the usual one would follow a redirect to ftp
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPCookieProcessor,  # a sharing link sets a cookie and asks for it once more
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _respond(opener: request.OpenerDirector, url: str, wanted: dict[str, str]) -> HTTPResponse:
    if urlsplit(url).scheme not in ("http", "https"):
        raise OSError(f"{url[:200]}, which is neither http nor https")
    asked = request.Request(url, headers={"User-Agent": AGENT} | wanted)
    try:
        return opener.open(asked, timeout=TIMEOUT)
    except HTTPError as error:
        error.close()  # it holds the connection
        if error.code == 416 and wanted:  # the server's file is shorter than our part
            return _respond(opener, url, {})
        raise


def _refuse_page(response: HTTPResponse, first: bytes) -> None:
    if _is_page(response, first):
        page = (first + response.read(MAX_PAGE)).decode(errors="replace")
        raise OSError(f"{_kind(page)}, not the file")


def _is_page(response: HTTPResponse, first: bytes) -> bool:
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()[:14].lower()
    return response.headers.get_content_type() == "text/html" or start.startswith(
        (b"<!doctype html", b"<html")
    )


def _kind(page: str) -> str:
    text = page.lower()
    found = re.search(r"<title[^>]{0,200}>([^<]{1,200})", page, re.IGNORECASE)
    title = f" ({' '.join(found[1].split())[:80]!r})" if found else ""
    if "quota" in text or "too many users" in text:
        return f"a web page{title} that says too many people fetched it lately: try tomorrow"
    if re.search(r"sign[ -]?in|log[ -]?in|password", text):
        return f"a web page{title} that asks to sign in"
    return f"a web page{title}"


def _memo(url: str, headers: Message, length: int) -> Memo:
    etag = headers.get("ETag", "")
    strong = etag if etag.startswith('"') else ""  # a weak one may name other bytes
    return Memo(url, strong, headers.get("Last-Modified", ""), length)


def _memo_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _remember(part: Path, memo: Memo) -> None:
    _memo_path(part).write_text(json.dumps(asdict(memo)), encoding="utf-8")


def _remembered(part: Path) -> Memo | None:
    try:
        memo = Memo(**json.loads(_memo_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # then the part is not joined to anything
    kinds = (str, str, str, int)
    return memo if tuple(map(type, astuple(memo))) == kinds else None

"""A server on this machine that answers as real ones do, well and badly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class File:
    """One file and how it is served."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    etag: str = ""
    modified: str = ""
    location: str = ""
    cookie: str = ""  # sent along with a redirect, then wanted
    cut: int | None = None  # bytes after which the connection ends
    stalls: bool = False  # holds the connection there instead
    ranges: bool = True
    compares: bool = True  # heeds If-Range
    length: bool = True  # says how long it is


@dataclass
class Asked:
    path: str
    range: str | None
    compared: str | None


class Handler(BaseHTTPRequestHandler):
    server: "Loopback"

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        asked = Asked(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
        self.server.asked.append(asked)
        file = self.server.files.get(self.path, File(b"nothing here", 404))
        if file.cookie and file.cookie not in self.headers.get("Cookie", ""):
            return self.head(302, 0, file, {"Set-Cookie": file.cookie, "Location": self.path})
        start = self.start(asked, file)
        body = file.body[start:]
        extra = {"Location": file.location} if file.location else {}
        if start:
            end, whole = len(file.body) - 1, len(file.body)
            extra["Content-Range"] = f"bytes {start}-{end}/{whole}"
        self.head(206 if start else file.status, len(body), file, extra)
        try:
            self.wfile.write(body if file.cut is None else body[: file.cut])
            if file.stalls:
                self.server.released.wait(20)
        except OSError:
            pass  # the client has heard enough

    def start(self, asked: Asked, file: File) -> int:
        if not (asked.range and file.ranges):
            return 0
        if file.compares and asked.compared and asked.compared not in (file.etag, file.modified):
            return 0
        return int(asked.range.removeprefix("bytes=").rstrip("-"))

    def head(self, status: int, length: int, file: File, extra: dict[str, str]) -> None:
        self.send_response(status)
        if file.length:
            self.send_header("Content-Length", str(length))
        named = {"Content-Type": file.kind, "ETag": file.etag, "Last-Modified": file.modified}
        for name, value in (named | extra).items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Loopback(ThreadingHTTPServer):
    files: dict[str, File]
    asked: list[Asked]
    released: threading.Event

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Yields a running server with no files yet; its clients must not use a proxy."""
    with Loopback(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.released = {}, [], threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()

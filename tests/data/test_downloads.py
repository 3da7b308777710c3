"""What `download` knows: it comes whole, to the place where its readers look, or is explained."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from data.loopback import File, Loopback, loopback
from sklearn.datasets import _lfw
from torchvision.datasets import CIFAR10, MNIST

from forget.data import downloads, sources
from forget.data.downloads import CATALOGUE, download
from forget.errors import ForgetError

Files = dict[str, bytes]
TABLES = [f"custom_{part}_dataset.csv" for part in ("train", "val", "test")]
FACES = [f"{part}_images/F0001.jpg" for part in ("train", "val", "test")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback() as running:
        for name in CATALOGUE:
            monkeypatch.setenv(f"FORGET_MIRROR_{name.upper()}", running.url(f"/{name}"))
        yield running


def serve(server: Loopback, name: str, files: Files) -> None:
    server.files |= {f"/{name}/{file}": File(body) for file, body in files.items()}


def zip_of(names: list[str], around: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(around + name, name)
    return out.getvalue()


def tar_of(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 - what torchvision compares


def mnist(server: Loopback, monkeypatch: pytest.MonkeyPatch, labels: int = 3) -> None:
    """Serves three digits, and makes torchvision expect them."""
    images = struct.pack(">IIII", 2051, 3, 28, 28) + bytes(range(3 * 28)) * 28
    marks = struct.pack(">II", 2049, labels) + bytes(range(labels))
    files = {
        f"{part}-{name}-ubyte.gz": gzip.compress(data)
        for part in ("train", "t10k")
        for name, data in (("images-idx3", images), ("labels-idx1", marks))
    }
    serve(server, "mnist", files)
    monkeypatch.setattr(MNIST, "resources", [(name, md5(data)) for name, data in files.items()])


def cifar10(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serves two pictures in each batch, and makes torchvision expect them."""
    batch = {"data": np.arange(6144, dtype=np.uint8).reshape(2, 3072), "labels": [1, 9]}
    files = {name: pickle.dumps(batch) for name, _ in CIFAR10.train_list + CIFAR10.test_list}
    files["batches.meta"] = pickle.dumps({"label_names": list("abcdefghij")})
    archive = tar_of({f"{CIFAR10.base_folder}/{name}": data for name, data in files.items()})
    sums = {name: md5(data) for name, data in files.items()}
    serve(server, "cifar10", {CIFAR10.filename: archive})
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    for known in ("train_list", "test_list"):
        value = [[name, sums[name]] for name, _ in getattr(CIFAR10, known)]
        monkeypatch.setattr(CIFAR10, known, value)


def lfw(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serves one face and the lists of pairs, and makes scikit-learn expect them."""
    faces = tar_of({"lfw_funneled/A_B/A_B_0001.jpg": b"face", "lfw_funneled/pairs_01.txt": b"no"})
    files = {"lfw-funneled.tgz": faces, "pairs.txt": b"pairs"}
    serve(server, "lfw", files)
    known = [
        SimpleNamespace(filename=name, url="", checksum=hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    ]
    monkeypatch.setattr(_lfw, "FUNNELED_ARCHIVE", known[0])
    monkeypatch.setattr(_lfw, "TARGETS", known[1:])


@pytest.mark.parametrize("around", ["", "MUFAC/"])
def test_mufac_lies_where_its_reader_looks(around: str, server: Loopback, tmp_path: Path) -> None:
    serve(server, "mufac", {"mufac.zip": zip_of(TABLES + FACES, around)})
    notes: set[str] = set()
    told = lambda done, total, note="": notes.add(note)  # noqa: E731
    assert download("mufac", tmp_path, told) == tmp_path / "mufac"
    found = {p.relative_to(tmp_path / "mufac").as_posix() for p in tmp_path.rglob("mufac/**/*.*")}
    assert found == {*TABLES, *FACES} and (tmp_path / "mufac.zip").is_file()
    assert notes == {"Downloading mufac.zip", "Unpacking mufac.zip"}
    (tmp_path / "mufac.zip").unlink()
    assert download("mufac", tmp_path) == tmp_path / "mufac" and len(server.asked) == 1


def test_an_archive_saved_by_hand_is_picked_up(server: Loopback, tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match=f"404.*save the file as {tmp_path}/mufac.zip"):
        download("mufac", tmp_path)
    (tmp_path / "mufac.zip").write_bytes(zip_of(TABLES + FACES))
    assert (download("mufac", tmp_path) / TABLES[0]).is_file() and len(server.asked) == 1


def test_another_zip_than_mufac_is_told(server: Loopback, tmp_path: Path) -> None:
    serve(server, "mufac", {"mufac.zip": zip_of(TABLES)})
    with pytest.raises(ForgetError, match="no train_images in it"):
        download("mufac", tmp_path)
    assert not (tmp_path / "mufac").exists()


def test_a_folder_with_other_files_is_not_overwritten(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "mufac").mkdir()
    (tmp_path / "mufac" / "mine").touch()
    with pytest.raises(ForgetError, match="without custom_train_dataset.csv. It is not overwri"):
        download("mufac", tmp_path)
    assert not server.asked


CONFIRM = (
    "<html><title>Google Drive - Virus scan warning</title>\n"
    '<form id="download-form" action="{}" method="get"><input type="submit" value="Download">'
    '<input type="hidden" name="id" value="1K"><input type="hidden" name="confirm" value="t">'
    "</form>"
)
QUOTA = """<html><title>Google Drive - Quota exceeded</title>
<p class="uc-error-caption">Sorry, you can't view or download this file at this time.</p>
<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>"""


def drive(server: Loopback, page: str) -> None:
    server.files["/weights/app_data.zip"] = File(page.encode(), kind="text/html; charset=utf-8")


def test_weights_are_confirmed_resumed_and_unpacked(server: Loopback, tmp_path: Path) -> None:
    drive(server, CONFIRM.format(server.url("/file")))
    body = zip_of(["mnist/net.pt", "mufac/net.pt"], "app_data/")
    server.files["/file?id=1K&confirm=t"] = File(body, modified="yesterday", cut=200)
    with pytest.raises(ForgetError, match="ended after 200 of"):
        download("weights", tmp_path)
    server.files["/file?id=1K&confirm=t"].cut = None
    assert download("weights", tmp_path) == tmp_path / "weights"
    assert server.asked[-1].range == "bytes=200-"
    assert (tmp_path / "weights/mufac/net.pt").read_bytes() == b"mufac/net.pt"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (QUOTA, "Quota exceeded.*too many people.*Too many users"),
        ("<html><title>Sign in - Google Accounts</title>", "Sign in.*asks to sign in"),
        ('<html><form id="download-form"></form>', "a web page, not the file"),
        (CONFIRM.format("file:///etc/hostname"), "neither http nor https"),
        (CONFIRM.format("/weights/app_data.zip"), "neither http nor https"),
    ],
)
def test_a_page_of_the_drive_is_told(
    page: str, reason: str, server: Loopback, tmp_path: Path
) -> None:
    drive(server, page)
    with pytest.raises(ForgetError, match=reason) as caught:
        download("weights", tmp_path)
    assert f"save the file as {tmp_path}/app_data.zip" in caught.value.remedy


def test_a_page_after_the_confirmation_is_told(server: Loopback, tmp_path: Path) -> None:
    drive(server, CONFIRM.format(server.url("/file")))
    server.files["/file?id=1K&confirm=t"] = File(QUOTA.encode(), kind="text/html")
    with pytest.raises(ForgetError, match="too many people"):
        download("weights", tmp_path)


def test_mnist_lies_where_torchvision_looks(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mnist(server, monkeypatch)
    for _ in range(2):
        assert download("mnist", tmp_path) == tmp_path / "mnist"
        assert MNIST(tmp_path / "mnist", train=False).targets.tolist() == [0, 1, 2]
    assert len(server.asked) == 4


def test_mnist_of_uneven_parts_is_told(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mnist(server, monkeypatch, labels=2)
    with pytest.raises(ForgetError, match="3 images, 2 labels.*Delete"):
        download("mnist", tmp_path)


def test_the_second_mirror_helps_where_the_first_fails(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mnist(server, monkeypatch)
    monkeypatch.delenv("FORGET_MIRROR_MNIST")
    monkeypatch.setattr(MNIST, "mirrors", [server.url("/none/"), server.url("/mnist/")])
    assert download("mnist", tmp_path) == tmp_path / "mnist"
    monkeypatch.setattr(MNIST, "mirrors", [server.url("/none/"), server.url("/neither/")])
    with pytest.raises(ForgetError, match="404.*/none/train-images"):
        download("mnist", tmp_path / "again")


def test_a_mirror_is_held_to_the_hash(server: Loopback, tmp_path: Path) -> None:
    serve(server, "mnist", {name: gzip.compress(b"other") for name, _ in MNIST.resources})
    with pytest.raises(ForgetError, match="another MD5"):
        download("mnist", tmp_path)
    serve(server, "cifar10", {CIFAR10.filename: tar_of({"cifar-10-batches-py/x": b"other"})})
    with pytest.raises(ForgetError, match="another MD5"):
        download("cifar10", tmp_path)
    serve(server, "lfw", {target.filename: b"other" for target in _lfw.TARGETS})
    with pytest.raises(ForgetError, match="another SHA-256"):
        download("lfw", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_cifar10_lies_where_torchvision_looks(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cifar10(server, monkeypatch)
    for _ in range(2):
        assert download("cifar10", tmp_path) == tmp_path / "cifar10"
    assert CIFAR10(tmp_path / "cifar10").data.shape == (10, 32, 32, 3) and len(server.asked) == 1
    (tmp_path / "cifar10" / CIFAR10.base_folder / "data_batch_3").write_bytes(b"damaged")
    with pytest.raises(ForgetError, match="corrupted.*Delete"):
        download("cifar10", tmp_path)


def test_lfw_is_unpacked_beside_its_pairs(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lfw(server, monkeypatch)
    for _ in range(2):
        assert download("lfw", tmp_path) == tmp_path / "lfw"
    found = {p.relative_to(tmp_path / "lfw").as_posix() for p in tmp_path.rglob("lfw/**/*.*")}
    face = "lfw_funneled/A_B/A_B_0001.jpg"
    assert found == {"lfw-funneled.tgz", "pairs.txt", face} and len(server.asked) == 2


def test_downloads_go_to_app_data_by_default(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "APP_DATA", tmp_path)
    serve(server, "mufac", {"mufac.zip": zip_of(TABLES + FACES)})
    assert download("mufac") == tmp_path / "mufac"


@pytest.mark.parametrize("mirror", ["file:///etc", "ftp://x/y", "x", "http://", "http://[", "é"])
def test_a_mirror_that_is_no_address_is_told(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGET_MIRROR_MUFAC", mirror)
    with pytest.raises(ForgetError, match="FORGET_MIRROR_MUFAC"):
        download("mufac", tmp_path)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(ForgetError, match="mufac, weights, mnist, cifar10, lfw; got 'faces'"):
        download("faces")


def test_the_real_mufac_is_complete() -> None:
    folder = sources.APP_DATA / "mufac"
    if not folder.is_dir():
        pytest.skip("MUFAC is not there: python -m forget download mufac")
    found = {part: len(list((folder / f"{part}_images").iterdir())) for part in ("train", "val")}
    assert download("mufac") == folder and found == {"train": 10_025, "val": 1_539}

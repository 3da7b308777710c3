"""Folders of classes: what is read, what is told, what is refused."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from forget.data import cifar, image_folder
from forget.data.cifar import load_cifar10
from forget.data.image_folder import load_image_folder
from forget.errors import ForgetError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes with six training and three test images each; caches go to a folder aside."""
    for module in (image_folder, cifar):
        monkeypatch.setattr(module, "APP_DATA", tmp_path / "app_data")
    random = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 3)):
        for title in ("cat", "dog"):
            folder = tmp_path / "images" / part / title
            folder.mkdir(parents=True)
            for k in range(count):
                pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{k}.png")
    return tmp_path / "images"


def test_folders_and_zips_give_the_same(root: Path, tmp_path: Path) -> None:
    data = load_cifar10(root)
    assert data.images.shape == (18, 32, 32, 3)
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.test)) == (12, 6)
    assert data.notes == ()
    file = data.files.index("train/dog/3.png")
    stored = np.asarray(Image.open(root / "train/dog/3.png"))
    assert np.array_equal(data.images[file], stored)
    assert data.labels[file] == 1
    packed = tmp_path / "packed.zip"
    with ZipFile(packed, "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, f"outer/{path.relative_to(root)}")
    packed = packed.rename(cifar.APP_DATA / "cifar10.zip")
    other = load_cifar10()
    assert np.array_equal(other.images, data.images)
    assert other.hashes == data.hashes


def test_changes_are_noticed(root: Path) -> None:
    load_cifar10(root)
    (root / "train/dog/3.png").unlink()
    assert len(load_cifar10(root).train) == 11


def test_oddities_are_told(root: Path) -> None:
    (root / "train/cat/broken.png").write_bytes(b"\x89PNG nothing")
    (root / "train/readme.txt").write_text("hello")
    Image.new("RGB", (50, 40)).save(root / "train/cat/large.jpg")
    (root / "test/bird").mkdir()
    Image.new("RGB", (32, 32)).save(root / "test/bird/0.png")
    data = load_cifar10(root)
    told = " | ".join(data.notes)
    for words in ("broken.png", "readme.txt", "resized: train/cat/large.jpg", "test/bird/0.png"):
        assert words in told
    assert len(data.train) == 13


def test_a_damaged_member_of_a_zip_is_told(root: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with ZipFile(packed, "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, str(path.relative_to(root)))
    data = packed.read_bytes()
    place = data.index(b"\x89PNG") + 40  # in the pixels of the first image
    packed.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    found = load_cifar10(packed)
    assert len(found.images) == 17
    assert "damaged" in found.notes[0]


@pytest.mark.parametrize("gone", ["train", "test"])
def test_a_missing_part_is_told(root: Path, gone: str) -> None:
    (root / gone).rename(root / "elsewhere")
    with pytest.raises(ForgetError, match=f"no folder {gone}"):
        load_image_folder(root, "images", (32, 32))


def test_nothing_there_is_told(tmp_path: Path, root: Path) -> None:
    with pytest.raises(ForgetError, match="download cifar10.*--data"):
        load_cifar10(tmp_path / "nowhere")
    (tmp_path / "batches" / "cifar-10-batches-py").mkdir(parents=True)
    with pytest.raises(ForgetError, match="whole files of CIFAR-10"):
        load_cifar10(tmp_path / "batches")

"""MNIST from files as its authors packed them, and what is said of files that are not whole."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from forget.data import digits
from forget.data.digits import load_mnist
from forget.errors import ForgetError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")  # fmt: skip


def idx(values: np.ndarray) -> bytes:
    head = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(np.uint8).tobytes()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four small packed files in a folder, and an empty app_data."""
    monkeypatch.setattr(digits, "APP_DATA", tmp_path / "app_data")
    (tmp_path / "app_data").mkdir()
    random = np.random.default_rng(0)
    folder = tmp_path / "packed"
    folder.mkdir()
    for name in NAMES:
        count = 30 if name.startswith("train") else 10
        shape = (count, 28, 28) if "images" in name else (count,)
        data = idx(random.integers(0, 10, shape))
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    return folder


def test_packed_files_are_unpacked_and_read(files: Path) -> None:
    data = load_mnist(files)
    assert data.images.shape == (40, 28, 28, 1)
    assert (len(data.train), len(data.test)) == (30, 10)
    files.rename(digits.APP_DATA / "mnist")
    assert np.array_equal(load_mnist().images, data.images)


def test_unpacked_files_as_torchvision_keeps_them(files: Path, tmp_path: Path) -> None:
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in NAMES:
        (raw / name).write_bytes(gzip.decompress((files / f"{name}.gz").read_bytes()))
    assert np.array_equal(load_mnist(tmp_path / "root").images, load_mnist(files).images)


def test_damaged_and_missing_files_are_told(files: Path) -> None:
    (files / f"{NAMES[0]}.gz").write_bytes(b"not packed at all")
    with pytest.raises(ForgetError, match="cut off or damaged"):
        load_mnist(files)
    (files / f"{NAMES[0]}.gz").write_bytes(gzip.compress(b"not an image file"))
    with pytest.raises(ForgetError, match="damaged files"):
        load_mnist(files)
    (files / f"{NAMES[1]}.gz").unlink()
    with pytest.raises(ForgetError, match="download mnist.*--offline"):
        load_mnist(files)


def test_a_file_that_explodes_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "LARGEST", 1000)
    with pytest.raises(ForgetError, match="far too large"):
        load_mnist(files)

"""Handwritten digits: MNIST through torchvision, and scikit-learn's small bundled set.

Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
"""

import gzip
import tempfile
import zlib
from pathlib import Path

import numpy as np

from forget.data.image_dataset import ImageDataset
from forget.data.sources import APP_DATA
from forget.errors import ForgetError

__all__ = ["load_digits", "load_mnist"]

DIGITS = tuple(str(digit) for digit in range(10))
LARGEST = 60_000_000  # bytes of an unpacked file; the largest of MNIST has 47 MB


def load_mnist(source: Path | None = None) -> ImageDataset:
    """Reads the 60,000 training and 10,000 test images, 28 x 28 grey pixels.

    Arguments:
        source: A folder with torchvision's `MNIST/raw`, or with the four original files, packed
            (.gz) or not; by default `mnist` in app_data.

    Raises:
        ForgetError: The files are not there, or not whole.
    """
    from torchvision.datasets import MNIST

    place = source or APP_DATA / "mnist"
    raw = _raw_folder(place)
    with tempfile.TemporaryDirectory() as beside:  # torchvision reads unpacked files only
        target = Path(beside) / "MNIST" / "raw"
        target.mkdir(parents=True)
        for name in _names():
            _unpack(raw, name, target / name)
        try:
            train, test = (MNIST(beside, train=part) for part in (True, False))
        except (RuntimeError, OSError, ValueError, TypeError, AssertionError) as error:
            raise _absent(place, f"damaged files ({error or type(error).__name__})") from error
    images = np.concatenate([train.data.numpy(), test.data.numpy()])[..., None]
    labels = np.concatenate([train.targets.numpy(), test.targets.numpy()]).astype(np.int64)
    if len(images) != len(labels) or not len(train) or not len(test) or labels.max() > 9:
        raise _absent(place, f"{len(images):,} images with {len(labels):,} labels")
    return ImageDataset("MNIST", images, labels, DIGITS, _parts(len(train), len(images)))


def load_digits() -> ImageDataset:
    """Reads scikit-learn's 1,797 digits of 8 x 8 pixels; the last 360 are held out.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    from sklearn.datasets import load_digits as bundled

    digits = bundled()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]  # 0 to 16 levels
    labels = digits.target.astype(np.int64)
    return ImageDataset("Digits", images, labels, DIGITS, _parts(1_437, len(images)))


def _parts(train: int, total: int) -> dict[str, np.ndarray]:
    return {
        "train": np.arange(train, dtype=np.intp),
        "test": np.arange(train, total, dtype=np.intp),
    }


def _names() -> list[str]:
    from torchvision.datasets import MNIST

    return [url.removesuffix(".gz") for url, _ in MNIST.resources]


def _raw_folder(source: Path) -> Path:
    """Where the four files lie, packed or not."""
    for raw in (source / "MNIST" / "raw", source / "raw", source):
        if all((raw / f"{n}.gz").is_file() or (raw / n).is_file() for n in _names()):
            return raw
    raise _absent(source, "not all of them")


def _unpack(raw: Path, name: str, target: Path) -> None:
    plain = (raw / name).is_file()
    path, opener = (raw / name, open) if plain else (raw / f"{name}.gz", gzip.open)
    try:
        with opener(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _absent(raw, f"{path.name}, which is cut off or damaged") from error
    if len(data) > LARGEST:
        raise _absent(raw, f"{path.name}, which is far too large")
    target.write_bytes(data)


def _absent(place: Path, got: str) -> ForgetError:
    return ForgetError(
        f"the four files of MNIST in {place}",
        got,
        "Run: python -m forget download mnist, or pass --offline for scikit-learn's small digits.",
    )

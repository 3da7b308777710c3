"""CIFAR-10: 60,000 colour images of 32 x 32 pixels in 10 classes, from torchvision or folders.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from pathlib import Path

import numpy as np

from forget.data.image_dataset import ImageDataset
from forget.data.image_folder import load_image_folder
from forget.data.sources import APP_DATA
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["load_cifar10"]

SIZE = (32, 32)  # height and width, pixels


def load_cifar10(source: Path | None = None, on_step: OnStep = silent) -> ImageDataset:
    """Reads CIFAR-10.

    Arguments:
        source: A folder with torchvision's `cifar-10-batches-py`, or with `train/<class>/*.png`
            and `test/<class>/*.png`, or a zip of the latter; by default `cifar10.zip` in app_data
            if it is there, else `cifar10`.
        on_step: Told of each image that is decoded; the cached ones need no decoding.

    Raises:
        ForgetError: It is not there, or not whole.
    """
    packed = APP_DATA / "cifar10.zip"
    usual = packed if packed.is_file() else APP_DATA / "cifar10"
    root = source or usual
    if (root / "cifar-10-batches-py").is_dir():
        return _from_torchvision(root)
    if not root.exists():
        raise ForgetError(
            f"CIFAR-10 in {root}",
            "nothing",
            "Run: python -m forget download cifar10, or pass --data with a folder that holds "
            "train/<class>/*.png and test/<class>/*.png.",
        )
    return load_image_folder(root, "CIFAR-10", SIZE, on_step)


def _from_torchvision(root: Path) -> ImageDataset:
    from torchvision.datasets import CIFAR10

    try:  # compares the MD5 of every file before it reads any
        train, test = (CIFAR10(str(root), train=part) for part in (True, False))
    except (RuntimeError, OSError) as error:
        raise ForgetError(
            f"whole files of CIFAR-10 in {root / 'cifar-10-batches-py'}",
            str(error).splitlines()[0],
            "Delete the folder and run: python -m forget download cifar10",
        ) from error
    total = len(train) + len(test)
    return ImageDataset(
        name="CIFAR-10",
        images=np.concatenate([train.data, test.data]),
        labels=np.array(train.targets + test.targets, dtype=np.int64),
        classes=tuple(train.classes),
        parts={
            "train": np.arange(len(train), dtype=np.intp),
            "test": np.arange(len(train), total, dtype=np.intp),
        },
    )

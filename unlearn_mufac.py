"""Forgets faces in a classifier of ages on MUFAC, and compares with training again without them.

    python -m forget download mufac
    python unlearn_mufac.py                          # the benchmark's first 1,500 images
    python unlearn_mufac.py --forget-people F0001/D  # one person
    python unlearn_mufac.py --forget-classes 0-6     # an age class

Trains a ResNet-18 from scratch, first on small images, then at 128 pixels.
"""

import sys

from forget.data.image_dataset import ImageDataset
from forget.unlearn_cli import main
from forget.unlearn_options import Defaults


def network(data: ImageDataset) -> dict[str, object]:
    return {"architecture": "resnet18", "classes": 8, "stem": "large"}


def defaults() -> Defaults:
    from forget.augment import Augment

    return Defaults(
        dataset="mufac",
        summary=__doc__.splitlines()[0],
        forget=("first", "1500"),
        config=network,
        epochs=18,
        recipe={
            "batch": 32,
            "rate": 0.04,
            "smoothing": 0.1,
            "average": 0.995,
            "sides": (64,) * 9 + (96,) * 3 + (128,) * 6,
            "augment": Augment(
                turn=10, zoom=0.15, stretch=0.07, shift=0.07, colour=0.15, hide=0.1
            ),
        },
    )


if __name__ == "__main__":
    sys.exit(main(defaults()))

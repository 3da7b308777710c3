"""Forgets classes in a classifier of CIFAR-10, and compares with training again without them.

python -m forget download cifar10
python unlearn_cifar.py                        # forgets airplane and ship
python unlearn_cifar.py --data FOLDER          # train/<class>/*.png and test/<class>/*.png
"""

import sys

from forget.data.image_dataset import ImageDataset
from forget.unlearn_cli import main
from forget.unlearn_options import Defaults


def network(data: ImageDataset) -> dict[str, object]:
    return {"architecture": "resnet18", "classes": len(data.classes), "stem": "small"}


def defaults() -> Defaults:
    from forget.augment import Augment

    return Defaults(
        dataset="cifar10",
        summary=__doc__.splitlines()[0],
        forget=("classes", "airplane,ship"),
        config=network,
        epochs=6,
        recipe={"rate": 0.05, "augment": Augment(turn=0, zoom=0.1, stretch=0, shift=0.12, hide=0)},
        # Published ResNet-18 of CIFAR-10 read normalised images through the large stem.
        foreign={
            "stem": "large",
            "mean": (0.4914, 0.4822, 0.4465),
            "std": (0.2023, 0.1994, 0.2010),
        },
    )


if __name__ == "__main__":
    sys.exit(main(defaults()))

"""Forgets faces in a classifier of ages on MUFAC, and compares with training again without them.

    python -m forget download mufac
    python unlearn_mufac.py                          # the benchmark's first 1,500 images
    python unlearn_mufac.py --forget-people F0001/D  # one person
    python unlearn_mufac.py --identities F0046/D     # one person, out of the forget-ready model
    python unlearn_mufac.py --forget-classes 0-6     # an age class

Trains a ResNet-18 from scratch, first on small images, then at 128 pixels.
"""

import sys

from forget.data.image_dataset import ImageDataset
from forget.unlearn_cli import main
from forget.unlearn_options import Defaults


def network(data: ImageDataset) -> dict[str, object]:
    from forget.mufac_training import NETWORK

    return dict(NETWORK)


def defaults() -> Defaults:
    from forget.mufac_training import mufac_recipe

    recipe = vars(mufac_recipe(128)).copy()
    epochs = recipe.pop("epochs")
    return Defaults(
        dataset="mufac",
        summary=__doc__.splitlines()[0],
        forget=("first", "1500"),
        config=network,
        epochs=epochs,
        recipe=recipe,
        prepared=True,
    )


if __name__ == "__main__":
    sys.exit(main(defaults()))

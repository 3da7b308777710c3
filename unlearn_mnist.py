"""Forgets digits in a classifier of MNIST, and compares with training again without them.

python -m forget download mnist
python unlearn_mnist.py                        # forgets 5 and 7
python unlearn_mnist.py --offline              # scikit-learn's small digits, no download
"""

import sys

from forget.data.image_dataset import ImageDataset
from forget.unlearn_cli import main
from forget.unlearn_options import Defaults


def network(data: ImageDataset) -> dict[str, object]:
    return {"architecture": "convnet", "classes": 10, "channels": 1, "side": data.images.shape[1]}


DEFAULTS = Defaults(
    dataset="mnist",
    summary=__doc__.splitlines()[0],
    forget=("classes", "5,7"),
    config=network,
    epochs=2,
    recipe={"rate": 0.05},
    unlearn_epochs=1,
    rates=(1e-3, 1e-3),
    offline="digits",
)

if __name__ == "__main__":
    sys.exit(main(DEFAULTS))

"""The published results on MUFAC, to stand beside one's own.

References:
    | Towards Machine Unlearning Benchmarks: Forgetting the Personal Identities in Facial
      Recognition Systems (Choi and Na, 2023), the table of its repository
"""

from typing import NamedTuple

__all__ = ["PUBLISHED_MUFAC", "Published"]


class Published(NamedTuple):
    """A row of the table: ResNet-18 at 128 pixels.

    Arguments:
        title: As the authors call the method.
        test: Accuracy on held-out images.
        mia_gap: Distance of the attack's accuracy from one half.
        nomus: The score.
        ours: The name of the same idea here; empty where there is none.
    """

    title: str
    test: float
    mia_gap: float
    nomus: float
    ours: str = ""


PUBLISHED_MUFAC = (
    Published("Original", 0.5951, 0.2136, 0.5839, "original"),
    Published("Retrained", 0.4880, 0.0445, 0.6995, "retrain"),
    Published("Fine-tune", 0.6055, 0.2129, 0.5898, "finetune"),
    Published("CF-3", 0.5900, 0.2126, 0.5824, "cf_k"),
    Published("NegGrad", 0.4048, 0.0485, 0.6539, "negative_gradient"),
    Published("UNSIR-1", 0.5893, 0.2089, 0.5857),
    Published("UNSIR-2", 0.5925, 0.1990, 0.5972, "unsir"),
    Published("SCRUB", 0.5984, 0.1415, 0.6577, "scrub"),
    Published("AdvNegGrad", 0.5633, 0.0953, 0.6863, "negative_gradient_plus"),
)

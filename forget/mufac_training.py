"""How networks are trained on MUFAC: one recipe for small images, one for the published size."""

from typing import Any

from forget.augment import Augment
from forget.errors import ForgetError
from forget.recipe import Recipe

__all__ = ["NETWORK", "SIDES", "mufac_recipe"]

NETWORK: dict[str, Any] = {"architecture": "resnet18", "classes": 8, "stem": "large"}
SIDES = {64: (64,) * 10, 128: (64,) * 9 + (96,) * 3 + (128,) * 6}  # epoch by epoch


def mufac_recipe(side: int = 128) -> Recipe:
    """A training from scratch that ends at images of 64 or 128 pixels.

    Raises:
        ForgetError: Another size.
    """
    if side not in SIDES:
        raise ForgetError("images of 64 or 128 pixels", f"{side}", "Choose one of them.")
    return Recipe(
        epochs=len(SIDES[side]),
        batch=32,
        rate=0.04,
        smoothing=0.1,
        average=0.995,
        sides=SIDES[side],
        augment=Augment(turn=10, zoom=0.15, stretch=0.07, shift=0.07, colour=0.15, hide=0.1),
    )

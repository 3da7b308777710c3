"""Where a study computes."""

import os

from lightning_fabric import Fabric

from forget.recognition.settings import DeviceSettings
from forget.training import accelerate

__all__ = ["fabric_of", "is_first"]


def fabric_of(keys: DeviceSettings) -> Fabric:
    """The devices that settings name, or those that torchrun or `fabric run` gave this process.

    Raises:
        ForgetError: There are no such devices.
    """
    device = {None: "auto", True: "cuda", False: "cpu"}[keys.cuda]
    return accelerate(device, max(len(keys.gpu_ids), 1))


def is_first() -> bool:
    """Whether this process does what one process is enough for; the others have nothing to do."""
    return os.environ.get("RANK", "0") == "0"

"""Where a study computes."""

import os

from lightning_fabric import Fabric

from forget.errors import ForgetError
from forget.recognition.settings import DeviceSettings
from forget.training import accelerate

__all__ = ["fabric_of", "is_first"]


def fabric_of(keys: DeviceSettings) -> Fabric:
    """The devices that settings name, or those that torchrun or `fabric run` gave this process.

    Raises:
        ForgetError: There are no such devices, or others than the first ones are named.
    """
    ids = keys.gpu_ids
    if sorted(ids) != list(range(len(ids))):
        raise ForgetError(
            "device.gpu_ids that count from 0, such as [0, 1]",
            f"{ids}",
            "Choose GPUs with CUDA_VISIBLE_DEVICES=2,3, which numbers them anew.",
        )
    device = {None: "auto", True: "cuda", False: "cpu"}[keys.cuda]
    return accelerate(device, max(len(ids), 1))


def is_first() -> bool:
    """Whether this process does what one process is enough for; the others have nothing to do."""
    return os.environ.get("RANK", "0") == "0"

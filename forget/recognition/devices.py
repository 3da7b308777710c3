"""Where a study computes."""

from lightning_fabric import Fabric

from forget.recognition.settings import DeviceSettings
from forget.training import accelerate

__all__ = ["fabric_of"]


def fabric_of(keys: DeviceSettings) -> Fabric:
    """The devices that settings name, or those that torchrun or `fabric run` gave this process.

    Raises:
        ForgetError: There are no such devices.
    """
    device = {None: "auto", True: "cuda", False: "cpu"}[keys.cuda]
    return accelerate(device, max(len(keys.gpu_ids), 1))

"""Where a study computes."""

from lightning_fabric import Fabric

from forget.errors import ForgetError
from forget.recognition.settings import DeviceSettings
from forget.training import accelerate

__all__ = ["fabric_of"]


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

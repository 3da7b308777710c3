"""Where a study computes: what settings say of it."""

import pytest

from forget.errors import ForgetError
from forget.recognition.devices import fabric_of
from forget.recognition.settings import DeviceSettings


@pytest.mark.parametrize("ids", [[], [0]])
def test_a_cpu_is_taken_where_gpus_are_refused(ids: list[int]) -> None:
    fabric = fabric_of(DeviceSettings(cuda=False, gpu_ids=ids))
    assert (fabric.device.type, fabric.world_size) == ("cpu", 1)


@pytest.mark.parametrize("ids", [[1], [2, 3], [0, 0], [-1], [0, 2]])
def test_other_gpus_than_the_first_are_not_taken_silently_for_them(ids: list[int]) -> None:
    with pytest.raises(ForgetError, match="CUDA_VISIBLE_DEVICES"):
        fabric_of(DeviceSettings(gpu_ids=ids))

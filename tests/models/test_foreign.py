"""Foreign weights: the numbers that torch would read, wherever in the file they lie."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from models.torch_files import Tiny, read, same, saved
from torch import nn
from torchvision.models import resnet18

from forget.errors import CheckpointError
from forget.models import foreign
from forget.models.foreign import read_foreign, resnet18_state

SHARED = torch.arange(24, dtype=torch.float32)
STATE = {
    **{
        str(kind): torch.arange(6).reshape(2, 3).to(kind)
        for kind in (
            torch.float64,
            torch.float16,
            torch.int32,
            torch.int8,
            torch.uint8,
            torch.bool,
        )
    },
    "scalar": torch.tensor(3.5),
    "empty": torch.zeros(0, 4),
    "transposed": SHARED.reshape(4, 6).T,
    "every other": SHARED[1::2],
    "shared": SHARED,
    "parameter": nn.Parameter(torch.ones(2), requires_grad=False),
    "huge": torch.tensor([float("inf"), float("nan"), -0.0]),
}


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_are_those_that_torch_loads(zipped: bool, tmp_path: Path) -> None:
    data = saved(STATE, zipped)
    wanted = torch.load(io.BytesIO(data), weights_only=True)
    found = read(data, tmp_path)
    assert same(found, wanted) and len(found) == len(STATE)
    assert not any(array.flags.writeable for array in found.values())


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    tensor = torch.tensor([1.5, -2e30, 3e-30]).bfloat16()
    found = read(saved({"a": tensor}), tmp_path)["a"]
    assert found.dtype == np.float32 and np.array_equal(found, tensor.float().numpy())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "around",
    [
        lambda net: net,
        lambda net: net.state_dict(),
        lambda net: dict(net.state_dict()),
        lambda net: {"epoch": 3, "best": 0.5, "state_dict": net.state_dict()},
        lambda net: {"net": net, "optimizer": {"state": {}}},
        lambda net: {"state_dict": {"model": {"net": net.state_dict()}}},
        lambda net: nn.DataParallel(net),
        lambda net: {"module.model." + k: v for k, v in net.state_dict().items()},
    ],
    ids=["module", "state", "dict", "state_dict", "net", "nested", "parallel", "prefixes"],
)
def test_weights_are_found_wherever_they_are_saved(
    around: Callable[[nn.Module], object], zipped: bool, tmp_path: Path
) -> None:
    net = Tiny()
    assert same(read(saved(around(net), zipped), tmp_path), net.state_dict())


def test_one_name_more_keeps_a_prefix(tmp_path: Path) -> None:
    found = read(saved({"model.a": torch.ones(1), "b": torch.ones(1)}), tmp_path)
    assert list(found) == ["model.a", "b"]


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])  # torch itself cannot 0
def test_every_protocol_is_read(protocol: int, tmp_path: Path) -> None:
    out, net = io.BytesIO(), Tiny()
    torch.save(net, out, pickle_protocol=protocol)
    assert same(read(out.getvalue(), tmp_path), net.state_dict())


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return resnet18(num_classes=8)


def test_a_resnet18_is_loaded_strictly(network: nn.Module, tmp_path: Path) -> None:
    torch.save(network, tmp_path / "x.pt")
    state = resnet18_state(tmp_path / "x.pt", classes=8)
    resnet18(num_classes=8).load_state_dict(state, strict=True)
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor) and state[name].dtype == tensor.dtype
    state["fc.bias"].fill_(0)  # a copy of its own, which may be written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("conv1.weight"), "got no: conv1.weight. Choose"),
        (lambda s: s.update(extra=torch.ones(1)), "unexpected: extra"),
        (lambda s: s.update({"fc.bias": torch.ones(9)}), r"fc.bias \(9,\) instead of \(8,\)"),
        (lambda s: s.update({"fc.bias": torch.ones(8).long()}), "kind of number: fc.bias int64"),
        (lambda s: s["fc.bias"].fill_(float("nan")), "not finite: fc.bias"),
        (lambda s: [s.pop(k) for k in list(s) if "layer1" in k], "layer1.0.* and 21 more"),
    ],
)
def test_what_differs_is_named(
    change: Callable[[dict], object], message: str, network: nn.Module, tmp_path: Path
) -> None:
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    change(state)
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=message):
        resnet18_state(tmp_path / "x.pt", classes=8)


def test_another_number_of_classes_is_told(network: nn.Module, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"10 classes.*\(8, 512\) instead of \(10,"):
        resnet18_state(tmp_path / "x.pt", classes=10)


def test_missing_and_large_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="nothing at"):
        read_foreign(tmp_path / "absent.pt")
    monkeypatch.setattr(foreign, "MAX_BYTES", 10)
    with pytest.raises(CheckpointError, match="at most 10 bytes"):
        read(bytes(11), tmp_path)

"""Face networks in files: safe to open, and inseparable from what they read."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from models.face_networks import (
    DIMENSION,
    Improved,
    arrays,
    iresnet,
    mobile,
    photographs,
    randomised,
)
from models.torch_files import Calls
from safetensors.torch import save_file
from torch import Tensor, nn

from forget.errors import CheckpointError, PhotographError
from forget.models.backbone_file import load_backbone, save_backbone
from forget.models.checkpoint import to_bytes
from forget.models.convention import Convention
from forget.models.dialects import CONVENTIONS, Dialect
from forget.models.face_backbone import FaceBackbone
from forget.models.mobilefacenet import MobileFaceNet


@pytest.fixture(scope="module")
def small() -> MobileFaceNet:
    return mobile()


def saved(network: nn.Module, path: Path, **more: object) -> Path:
    torch.save({"epoch": 3, "net_state_dict": network.state_dict()} | more, path)
    return path


def test_embeddings_are_those_of_the_network(small: MobileFaceNet, tmp_path: Path) -> None:
    backbone = load_backbone(saved(small, tmp_path / "x.ckpt"))
    images = photographs(5)
    pixels = torch.from_numpy(images[:, :, 8:104].copy()).permute(0, 3, 1, 2)
    x = (pixels.double() - 127.5) / 128
    with torch.inference_mode():
        wanted = mobile().double()(x) + mobile().double()(x.flip(-1))
    raw = backbone.raw(images, batch=2)
    assert raw.dtype == np.float32 and raw.shape == (5, DIMENSION)
    np.testing.assert_allclose(raw, wanted, atol=1e-5 * float(wanted.abs().max()))
    unit = backbone.embed(images)
    np.testing.assert_allclose(unit, nn.functional.normalize(wanted), atol=1e-5)
    mirrored = backbone.embed(images[:, :, ::-1])
    np.testing.assert_allclose(mirrored, unit, atol=1e-5)
    assert backbone.embed(images[:0]).shape == (0, DIMENSION)


@pytest.mark.parametrize("shape", [(0, 5, 112, 3), (2, 112, 112), (2, 112, 95, 3)])
def test_other_photographs_are_refused(small: MobileFaceNet, shape: tuple[int, ...]) -> None:
    backbone = FaceBackbone(small, CONVENTIONS[Dialect.MOBILEFACENET], "x")
    with pytest.raises(PhotographError, match="112, 96 or 112, 3"):
        backbone.embed(np.zeros(shape, np.uint8))


def test_a_network_keeps_its_convention_in_its_file(small: MobileFaceNet, tmp_path: Path) -> None:
    convention = Convention("bgr", 3.0, 7.0, 112, 96, mirrored=False)
    centres = np.ones((4, DIMENSION), np.float32)
    one = FaceBackbone(small, convention, "somebody", centres, ("a note",))
    save_backbone(tmp_path / "x.safetensors", one)
    again = load_backbone(tmp_path / "x.safetensors")
    assert again.convention == convention and again.source == "somebody"
    assert again.notes == ("a note",) and np.array_equal(again.centres, centres)
    assert again.fingerprint == one.fingerprint
    assert np.array_equal(again.raw(photographs()), one.raw(photographs()))
    told = load_backbone(tmp_path / "x.safetensors", convention=CONVENTIONS[Dialect.MOBILEFACENET])
    assert told.convention.order == "rgb" and told.fingerprint != one.fingerprint
    with pytest.raises(CheckpointError, match="Say nothing"):
        load_backbone(tmp_path / "x.safetensors", dialect="adaface")
    with pytest.raises(CheckpointError, match="depth 50; got mobilefacenet"):
        load_backbone(tmp_path / "x.safetensors", depth=50)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something"},
        {"kind": ["iresnet"]},
        {"kind": "resnet"},
        {"network": {"dimension": 10**15}},
        {"network": {"dimension": "8"}},
        {"network": {"depth": 50, "dimension": 8}},
        {"network": [1]},
        {"convention": {"order": "rgb"}},
        {"convention": None},
        {"notes": "text"},
        {"source": 3},
        {"kind": "iresnet", "network": {"depth": [18]}},
        {"kind": "iresnet", "network": {"eps": "x"}},
        {"kind": "iresnet", "network": {"depth": 200}},
    ],
)
def test_a_changed_file_of_ours_is_refused(
    change: dict, small: MobileFaceNet, tmp_path: Path
) -> None:
    backbone = FaceBackbone(small, CONVENTIONS[Dialect.MOBILEFACENET], "x")
    about = {"format": "face backbone", **backbone.config, "source": "x", "notes": []}
    (tmp_path / "x.safetensors").write_bytes(to_bytes(backbone.tensors, about))
    load_backbone(tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(to_bytes(backbone.tensors, about | change))
    with pytest.raises(CheckpointError):
        load_backbone(tmp_path / "x.safetensors")


def test_centres_of_another_length_are_refused(small: MobileFaceNet, tmp_path: Path) -> None:
    for centres in (np.ones((4, 3), np.float32), np.ones(DIMENSION, np.float32)):
        one = FaceBackbone(small, CONVENTIONS[Dialect.MOBILEFACENET], "x", centres)
        save_backbone(tmp_path / "x.safetensors", one)
        with pytest.raises(CheckpointError, match="centres"):
            load_backbone(tmp_path / "x.safetensors")


def half(state: dict[str, Tensor], kind: torch.dtype) -> dict[str, Tensor]:
    return {name: one.to(kind) if one.is_floating_point() else one for name, one in state.items()}


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_safetensors_of_others_are_read(
    kind: torch.dtype, small: MobileFaceNet, tmp_path: Path
) -> None:
    state = half(small.state_dict(), kind)
    save_file({"module." + name: one for name, one in state.items()}, tmp_path / "x.safetensors")
    found = load_backbone(tmp_path / "x.safetensors").network.state_dict()
    assert all(torch.equal(found[name], one.to(found[name].dtype)) for name, one in state.items())


@pytest.mark.parametrize("name", ["x.safetensors", "x.ckpt", "x.pt", "x.onnx"])
def test_no_file_and_no_weights_are_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing at"):
        load_backbone(tmp_path / name)
    for data in (b"", b"text", bytes(range(256)), b"\xff" * 64):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CheckpointError, match=name):
            load_backbone(tmp_path / name)
    with pytest.raises(CheckpointError, match="one of the dialects arcface_torch, adaface"):
        load_backbone(tmp_path / name, dialect="facenet")


def test_nothing_of_a_file_is_run(small: MobileFaceNet, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    callback = Calls(os.system, f"touch {canary}")
    path = saved(small, tmp_path / "x.ckpt", callbacks=callback)
    assert load_backbone(path).dimension == DIMENSION
    assert not canary.exists()


def coloured(network: nn.Module, order: str, scale: float) -> nn.Module:
    """The network after a training on faces: its first layer has met their mean colour."""
    red_to_blue = torch.tensor([141.0, 108.0, 91.0])
    colour = red_to_blue if order == "rgb" else red_to_blue.flip(0)
    state = network.state_dict()
    weights = next(one for one in state.values() if one.ndim == 4)
    mean = next(one for name, one in state.items() if name.endswith("running_mean"))
    mean.copy_(weights.sum((2, 3)) @ ((colour - 127.5) / scale))
    return network


def test_the_order_of_channels_is_checked_against_the_first_layer(tmp_path: Path) -> None:
    path = saved(coloured(mobile(), "rgb", 128), tmp_path / "x.ckpt")
    assert load_backbone(path).notes == ()
    saved(coloured(mobile(), "bgr", 128), path)
    with pytest.raises(CheckpointError, match="network for RGB.*remembers BGR.*Convention"):
        load_backbone(path)
    said = CONVENTIONS[Dialect.MOBILEFACENET]
    told = load_backbone(path, convention=said)
    assert told.convention == said
    assert told.notes == ("told to read RGB, but its first layer remembers BGR photographs",)


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_where_names_tell_no_order_the_first_layer_does(order: str, tmp_path: Path) -> None:
    network = coloured(randomised(Improved(18, DIMENSION)), order, 127.5)
    save_file(prefix(network), tmp_path / "x.safetensors")
    found = load_backbone(tmp_path / "x.safetensors", depth=18)
    assert found.convention == Convention(order) and found.source == "cvlface"
    assert found.notes == (f"reads {order.upper()}: its first layer remembers "
                           f"{order.upper()} photographs",)  # fmt: skip


def test_an_order_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    network = randomised(Improved(18, DIMENSION))
    network.input_layer[1].running_mean.zero_()
    save_file(prefix(network), tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="cvlface names, which do not tell. Pass convention"):
        load_backbone(tmp_path / "x.safetensors")
    assert load_backbone(tmp_path / "x.safetensors", dialect="adaface").convention.order == "bgr"
    found = load_backbone(tmp_path / "x.safetensors", convention=Convention("rgb"))
    assert found.convention.order == "rgb" and found.notes == ()


def prefix(network: nn.Module) -> dict[str, Tensor]:
    return {f"net.{name}": one for name, one in network.state_dict().items()}


TRAINING: dict[str, Callable[[dict], dict]] = {
    "arcface_torch": lambda s: s,
    "a checkpoint of it": lambda s: {"epoch": 1, "state_dict_backbone": s, "state_optimizer": {}},
    "magface": lambda s: {
        "arch": "iresnet18",
        "state_dict": {
            **{f"features.module.{name}": one for name, one in s.items()},
            "parallel_fc.weight": torch.ones(4, DIMENSION),
        },
    },
}


@pytest.mark.parametrize("name", TRAINING)
def test_files_of_a_training_are_read(name: str, tmp_path: Path) -> None:
    network = iresnet()
    network.bn1.running_mean.zero_()  # no memory of a colour
    torch.save(TRAINING[name](network.state_dict()), tmp_path / "backbone.pth")
    found = load_backbone(tmp_path / "backbone.pth", depth=18)
    wanted = arrays(network)
    assert all(np.array_equal(one, wanted[key]) for key, one in found.tensors.items())
    assert found.network.config["eps"] == (2e-5 if name == "magface" else 1e-5)
    assert (found.centres is not None) == (name == "magface")
    json.dumps(found.config)
    with pytest.raises(CheckpointError, match="depth 50; got 18"):
        load_backbone(tmp_path / "backbone.pth", depth=50)

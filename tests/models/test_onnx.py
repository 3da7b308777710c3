"""ONNX files: the network that was exported comes back, and nothing else passes for one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models.face_networks import ADAFACE, MAGFACE, arrays, iresnet
from models.onnx_files import Export, model, node, put, tensor, varint

from forget.errors import CheckpointError
from forget.models import onnx_graph, protobuf
from forget.models.backbone_file import load_backbone
from forget.models.convention import Convention
from forget.models.face_backbone import build_network
from forget.models.iresnet import IResNet
from forget.models.onnx_graph import read_graph
from forget.models.onnx_weights import read_onnx
from forget.models.protobuf import Wire, signed


@pytest.fixture(scope="module")
def plain() -> IResNet:
    return iresnet()


def written(data: bytes, root: Path) -> Path:
    (root / "x.onnx").write_bytes(data)
    return root / "x.onnx"


FORMS = {
    "folded": ({}, {}),
    "folded to the end": ({}, {"last": True}),
    "unfolded": ({}, {"folded": False}),
    "biased": ({}, {"folded": False, "bias": 0.5}),
    "MXNet": (MAGFACE, {"folded": False, "shift": (127.5, 0.0078125)}),
    "AdaFace": (ADAFACE, {"pools": True}),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_exported_network_comes_back(form: str, tmp_path: Path) -> None:
    variant, how = FORMS[form]
    network = iresnet(**variant)
    path = written(Export(network, **how).file(listed=form == "MXNet"), tmp_path)
    if form == "AdaFace":
        with pytest.raises(CheckpointError, match="do not tell"):
            load_backbone(path)
        found = load_backbone(path, convention=Convention("bgr"))
        assert found.convention == Convention("bgr")
    else:
        found = load_backbone(path, dialect="onnx", depth=18)
        assert found.convention == Convention(scale=128.0 if form == "MXNet" else 127.5)
    x = torch.rand(1, 3, 112, 112, generator=torch.manual_seed(2))
    with torch.inference_mode():
        got, wanted = found.network(x), network(x)
    # Folding rounds every weight once more, and the depth multiplies it.
    torch.testing.assert_close(got, wanted, rtol=0, atol=3e-5 * float(wanted.abs().max()))
    wanted_eps = variant.get("eps", 1e-5)
    assert found.network.config["eps"] == wanted_eps and found.source == "onnx"
    assert found.network.config["strided"] == variant.get("strided", False)


def test_what_is_not_folded_comes_back_bit_for_bit(plain: IResNet, tmp_path: Path) -> None:
    found = read_onnx(written(Export(plain, folded=False).file(), tmp_path))
    network = build_network(found.kind, found.settings, found.tensors)
    wanted = arrays(plain)
    assert all(np.array_equal(one, wanted[name]) for name, one in arrays(network).items())


def edit(kind: str, **changes: object) -> Callable[[str, list[str], dict], None]:
    def change(seen: str, inputs: list[str], attributes: dict) -> None:
        if seen == kind:
            attributes.update(changes)

    return change


def rewire(kind: str, inputs: Callable[[list[str]], list[str]]) -> Callable:
    def change(seen: str, names: list[str], attributes: dict) -> None:
        if seen == kind:
            names[:] = inputs(names)

    return change


WRONG = {
    "stride": (edit("Conv", strides=(2, 2)), "with strides"),
    "border": (edit("Conv", pads=(0, 0, 0, 0)), "with pads"),
    "groups": (edit("Conv", group=2), "with group"),
    "holes": (edit("Conv", dilations=(2, 2)), "with dilations"),
    "border by name": (edit("Conv", auto_pad="SAME_UPPER"), "with auto_pad"),
    "training": (edit("BatchNormalization", training_mode=1), "another mode"),
    "epsilon": (edit("BatchNormalization", epsilon=(1, 2)), "onnx"),
    "factor": (edit("Gemm", alpha=2.0), "fc with"),
    "order": (edit("Flatten", axis=2), "another shape"),
    "sum": (rewire("Add", lambda names: [names[0], names[0]]), "a sum of"),
    "circle": (rewire("Flatten", lambda names: ["v0"]), "should be"),
    "constant": (rewire("PRelu", lambda names: [names[0], "out"]), "constant should be"),
    "unknown": (rewire("Gemm", lambda names: [*names[:2], "nowhere"]), "constant should be"),
    "short": (rewire("BatchNormalization", lambda names: names[:3]), "onnx"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_graph_of_something_else_is_refused(name: str, plain: IResNet, tmp_path: Path) -> None:
    change, message = WRONG[name]
    path = written(Export(plain, folded=False, change=change).file(), tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_onnx(path)
    assert "x.onnx" in caught.value.got and "w600k_r50" in caught.value.remedy


def test_nodes_left_over_are_refused(plain: IResNet, tmp_path: Path) -> None:
    export = Export(plain)
    extra = [*export.nodes, node("Relu", ["nothing"], "lost")]
    with pytest.raises(CheckpointError, match="more after the embedding: Relu"):
        read_onnx(written(model(extra, export.tensors), tmp_path))


def test_another_dialect_or_depth_is_refused(plain: IResNet, tmp_path: Path) -> None:
    path = written(Export(plain).file(), tmp_path)
    with pytest.raises(CheckpointError, match="names as magface"):
        load_backbone(path, dialect="magface")
    with pytest.raises(CheckpointError, match="depth 50; got 18"):
        load_backbone(path, depth=50)


@given(st.lists(st.tuples(st.integers(1, 2**28), st.integers(-(2**63), 2**63 - 1) | st.binary())))
def test_fields_are_read_as_they_were_written(fields: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(put(number, value) for number, value in fields)
    read = [
        (number, signed(value) if isinstance(value, int) else bytes(value))
        for number, value in Wire().fields(memoryview(data))
    ]
    assert read == fields
    for cut in range(len(data)):
        try:
            part = list(Wire().fields(memoryview(data[:cut])))
        except ValueError:
            continue
        assert len(part) <= len(fields)


@pytest.mark.parametrize("values", [[], [0], [1, -1, 2**63 - 1, -(2**63)]])
def test_packed_numbers_are_single_ones(values: list[int]) -> None:
    packed = memoryview(b"".join(varint(value) for value in values))
    assert list(Wire().numbers(packed)) == values
    assert [next(Wire().numbers(value % 2**64)) for value in values] == values


TENSORS = {
    "float": np.arange(6, dtype="<f4").reshape(2, 3),
    "half": np.arange(3, dtype="<f2"),
    "double": np.array([[0.1]]),
    "long": np.array([-1, 2**40]),
    "int": np.array([3, -4], "<i4"),
    "scalar": np.float32(2.5),
}


def test_constants_are_what_was_written(tmp_path: Path) -> None:
    kept = {name: np.asarray(value) for name, value in TENSORS.items()}
    nodes = [node("Relu", ["data"], "out", t=kept["float"], f=0.5, i=-3, s="x", ints=(1, -1))]
    graph = read_graph(written(model(nodes, kept), tmp_path))
    for name, value in kept.items():
        assert np.array_equal(graph.tensors[name], value)
        assert (
            graph.tensors[name].dtype == value.dtype and graph.tensors[name].shape == value.shape
        )
        assert not graph.tensors[name].flags.writeable or name == "long"
    ((one,), found) = graph.nodes, graph.nodes[0].attributes
    assert (one.kind, one.inputs, one.outputs) == ("Relu", ("data",), ("out",))
    assert np.array_equal(found["t"], kept["float"])
    assert {k: found[k] for k in ("f", "i", "s", "ints")} == {
        "f": 0.5, "i": -3, "s": "x", "ints": (1, -1)
    }  # fmt: skip


def test_listed_numbers_are_read_too(tmp_path: Path) -> None:
    values = np.array([1.5, -2], "<f4")
    packed = put(1, 2) + put(2, 1) + put(8, "a") + put(4, values.tobytes())
    single = put(1, 2) + put(2, 1) + put(8, "b") + put(4, 1.5) + put(4, -2.0)
    whole = put(1, 2) + put(2, 7) + put(8, "c") + put(7, varint(1) + varint(-2))
    graph = read_graph(written(put(7, put(5, packed) + put(5, single) + put(5, whole)), tmp_path))
    for name in "ab":
        assert np.array_equal(graph.tensors[name], values)
    assert graph.tensors["c"].tolist() == [1, -2]


HUGE = put(1, 2**31 - 1) + put(1, 2**31 - 1)
BAD = {
    "nothing": b"",
    "text": b"no model at all, but some text",
    "no graph": put(1, 8),
    "two graphs": put(7, b"") * 2,
    "a number for a graph": put(7, 5),
    "external": put(7, put(5, put(8, "w") + put(2, 1) + put(14, 1))),
    "too many numbers": put(7, put(5, put(1, 3) + put(2, 1) + put(9, bytes(8)))),
    "a huge shape": put(7, put(5, HUGE + put(2, 1) + put(9, bytes(8)))),
    "a negative shape": put(7, put(5, put(1, -1) + put(2, 1))),
    "many dimensions": put(7, put(5, put(1, 1) * 9 + put(2, 1) + put(9, bytes(4)))),
    "texts": put(7, put(5, tensor("t", np.zeros(1, "f4"), kind=8))),
    "two of a name": put(7, put(5, tensor("t", np.zeros(1, "f4"))) * 2),
    "two kinds": put(7, put(5, put(1, 1) + put(2, 1) + put(7, 1))),
    "a long name": put(7, put(1, put(4, "x" * 2000))),
    "no text": put(7, put(1, put(4, b"\xff\xfe"))),
    "a short number": put(7, put(1, put(5, put(1, "f") + put(2, b"xy")))),
    "a group": varint(7 << 3 | 3),
    "cut off": put(7, b"abc")[:-1],
    "endless number": b"\xff" * 11,
    "a length beyond": varint(7 << 3 | 2) + varint(2**63),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_file_is_refused(name: str, tmp_path: Path) -> None:
    path = written(BAD[name], tmp_path)
    with pytest.raises(ValueError):
        read_graph(path)
    with pytest.raises(CheckpointError, match="an iResNet in an ONNX file"):
        load_backbone(path)


def test_large_and_missing_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="nothing at"):
        load_backbone(tmp_path / "absent.onnx")
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 10)
    with pytest.raises(CheckpointError, match="more than 10 fields"):
        load_backbone(written(put(1, 8) * 11, tmp_path))
    with pytest.raises(ValueError, match="more than 10 numbers"):
        list(Wire().numbers(memoryview(bytes(11))))
    monkeypatch.setattr(onnx_graph, "MAX_NODES", 1)
    with pytest.raises(CheckpointError, match="more than 1 nodes"):
        load_backbone(written(put(7, put(1, b"") * 2), tmp_path))
    monkeypatch.setattr(onnx_graph, "MAX_BYTES", 5)
    with pytest.raises(CheckpointError, match="more than 5 bytes"):
        load_backbone(written(bytes(6), tmp_path))


SMALL = model(
    [
        node("Sub", ["data", "c"], "a"),
        node("Conv", ["a", "w"], "b", strides=(1, 1), pads=(1,) * 4, group=1),
        node("BatchNormalization", ["b", *"wwww"], "out", epsilon=1e-5),
        node("Constant", [], "k", value=np.ones(2, "<f4")),
    ],
    {"c": np.float32(127.5), "w": np.ones((64, 3, 3, 3), "<f4")},
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.binary(max_size=3)), max_size=4))
def test_whatever_is_changed_a_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(SMALL)
    for place, piece in changes:
        head = place % 400  # where the messages are; the rest is numbers
        data[head : head + 1] = piece
    path = written(bytes(data), tmp_path_factory.getbasetemp())
    with pytest.raises(CheckpointError, match="ONNX"):
        read_onnx(path)

"""The graph in an ONNX file: its nodes, and its constants as views of the file."""

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.models.checkpoint import Tensors
from forget.models.protobuf import Wire, signed

__all__ = ["MAX_BYTES", "Graph", "Node", "read_graph"]

MAX_BYTES = 4 * 2**30
MAX_NODES = 20_000
MAX_DIMENSIONS = 8
MAX_NAME = 1_000  # bytes
EXTERNAL = 1  # the weights lie in another file
DTYPES = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
LISTED = {4: "<f4", 10: "<f8"}  # field numbers of fixed-width lists, beside raw_data


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Arguments:
        kind: Its operator, such as "Conv"; with its domain where it is not a standard one.
        inputs: Names of values; empty ones were left out.
        outputs: Names of values.
        attributes: Numbers, texts, tuples of whole numbers and arrays by name.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Graph:
    """A network as data.

    Arguments:
        nodes: In the order of the file.
        tensors: Constants by name, read-only.
        inputs: Names of what is not constant.
        outputs: Names of results.
    """

    nodes: tuple[Node, ...]
    tensors: Tensors = field(repr=False)
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_graph(path: str | Path) -> Graph:
    """Reads an ONNX file without copying its weights; the file stays mapped while they live.

    References:
        | https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

    Raises:
        OSError: No such file.
        ValueError: Not such a file, a damaged one, or one whose weights lie elsewhere.
    """
    with Path(path).open("rb") as file:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    wire = Wire()
    graphs = [_bytes(value) for number, value in wire.fields(data) if number == 7]
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} graphs")
    return _graph(wire, graphs[0])


def _graph(wire: Wire, message: memoryview) -> Graph:
    nodes: list[Node] = []
    tensors: Tensors = {}
    inputs: list[str] = []
    outputs: list[str] = []
    for number, value in wire.fields(message):
        if number == 1:
            nodes.append(_node(wire, _bytes(value)))
        elif number == 5:
            name, tensor = _tensor(wire, _bytes(value))
            if tensors.setdefault(name, tensor) is not tensor:
                raise ValueError(f"two tensors called {name[:60]!r}")
        elif number in (11, 12):
            names = [_text(one) for key, one in wire.fields(_bytes(value)) if key == 1]
            (inputs if number == 11 else outputs).extend(names)
        if len(nodes) > MAX_NODES:
            raise ValueError(f"more than {MAX_NODES:,} nodes")
    real = tuple(name for name in inputs if name not in tensors)  # older files list all constants
    return Graph(tuple(nodes), tensors, real, tuple(outputs))


def _node(wire: Wire, message: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Any] = {}
    kind = domain = ""
    for number, value in wire.fields(message):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            kind = _text(value)
        elif number == 5:
            attributes.update([_attribute(wire, _bytes(value))])
        elif number == 7:
            domain = _text(value)
    kind = kind if domain in ("", "ai.onnx") else f"{domain}.{kind}"
    return Node(kind, tuple(inputs), tuple(outputs), attributes)


def _attribute(wire: Wire, message: memoryview) -> tuple[str, Any]:
    name, found, many = "", None, []
    for number, value in wire.fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:
            found = float(np.frombuffer(_bytes(value), "<f4", 1)[0])
        elif number == 3 and isinstance(value, int):
            found = signed(value)
        elif number == 4:
            found = _text(value)
        elif number == 5:
            found = _tensor(wire, _bytes(value))[1]
        elif number == 8:
            many.extend(wire.numbers(value))
    return name, tuple(many) if found is None else found


def _tensor(wire: Wire, message: memoryview) -> tuple[str, NDArray[Any]]:
    shape: list[int] = []
    name, kind = "", 0
    pieces: list[memoryview] = []
    whole: list[int] = []
    for number, value in wire.fields(message):
        if number == 1:
            shape.extend(wire.numbers(value))
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 7:
            whole.extend(wire.numbers(value))
        elif number == 8:
            name = _text(value)
        elif number == 9 or number in LISTED and DTYPES.get(kind) == LISTED[number]:
            pieces.append(_bytes(value))
        elif number == 14 and value == EXTERNAL:
            raise ValueError("weights in another file; save the model in one file")
    if kind not in DTYPES:
        raise ValueError(f"tensor {name[:60]!r} of the type number {kind}")
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if whole and (kind != 7 or len(data)):
        raise ValueError(f"tensor {name[:60]!r} with numbers of two kinds")
    values = np.array(whole, "<i8") if whole else np.frombuffer(data, DTYPES[kind])
    fits = len(shape) <= MAX_DIMENSIONS and all(0 <= side < 2**31 for side in shape)
    if not fits or len(values) != math.prod(shape):
        raise ValueError(f"tensor {name[:60]!r} of {len(values)} numbers as {tuple(shape[:9])}")
    return name, values.reshape(shape)


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")
    return value


def _text(value: int | memoryview) -> str:
    data = _bytes(value)
    if len(data) > MAX_NAME:
        raise ValueError(f"a name of {len(data):,} bytes")
    return bytes(data).decode("utf-8")

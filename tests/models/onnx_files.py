"""What tests of ONNX files share: networks written as exporters write them, byte by byte."""

import struct
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from models.face_networks import Arrays, arrays

from forget.models.iresnet import STAGES, IResNet


def varint(value: int) -> bytes:
    value %= 2**64  # negative numbers are written as if they were unsigned
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def put(number: int, value: int | float | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: np.ndarray, kind: int | None = None) -> bytes:
    kinds = {"f4": 1, "i4": 6, "i8": 7, "f2": 10, "f8": 11}
    dims = b"".join(put(1, side) for side in values.shape)
    number = kinds[values.dtype.str[1:]] if kind is None else kind
    return dims + put(2, number) + put(8, name) + put(9, values.tobytes())


def attribute(name: str, value: object) -> bytes:
    if isinstance(value, tuple):
        return put(1, name) + b"".join(put(8, one) for one in value) + put(20, 7)
    if isinstance(value, np.ndarray):
        return put(1, name) + put(5, tensor("", value)) + put(20, 4)
    number = {float: 2, int: 3, str: 4}[type(value)]
    return put(1, name) + put(number, value)  # type: ignore[arg-type]


def node(kind: str, inputs: Sequence[str], output: str, **attributes: object) -> bytes:
    wires = b"".join(put(1, name) for name in inputs) + put(2, output)
    more = b"".join(put(5, attribute(name, value)) for name, value in attributes.items())
    return wires + put(4, kind) + more


def model(
    nodes: Sequence[bytes], tensors: Mapping[str, np.ndarray], listed: bool = False
) -> bytes:
    """A file with one input "data" and one output "out"; older files list constants as inputs."""
    graph = b"".join(put(1, one) for one in nodes)
    graph += b"".join(put(5, tensor(name, values)) for name, values in tensors.items())
    inputs = ["data", *tensors] if listed else ["data"]
    graph += b"".join(put(11, put(1, name)) for name in inputs) + put(12, put(1, "out"))
    return put(1, 8) + put(7, graph) + put(8, put(2, 11))


class Export:
    """Writes an iResNet as exporters do.

    Arguments:
        network: In evaluation mode.
        folded: Whether batch normalisations behind convolutions are folded into them.
        last: Whether the last one is folded into the linear map.
        shift: Offset and factor of a Sub and a Mul at the start.
        pools: Whether all shortcuts without parameters are poolings, as AdaFace has them.
        bias: Of convolutions that are not folded; the normalisations behind them take it away.
        change: Edits a node before it is written: (kind, inputs, attributes).
    """

    def __init__(
        self,
        network: IResNet,
        folded: bool = True,
        last: bool = False,
        shift: tuple[float, float] | None = None,
        pools: bool = False,
        bias: float = 0.0,
        change: Callable[[str, list[str], dict], None] = lambda *_: None,
    ) -> None:
        self.state = arrays(network)
        self.eps = float(network.config["eps"])
        self.folded, self.pools, self.bias, self.change = folded, pools, bias, change
        self.nodes: list[bytes] = []
        self.tensors: Arrays = {}
        value = "data"
        if shift:
            for kind, number in zip(("Sub", "Mul"), shift, strict=True):
                value = self.add(kind, [value, self.keep(kind, np.float32(number))])
        value = self.prelu(self.conv(value, "conv1", "bn1", 1), "prelu")
        for stage, count in enumerate(STAGES[network.config["depth"]]):
            for index in range(count):
                value = self.block(value, f"layer{stage + 1}.{index}", 1 if index else 2)
        value = self.add("Flatten", [self.norm(value, "bn2")], axis=1)
        self.finish(value, last)

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: object) -> str:
        self.change(kind, inputs, attributes)
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, output, **attributes))
        return output

    def keep(self, name: str, values: np.ndarray) -> str:
        self.tensors[name] = np.asarray(values)
        return name

    def parts(self, name: str) -> list[np.ndarray]:
        ones = np.ones_like(self.state[f"{name}.running_var"])
        weight = self.state.get(f"{name}.weight", ones)
        bias = self.state.get(f"{name}.bias", 0 * ones)
        return [weight, bias, *(self.state[f"{name}.running_{one}"] for one in ("mean", "var"))]

    def norm(self, value: str, name: str, output: str = "") -> str:
        inputs = [self.keep(f"{name}{k}", part) for k, part in enumerate(self.parts(name))]
        kind = "BatchNormalization"
        return self.add(kind, [value, *inputs], output, epsilon=self.eps, momentum=0.9)

    def fold(self, weights: np.ndarray, bias: np.ndarray, name: str) -> list[np.ndarray]:
        w, b, mean, var = (part.astype(np.float64) for part in self.parts(name))
        factor = w / np.sqrt(var + self.eps)
        scaled = weights * factor.reshape(-1, *[1] * (weights.ndim - 1))
        return [one.astype(np.float32) for one in (scaled, (bias - mean) * factor + b)]

    def conv(self, value: str, name: str, norm: str, stride: int) -> str:
        weights = self.state[f"{name}.weight"]
        side = weights.shape[2]
        kept = [weights, np.full(len(weights), self.bias, np.float32)]
        if self.folded:
            kept = self.fold(*kept, norm)
        else:
            self.state[f"{norm}.running_mean"] = self.state[f"{norm}.running_mean"] + kept[1]
            kept = kept if self.bias else kept[:1]
        inputs = [self.keep(f"{name}{k}", one) for k, one in enumerate(kept)]
        shape = {"kernel_shape": (side, side), "strides": (stride, stride)}
        pads = {"pads": (side // 2,) * 4, "dilations": (1, 1), "group": 1}
        value = self.add("Conv", [value, *inputs], **shape, **pads)
        return value if self.folded else self.norm(value, norm)

    def prelu(self, value: str, name: str) -> str:
        slope = self.state[f"{name}.weight"].reshape(-1, 1, 1)
        return self.add("PRelu", [value, self.keep(name, slope)])

    def block(self, value: str, name: str, stride: int) -> str:
        inner = self.conv(self.norm(value, f"{name}.bn1"), f"{name}.conv1", f"{name}.bn2", 1)
        inner = self.prelu(inner, f"{name}.prelu")
        inner = self.conv(inner, f"{name}.conv2", f"{name}.bn3", stride)
        if f"{name}.downsample.0.weight" in self.state:
            value = self.conv(value, f"{name}.downsample.0", f"{name}.downsample.1", stride)
        elif self.pools or stride > 1:
            sides = {"kernel_shape": (1, 1), "strides": (stride, stride), "pads": (0,) * 4}
            value = self.add("MaxPool", [value], **sides)
        return self.add("Add", [inner, value])

    def finish(self, value: str, last: bool) -> None:
        kept = [self.state["fc.weight"], self.state["fc.bias"]]
        kept = self.fold(*kept, "features") if last else kept
        inputs = [self.keep(f"fc{k}", one) for k, one in enumerate(kept)]
        scales = {"alpha": 1.0, "beta": 1.0, "transB": 1}
        value = self.add("Gemm", [value, *inputs], "out" if last else "", **scales)
        if not last:
            self.norm(value, "features", "out")

    def file(self, listed: bool = False) -> bytes:
        return model(self.nodes, self.tensors, listed)

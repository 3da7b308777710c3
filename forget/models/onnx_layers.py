"""Layers of a face network, recognised in a graph one after the other."""

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.models.checkpoint import Tensors
from forget.models.onnx_graph import Graph, Node

__all__ = ["Layers"]

EPS = 1e-5  # what ONNX means where a node says nothing
PASSING = ("Identity", "Dropout")
EITHER = ("Add", "Mul", "Sub", "Div")  # whose operands are compared one by one


class Layers:
    """Takes nodes off a graph, checks each, and keeps its parameters in our names.

    Every method takes the name of a value and returns that of the next one; `among` says that
    the value has other users too.

    Arguments:
        graph: With one input and one output.

    Raises:
        ValueError: By any method: the graph has something else at this place.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.constants: Tensors = dict(graph.tensors)
        self.tensors: Tensors = {}
        self.eps = _eps(graph)
        self._left: set[int] = set()
        self._users: dict[str, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            self._enter(node)

    def _enter(self, node: Node) -> None:
        if node.kind == "Constant" and isinstance(node.attributes.get("value"), np.ndarray):
            self.constants[node.outputs[0]] = node.attributes["value"]
        elif node.kind == "Identity" and node.inputs[0] in self.constants:
            # Exporters save equal constants once.
            self.constants[node.outputs[0]] = self.constants[node.inputs[0]]
        else:
            self._left.add(id(node))
            for name in {*node.inputs} - {*self.constants}:
                self._users[name].append(node)

    def start(self) -> str:
        """The input."""
        if len(self.graph.inputs) != 1 or len(self.graph.outputs) != 1:
            ends = f"{len(self.graph.inputs)} inputs and {len(self.graph.outputs)} outputs"
            raise ValueError(f"{ends} instead of one each")
        return self.graph.inputs[0]

    def users(self, value: str) -> list[Node]:
        """Nodes that read a value."""
        return self._users.get(value, [])

    def normalised(self, value: str) -> tuple[str, float, float]:
        """The offset and the scale of (x - offset) / scale at the start; 0 and 1 where none is."""
        offset, scale = 0.0, 1.0
        while [node.kind for node in self.users(value)] in (["Sub"], ["Mul"], ["Div"]):
            node = self._next(value, ("Sub", "Mul", "Div"))
            if node.inputs[0] != value and node.kind != "Mul":
                raise ValueError(f"{node.kind} the wrong way round")
            (name,) = {*node.inputs} - {value}
            number = float(self._constant(name).reshape(()))
            if node.kind == "Sub":
                offset += number * scale
            else:
                scale = scale / number if node.kind == "Mul" else scale * number
            value = node.outputs[0]
        return value, offset, scale

    def convolved(
        self,
        value: str,
        convolution: str,
        normalisation: str,
        shape: tuple[int, int, int, int],
        stride: int,
        among: bool = False,
    ) -> str:
        """A convolution and the batch normalisation behind it, or one into which it was folded."""
        node = self._next(value, ("Conv",), among)
        weights, *bias = (self._constant(name) for name in node.inputs[1:])
        side = shape[2]
        border = side // 2
        wanted = {
            "strides": (stride, stride),
            "pads": (border,) * 4,
            "kernel_shape": (side, side),
            "dilations": (1, 1),
            "group": 1,
            "auto_pad": "NOTSET",
        }
        usual = wanted | {"strides": (1, 1), "pads": (0,) * 4}
        for name, one in wanted.items():
            if node.attributes.get(name, usual[name]) != one:
                raise ValueError(f"{convolution} with {name} {node.attributes.get(name)}")
        self._keep(f"{convolution}.weight", weights, shape)
        offset = bias[0] if bias else np.zeros(shape[0], np.float32)
        following = self.users(node.outputs[0])
        if [one.kind for one in following] == ["BatchNormalization"]:
            value = self.scaled(node.outputs[0], normalisation)
            mean = self.tensors[f"{normalisation}.running_mean"]
            # What the bias adds, the mean takes away.
            self._keep(f"{normalisation}.running_mean", mean - offset, (shape[0],))
            return value
        self.unscaled(normalisation, shape[0])
        self._keep(f"{normalisation}.bias", offset, (shape[0],))
        return node.outputs[0]

    def unscaled(self, name: str, channels: int) -> None:
        """A batch normalisation that changes nothing, for one that was folded into its input."""
        ones = np.ones(channels, np.float32)
        parts = {"weight": ones, "bias": 0 * ones, "running_mean": 0 * ones}
        for part, tensor in (parts | {"running_var": ones - np.float32(self.eps)}).items():
            self._keep(f"{name}.{part}", tensor, (channels,))

    def scaled(self, value: str, name: str, among: bool = False) -> str:
        """A batch normalisation with fixed statistics."""
        node = self._next(value, ("BatchNormalization",), among)
        if node.attributes.get("training_mode", 0) or not node.attributes.get("spatial", 1):
            raise ValueError(f"{name} in another mode than for inference")
        weight, bias, mean, variance = (self._constant(one) for one in node.inputs[1:])
        parts = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
        for part, tensor in parts.items():
            self._keep(f"{name}.{part}", tensor, weight.shape)
        return node.outputs[0]

    def activated(self, value: str, name: str) -> str:
        """A PReLU with a slope per channel."""
        node = self._next(value, ("PRelu",))
        slope = self._constant(node.inputs[1])
        if slope.size != max(slope.shape, default=0):
            raise ValueError(f"{name} with slopes of shape {slope.shape}")
        self._keep(f"{name}.weight", slope.reshape(-1), (slope.size,))
        return node.outputs[0]

    @staticmethod
    def idle(node: Node) -> bool:
        """Whether it is a pooling without a stride."""
        return node.kind == "MaxPool" and {*node.attributes.get("strides", (1, 1))} == {1}

    def skipped(self, value: str, stride: int) -> str:
        """Every `stride`-th pixel, as a pooling over single ones."""
        node = self._next(value, ("MaxPool",), among=True)
        sides = [node.attributes.get(name, (1, 1)) for name in ("kernel_shape", "strides")]
        borders = {*node.attributes.get("pads", ())}
        odd = borders - {0} or node.attributes.get("ceil_mode", 0)
        if odd or sides != [(1, 1), (stride, stride)]:
            raise ValueError(f"a shortcut that pools {sides}")
        return node.outputs[0]

    def added(self, value: str, shortcut: str) -> str:
        """Their sum."""
        node = self._next(value, ("Add",))
        if {*node.inputs} != {value, shortcut} or len(node.inputs) != 2:
            raise ValueError(f"a sum of {node.inputs}")
        return node.outputs[0]

    def same(self, value: str) -> str:
        """What follows nodes that do nothing in inference."""
        while [node.kind in PASSING for node in self.users(value)] == [True]:
            value = self._next(value, PASSING).outputs[0]
        return value

    def flat(self, value: str) -> str:
        """One row per face: channels, then rows, then columns."""
        node = self._next(value, ("Flatten", "Reshape"))
        if node.kind == "Flatten":
            fits = node.attributes.get("axis", 1) == 1
        else:
            fits = self._constant(node.inputs[1]).shape == (2,)
        if not fits:
            raise ValueError(f"{node.kind} into another shape")
        return node.outputs[0]

    def mapped(self, value: str, name: str, columns: int) -> str:
        """A linear map with an offset."""
        node = self._next(value, ("Gemm",))
        usual = {"alpha": 1.0, "beta": 1.0, "transA": 0}
        if any(node.attributes.get(key, one) != one for key, one in usual.items()):
            raise ValueError(f"{name} with {dict(node.attributes)}")
        weights, bias = (self._constant(one) for one in node.inputs[1:])
        weights = weights if node.attributes.get("transB", 0) else weights.T
        self._keep(f"{name}.weight", weights, (bias.size, columns))
        self._keep(f"{name}.bias", bias, (bias.size,))
        return node.outputs[0]

    def finish(self, value: str) -> None:
        """The output, with nothing left over."""
        if value != self.graph.outputs[0] or self._left:
            kinds = sorted({n.kind for n in self.graph.nodes if id(n) in self._left})
            raise ValueError(f"more after the embedding: {', '.join(kinds)[:100] or 'nothing'}")

    def _next(self, value: str, kinds: tuple[str, ...], among: bool = False) -> Node:
        users = self.users(value)
        found = [node for node in users if node.kind in kinds]
        if len(found) != 1 or not among and len(users) != 1:
            got = ", ".join(sorted(node.kind for node in users))[:100]
            raise ValueError(f"{got or 'nothing'} where {' or '.join(kinds)} should be")
        (node,) = found
        if id(node) not in self._left or not node.outputs:
            raise ValueError(f"{node.kind} in a circle")
        if node.kind not in EITHER and node.inputs[0] != value:
            raise ValueError(f"{node.kind} of constants")
        self._left.remove(id(node))
        return node

    def _constant(self, name: str) -> NDArray[Any]:
        if name not in self.constants:
            raise ValueError(f"{name[:60]!r}, which is computed, where a constant should be")
        return self.constants[name]

    def _keep(self, name: str, tensor: NDArray[Any], shape: tuple[int, ...]) -> None:
        if tensor.shape != shape:
            raise ValueError(f"{name} {tensor.shape} instead of {shape}")
        self.tensors[name] = tensor


def _eps(graph: Graph) -> float:
    """What all batch normalisations add to variances; in float32 as in the file, shortly."""
    said = {
        node.attributes.get("epsilon", EPS)
        for node in graph.nodes
        if node.kind == "BatchNormalization"
    }
    short = {float(str(np.float32(one))) for one in said}
    if not said:
        raise ValueError(
            "no batch normalisation before a convolution, which every block begins with"
        )
    if len(short) != 1:
        raise ValueError(f"batch normalisations with epsilon {sorted(short)[:4]}")
    return short.pop()

"""An iResNet in an ONNX file, such as w600k_r50.onnx, read back into our names.

Exporters drop names, fold batch normalisations into the convolutions before them and leave a
graph. It is followed from the photograph to the embedding, and every node has to be what an
iResNet has at that place; so a detector or another network is told, not loaded.
"""

from pathlib import Path
from typing import Any

from forget.errors import CheckpointError
from forget.models.convention import Convention
from forget.models.dialects import Dialect, Translated
from forget.models.iresnet import GRID, STAGES, WIDTHS
from forget.models.onnx_graph import Graph, Node, read_graph
from forget.models.onnx_layers import Layers

__all__ = ["read_onnx"]

REMEDY = "Choose the recognition network of a pack, such as w600k_r50.onnx or glintr100.onnx."


def read_onnx(path: str | Path) -> Translated:
    """Reads an iResNet from an ONNX file that torch or MXNet exported.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019)

    Arguments:
        path: The file; nothing beside it is read.

    Returns:
        The network in our names. A subtraction and a multiplication at its start become part of
        its input convention. Order and scale of the input are known for networks as arcface_torch
        exports them, not for those in the form of AdaFace's or MagFace's.

    Raises:
        CheckpointError: Not such a file, a damaged one, or another network.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError("an ONNX file", f"nothing at {path}", "Check the path.")
    try:
        return _Reader(read_graph(path)).network()
    except (ValueError, OSError, LookupError, TypeError, ArithmeticError) as error:
        got = f"{path.name} ({str(error)[:200] or type(error).__name__})"
        raise CheckpointError("an iResNet in an ONNX file", got, REMEDY) from error


class _Reader:
    """Follows the graph from its input."""

    def __init__(self, graph: Graph) -> None:
        self.layers = Layers(graph)
        self.blocks: list[int] = []  # per stage
        self.strided: bool | None = None

    def network(self) -> Translated:
        layers = self.layers
        value = layers.start()
        value, offset, scale = layers.normalised(value)
        value = layers.convolved(value, "conv1", "bn1", (WIDTHS[0], 3, 3, 3), stride=1)
        value = layers.activated(value, "prelu")
        while len(users := layers.users(value)) == 2:
            value = self._block(value, users)
        value = layers.scaled(value, "bn2")
        value = layers.flat(layers.same(value))
        value = layers.mapped(layers.same(value), "fc", WIDTHS[-1] * GRID)
        if layers.users(value):
            value = layers.scaled(value, "features")
        else:  # folded into the linear map
            layers.unscaled("features", len(layers.tensors["fc.bias"]))
        layers.finish(value)
        if tuple(self.blocks) not in STAGES.values():
            raise ValueError(f"{'-'.join(map(str, self.blocks))} blocks")
        depth = {known: depth for depth, known in STAGES.items()}[tuple(self.blocks)]
        settings: dict[str, Any] = {
            "depth": depth,
            "dimension": len(layers.tensors["fc.bias"]),
            "eps": layers.eps,
            "strided": bool(self.strided),
        }
        known = not self.strided and (layers.eps == 1e-5 or (offset, scale) != (0.0, 1.0))
        if (offset, scale) == (0.0, 1.0):
            offset = scale = 127.5
        convention = Convention(offset=offset, scale=scale) if known else None
        return Translated(Dialect.ONNX, "iresnet", settings, layers.tensors, convention)

    def _block(self, value: str, users: list[Node]) -> str:
        """A pre-activation block: its input goes into a normalisation and into a shortcut."""
        layers = self.layers
        kinds = {node.kind for node in users}
        first = "Add" not in kinds and not any(layers.idle(node) for node in users)
        if first:
            self.blocks.append(0)
        if not 0 < len(self.blocks) <= len(WIDTHS):
            raise ValueError(f"a block in stage {len(self.blocks)}")
        stage, index = len(self.blocks), self.blocks[-1]
        if index >= 100:
            raise ValueError("more than 100 blocks in a stage")
        after = WIDTHS[stage - 1]
        before = WIDTHS[max(stage - 2, 0)] if first else after
        self.blocks[-1] += 1
        place = f"layer{stage}.{index}"
        inner = layers.scaled(value, f"{place}.bn1", among=True)
        names = f"{place}.conv1", f"{place}.bn2"
        inner = layers.convolved(inner, *names, (after, before, 3, 3), stride=1)
        inner = layers.activated(inner, f"{place}.prelu")
        names = f"{place}.conv2", f"{place}.bn3"
        stride = 2 if first else 1
        inner = layers.convolved(inner, *names, (after, after, 3, 3), stride=stride)
        shortcut = value
        if "Conv" in kinds:
            names = f"{place}.downsample.0", f"{place}.downsample.1"
            shape = after, before, 1, 1
            shortcut = layers.convolved(value, *names, shape, stride=2, among=True)
        elif "MaxPool" in kinds:
            shortcut = layers.skipped(value, stride)
        if first and before == after:
            self.strided = "Conv" not in kinds
        return layers.added(inner, shortcut)

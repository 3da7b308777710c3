"""Names under which public projects save face networks, and their translation into ours."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.errors import CheckpointError
from forget.models.checkpoint import Tensors
from forget.models.convention import Convention
from forget.models.ir_names import ir_name
from forget.models.iresnet import STAGES

__all__ = ["CONVENTIONS", "Dialect", "Translated", "translate"]


class Dialect(StrEnum):
    """Who saved a network."""

    ARCFACE = "arcface_torch"
    ADAFACE = "adaface"
    CVLFACE = "cvlface"  # also AdaFace's without its head, which has the same names
    MAGFACE = "magface"
    MOBILEFACENET = "mobilefacenet"  # Xiaoccer's, of 112 x 96 pixels
    ONNX = "onnx"


# CVLface turns channels around by a setting beside the weights, so its names tell no order.
CONVENTIONS: Mapping[Dialect, Convention] = {
    Dialect.ARCFACE: Convention(),
    Dialect.ADAFACE: Convention("bgr"),
    Dialect.MAGFACE: Convention("bgr", offset=0.0, scale=255.0, mirrored=False),
    Dialect.MOBILEFACENET: Convention(scale=128.0, width=96),
}
# Names alone do not tell these apart, so a caller may say which it is.
ALIKE = {(Dialect.ARCFACE, Dialect.MAGFACE), (Dialect.CVLFACE, Dialect.ADAFACE)}
IR_OPTIONS = {"strided": True, "affine": False}
ARCFACE_SIGNS = ("conv1.weight", "layer1.0.prelu.weight")
IR_SIGNS = ("input_layer.0.weight", "body.0.res_layer.1.weight")
SIGNS = (
    (ARCFACE_SIGNS, "", Dialect.ARCFACE),
    (ARCFACE_SIGNS, "features.module.", Dialect.MAGFACE),
    (ARCFACE_SIGNS, "features.", Dialect.MAGFACE),
    (ARCFACE_SIGNS, "module.features.", Dialect.MAGFACE),
    (IR_SIGNS, "model.", Dialect.ADAFACE),
    (IR_SIGNS, "net.", Dialect.CVLFACE),
    (IR_SIGNS, "", Dialect.CVLFACE),
    (("dw_conv1.conv.weight", "linear7.conv.weight"), "", Dialect.MOBILEFACENET),
)
# The head of the training, and whether people are its columns; None for what is no centre.
HEADS: Mapping[Dialect, Mapping[str, bool | None]] = {
    Dialect.ARCFACE: {},
    Dialect.CVLFACE: {},
    Dialect.MOBILEFACENET: {},
    Dialect.ADAFACE: {
        "head.kernel": True,
        "head.t": None,
        "head.batch_mean": None,
        "head.batch_std": None,
    },
    Dialect.MAGFACE: {
        "fc.weight": True,
        "module.fc.weight": True,
        "parallel_fc.weight": False,
        "module.parallel_fc.weight": False,
    },
}
STAGED = re.compile(r"layer([1-4])\.([0-9]{1,3})\.")
NUMBERED = re.compile(r"body\.([0-9]{1,3})\.")
Head = list[tuple[NDArray[Any], bool]]
CHOOSE = "Choose a file of weights of one of these networks, as their projects publish them."


@dataclass(frozen=True, eq=False)
class Translated:
    """A network of another project in our names, not yet compared with the network.

    Arguments:
        dialect: Who saved it.
        kind: "iresnet" or "mobilefacenet".
        settings: What builds the network.
        tensors: Its parameters; names that have no translation are left as they are.
        convention: What it reads; None where nobody can know from the file.
        centres: Class centres (c, d) of the softmax it was trained with, where the file has them.
    """

    dialect: Dialect
    kind: str
    settings: dict[str, Any]
    tensors: Tensors = field(repr=False)
    convention: Convention | None = None
    centres: NDArray[np.floating] | None = field(default=None, repr=False)


def translate(tensors: Tensors, dialect: Dialect | None = None) -> Translated:
    """Recognises whose names these are, and gives every tensor our name for it.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019)
        | MagFace: A Universal Representation for Face Recognition and Quality Assessment
        | (Meng et al., 2021)
        | AdaFace: Quality Adaptive Margin for Face Recognition (Kim et al., 2022)

    Arguments:
        tensors: By the names in the file.
        dialect: Whose they are. It is needed only where names do not tell: MagFace's without
            their prefix look like arcface_torch's, AdaFace's without a head like CVLface's.

    Raises:
        CheckpointError: Nobody's names, another dialect than was said, or no known depth.
    """
    seen, prefix = _recognised(tensors)
    if dialect is not None and dialect != seen and (seen, dialect) not in ALIKE:
        raise CheckpointError(
            f"names as {dialect} saves them",
            f"those of {seen}",
            f"Say {seen.value!r}, or nothing.",
        )
    body, head = _divided(tensors, prefix, HEADS[seen])
    said = dialect or seen
    return _TRANSLATORS[seen](said, body, _centres(head))


def _recognised(tensors: Tensors) -> tuple[Dialect, str]:
    """The dialect, and what stands before the names of the network itself."""
    for signs, prefix, dialect in SIGNS:
        if all(prefix + sign in tensors for sign in signs):
            return dialect, prefix
    shown = ", ".join(name[:60] for name in sorted(tensors)[:4])
    raise CheckpointError(
        "weights of a face network as arcface_torch, AdaFace, CVLface, MagFace or MobileFaceNet "
        "name them",
        f"{len(tensors):,} tensors: {shown or 'none'}",
        CHOOSE,
    )


def _divided(
    tensors: Tensors, prefix: str, heads: Mapping[str, bool | None]
) -> tuple[Tensors, Head]:
    """The network without its prefix, and the centres; whatever else is left in the network."""
    body: Tensors = {}
    head: Head = []
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            # Once: the last batch normalisation is called "features" too.
            _add(body, name.removeprefix(prefix), tensor)
        elif name in heads:
            columns = heads[name]
            if columns is not None:
                head.append((tensor, columns))
        else:
            _add(body, name, tensor)
    return body, head


def _add(tensors: Tensors, name: str, tensor: NDArray[Any]) -> None:
    if name in tensors:
        raise CheckpointError("one tensor of a name", f"two of {name[:60]}", CHOOSE)
    tensors[name] = tensor


def _centres(head: Head) -> NDArray[Any] | None:
    if not head:
        return None
    if len(head) > 1 or head[0][0].ndim != 2 or head[0][0].dtype.kind != "f":
        shapes = ", ".join(str(tensor.shape) for tensor, _ in head[:4])
        raise CheckpointError("one matrix of class centres", f"shapes {shapes}", CHOOSE)
    ((tensor, columns),) = head
    return tensor.T if columns else tensor


def _arcface(dialect: Dialect, body: Tensors, centres: NDArray[Any] | None) -> Translated:
    found = {match.groups() for name in body if (match := STAGED.match(name))}
    counts = Counter(stage for stage, _ in found)
    blocks = tuple(counts[stage] for stage in "1234")
    depth = _depth(blocks, lambda known: known, f"{'-'.join(map(str, blocks))} blocks in 4 stages")
    settings = {"depth": depth, "dimension": _dimension(body, "fc.weight")}
    if dialect is Dialect.MAGFACE:
        settings["eps"] = 2e-5
    return Translated(dialect, "iresnet", settings, body, CONVENTIONS.get(dialect), centres)


def _ir(dialect: Dialect, body: Tensors, centres: NDArray[Any] | None) -> Translated:
    blocks = len({match[1] for name in body if (match := NUMBERED.match(name))})
    depth = _depth(blocks, sum, f"{blocks} blocks")
    settings = {"depth": depth, "dimension": _dimension(body, "output_layer.3.weight")}
    places = [
        f"layer{stage + 1}.{index}"
        for stage, count in enumerate(STAGES[depth])
        for index in range(count)
    ]
    tensors: Tensors = {}
    for name, tensor in body.items():
        _add(tensors, ir_name(name, places), tensor)
    settings |= IR_OPTIONS
    return Translated(dialect, "iresnet", settings, tensors, CONVENTIONS.get(dialect), centres)


def _mobile(dialect: Dialect, body: Tensors, centres: NDArray[Any] | None) -> Translated:
    settings = {"dimension": _dimension(body, "linear1.conv.weight")}
    return Translated(dialect, "mobilefacenet", settings, body, CONVENTIONS.get(dialect), centres)


_TRANSLATORS: Mapping[Dialect, Callable[[Dialect, Tensors, NDArray[Any] | None], Translated]] = {
    Dialect.ARCFACE: _arcface,
    Dialect.MAGFACE: _arcface,
    Dialect.ADAFACE: _ir,
    Dialect.CVLFACE: _ir,
    Dialect.MOBILEFACENET: _mobile,
}


def _depth(blocks: object, of: Callable[[tuple[int, ...]], object], got: str) -> int:
    for depth, known in STAGES.items():
        if of(known) == blocks:
            return depth
    known = ", ".join(map(str, STAGES))
    raise CheckpointError(f"the blocks of an iResNet of depth {known}", got, CHOOSE)


def _dimension(body: Tensors, name: str) -> int:
    if name not in body or body[name].ndim < 2 or not body[name].shape[0]:
        got = f"shape {body[name].shape}" if name in body else "nothing"
        raise CheckpointError(f"a matrix {name}, whose rows give the embedding", got, CHOOSE)
    return int(body[name].shape[0])

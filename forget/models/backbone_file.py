"""Face networks from files: those of public projects, ONNX packs, and our own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from forget.errors import CheckpointError
from forget.models.channel_order import trained_order
from forget.models.checkpoint import Tensors, read_tensors, to_bytes, write_bytes
from forget.models.convention import Convention
from forget.models.dialects import Dialect, Translated, translate
from forget.models.face_backbone import FaceBackbone, build_network
from forget.models.foreign import read_foreign, without_prefix
from forget.models.onnx_weights import read_onnx

__all__ = ["load_backbone", "save_backbone"]

FORMAT = "face backbone"
OWN = "forget"  # the metadata entry of our own files
CENTRES = "centres"  # the name of their tensor in such a file
TELL = "Pass convention=Convention('rgb') or Convention('bgr'), as the network was trained."


def load_backbone(
    path: str | Path,
    dialect: str | None = None,
    depth: int | None = None,
    convention: Convention | None = None,
) -> FaceBackbone:
    """Reads a face network safely: nothing in the file is run.

    The order of channels is checked against the first layer of the network, whose statistics
    remember the mean colour of the photographs it was trained on, unless a convention is passed.

    Arguments:
        path: A file of torch.save, safetensors or ONNX, or one of `save_backbone`.
        dialect: Who saved it, one of `Dialect`; needed only where names do not tell, otherwise
            the file has to be that.
        depth: Of the iResNet that is expected; any if None.
        convention: What the network reads; by default what its dialect says.

    Raises:
        CheckpointError: Not such a file, a damaged one, another dialect or depth; tensors are
            missing, unexpected or of another shape; the order of channels is unknown or the
            network was trained on another.
    """
    path = Path(path)
    if _is_own(path):
        _refuse_said(path, dialect)
        found = _read_own(path)
        found = replace(found, convention=convention) if convention else found
    else:
        translated = _translated(path, _dialect(dialect))
        network = build_network(translated.kind, translated.settings, translated.tensors)
        trained, notes = _convention(translated, network.first_layer(), convention)
        centres = translated.centres
        found = FaceBackbone(network, trained, translated.dialect.value, centres, notes)
    if found.centres is not None and found.centres.shape[1:] != (found.dimension,):
        shape = found.centres.shape
        raise CheckpointError(f"centres (c, {found.dimension})", f"{shape}", "Take another file.")
    if depth is not None and found.network.config.get("depth") != depth:
        got = found.network.config.get("depth", found.kind)
        raise CheckpointError(f"an iResNet of depth {depth}", f"{got}", "Choose the other file.")
    return found


def save_backbone(path: str | Path, backbone: FaceBackbone) -> None:
    """Writes a network with its convention to a safetensors file, whole or not at all."""
    about = {
        "format": FORMAT,
        **backbone.config,
        "source": backbone.source,
        "notes": list(backbone.notes),
    }
    tensors = backbone.tensors
    if backbone.centres is not None:
        tensors[CENTRES] = backbone.centres
    write_bytes(path, to_bytes(tensors, about))


def _translated(path: Path, dialect: Dialect | None) -> Translated:
    if path.suffix.lower() == ".onnx":
        if dialect not in (None, Dialect.ONNX):
            raise CheckpointError(f"names as {dialect} saves them", "an ONNX file", "Say nothing.")
        return read_onnx(path)
    return translate(_read(path), dialect)


def _dialect(said: str | None) -> Dialect | None:
    if said is None or said in [one.value for one in Dialect]:
        return Dialect(said) if said else None
    known = ", ".join(one.value for one in Dialect)
    raise CheckpointError(f"one of the dialects {known}", repr(said)[:50], "Choose one of them.")


def _read(path: Path) -> Tensors:
    """Foreign weights by name, with their dialect's prefixes where those tell something."""
    if path.suffix.lower() != ".safetensors":
        return read_foreign(path)
    if not path.is_file():
        raise CheckpointError("a file of weights", f"nothing at {path}", "Check the path.")
    try:
        with safe_open(path, framework="pt") as file:  # maps the file, and knows bfloat16
            tensors = {name: _array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        got = f"{path.name} ({str(error)[:200]})"
        raise CheckpointError("a whole safetensors file", got, "Copy it again.") from error
    return without_prefix(tensors)


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()


def _convention(
    translated: Translated,
    first: tuple[torch.Tensor, torch.Tensor],
    said: Convention | None,
) -> tuple[Convention, tuple[str, ...]]:
    """What the network reads, and what was concluded on the way.

    A convention that was said is taken, and a note tells where the network remembers another.
    """
    known = said or translated.convention
    scale = (known or Convention()).scale
    trained = trained_order(first[0].numpy(), first[1].numpy(), scale)
    memory = f"its first layer remembers {(trained or '').upper()} photographs"
    if known is None:
        if trained is None or translated.dialect is Dialect.ONNX:
            hint = f"; {memory}" if trained else ""
            got = f"{translated.dialect.value} names, which do not tell{hint}"
            raise CheckpointError("to know the input convention", got, TELL)
        return Convention(trained), (f"reads {trained.upper()}: {memory}",)
    if trained in (None, known.order):
        return known, ()
    if said is None:
        raise CheckpointError(
            f"a network for {known.order.upper()}, as {translated.dialect.value} trains them",
            memory,
            TELL,
        )
    return known, (f"told to read {known.order.upper()}, but {memory}",)


def _is_own(path: Path) -> bool:
    """Whether a safetensors file has our metadata; anything broken is left to its reader."""
    if path.suffix.lower() != ".safetensors" or not path.is_file():
        return False
    try:
        with safe_open(path, framework="numpy") as file:
            return OWN in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        return False


def _refuse_said(path: Path, dialect: str | None) -> None:
    if dialect is not None:
        got = f"{path.name}, which keeps its own"
        raise CheckpointError("a file of another project for a dialect", got, "Say nothing.")


def _read_own(path: Path) -> FaceBackbone:
    tensors, about = read_tensors(path)
    settings, notes, source = about.get("network"), about.get("notes"), about.get("source")
    if not (
        about.get("format") == FORMAT
        and isinstance(settings, Mapping)
        and isinstance(source, str)
        and isinstance(notes, list)
        and all(isinstance(note, str) for note in notes)
    ):
        got = f"{path.name}, which holds something else"
        raise CheckpointError("a file of save_backbone", got, "Choose the file of a backbone.")
    centres = tensors.pop(CENTRES, None)
    network = build_network(_kind(about), settings, tensors)
    convention = Convention.from_json(about.get("convention"))
    return FaceBackbone(network, convention, source, centres, tuple(notes))


def _kind(about: Mapping[str, Any]) -> str:
    kind = about.get("kind")
    return kind if isinstance(kind, str) else ""

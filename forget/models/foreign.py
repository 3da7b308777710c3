"""Weights that others saved with `torch.save`, read without running anything of the file.

Such weights come without a training record: nobody knows whose photographs made them. A model on
top of them therefore has the scope `readout`, reason "training data unknown".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models import resnet18

from forget.errors import CheckpointError
from forget.models.checkpoint import Tensors
from forget.models.pickles import Made, Named, Table
from forget.models.torch_file import MAX_BYTES, TorchFile

__all__ = ["differences", "read_foreign", "resnet18_state", "without_prefix"]

WRAPPERS = (
    *("state_dict", "model_state_dict", "net_state_dict", "state_dict_backbone"),
    *("model", "net", "network"),
)
PREFIXES = ("module.", "model.", "net.")
REBUILT = ("_rebuild_parameter", "_rebuild_parameter_with_state")
MAX_MODULES = 30_000  # and parameters, each time they are named
MAX_DEPTH = 50
MAX_NAME = 1_000  # characters
SHOWN = 3  # names in a message

SAVE = "Save it again with torch.save(model.state_dict(), path), where its code is trusted."


def read_foreign(path: str | Path) -> Tensors:
    """Reads the weights in a file of `torch.save`: a state dict, one in a dict, or a whole module.

    Why not `torch.load`: with `weights_only` it refuses whole modules, and it allocates what a
    file claims; without, it runs any code in the file. Here the pickle is read as data.

    Arguments:
        path: The file, in the zip format of torch or the one before it.

    Returns:
        Arrays by name, read-only, in their own dtype, but bfloat16 as float32; "module.",
        "model." and "net." before all names are left out.

    Raises:
        CheckpointError: Not such a file, a damaged one, or one without weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError("a file of weights", f"nothing at {path}", "Check the path.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CheckpointError(f"at most {MAX_BYTES:,} bytes", f"{size:,} in {path}", SAVE)
    try:
        found = dict(_weights(TorchFile(path.read_bytes())))
    except Exception as error:  # hostile bytes make zipfile and pickletools raise nearly anything
        got = f"{path.name} ({str(error)[:200] or type(error).__name__})"
        raise CheckpointError("whole weights saved with torch.save", got, SAVE) from error
    if not found:
        raise CheckpointError("weights saved with torch.save", f"none in {path.name}", SAVE)
    return without_prefix(found)


def resnet18_state(path: str | Path, classes: int) -> dict[str, Tensor]:
    """Reads foreign weights that fit `torchvision.models.resnet18(num_classes=classes)`.

    They have no training record: scope `readout`, "training data unknown".

    Arguments:
        path: The file, as for `read_foreign`.
        classes: Number of outputs of the last layer.

    Returns:
        A state dict on the CPU that loads strictly, in the dtypes of that network.

    Raises:
        CheckpointError: Not readable, or names, shapes or kinds of numbers differ, or a weight is
            not finite; names the first that differ.
    """
    with torch.device("meta"):
        wanted = resnet18(num_classes=classes).state_dict()
    found = read_foreign(path)
    if differing := differences(wanted, found):
        raise CheckpointError(
            f"the weights of a ResNet-18 with {classes} classes in {Path(path).name}",
            differing,
            "Choose the file or the number of classes that belong together.",
        )
    return {name: torch.from_numpy(found[name].copy()).to(wanted[name].dtype) for name in wanted}


def differences(wanted: Mapping[str, Tensor], found: Tensors) -> str:
    """What of some arrays does not fit a state dict, in words; empty where all of it does.

    Arguments:
        wanted: The state dict of the network; its tensors may lie on the meta device.
        found: Arrays by name.
    """
    shared = [name for name in wanted if name in found]
    told = {
        "no": [name for name in wanted if name not in found],
        "unexpected": [name for name in found if name not in wanted],
        "another shape": [
            f"{name} {found[name].shape} instead of {tuple(wanted[name].shape)}"
            for name in shared
            if found[name].shape != tuple(wanted[name].shape)
        ],
        "another kind of number": [
            f"{name} {found[name].dtype}"
            for name in shared
            if (found[name].dtype.kind == "f") != wanted[name].is_floating_point()
        ],
        "not finite": [name for name in shared if not np.isfinite(found[name]).all()],
    }
    return "; ".join(f"{what}: {_some(names)}" for what, names in told.items() if names)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    shown = ", ".join(name[:100] for name in names[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def without_prefix(found: Tensors) -> Tensors:
    """The same arrays without "module.", "model." and "net." before all of their names."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) and name != prefix for name in found):
            return without_prefix({name[len(prefix) :]: found[name] for name in found})
    return found


def _weights(file: TorchFile) -> Iterator[tuple[str, np.ndarray]]:
    value = file.value
    for _ in WRAPPERS:  # a wrapper may lie in another, but not for ever
        entries = _entries(value)
        inner = [entries[name] for name in WRAPPERS if _is_container(entries.get(name))]
        if not inner:
            break
        value = inner[0]
    if _is_module(value):
        yield from _walk(value, "", file, [MAX_MODULES])
        return
    for name, one in _entries(value).items():
        if (rebuilt := _rebuilt(one)) is not None:
            yield name, file.tensor(rebuilt)


def _walk(
    module: object, prefix: str, file: TorchFile, left: list[int], depth: int = 0
) -> Iterator[tuple[str, np.ndarray]]:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH or len(prefix) > MAX_NAME or not _is_module(module):
        raise ValueError("modules that are none, too many, or nested too deeply")
    state = _state(module)
    temporary = _names(state.get("_non_persistent_buffers_set"))
    for kind in ("_parameters", "_buffers"):
        entries = _entries(state.get(kind))
        left[0] -= len(entries)  # a module that is named many times is walked many times
        for name, value in entries.items():
            if value is None or (kind == "_buffers" and name in temporary):
                continue
            if (rebuilt := _rebuilt(value)) is None:
                raise ValueError(f"{(prefix + name)[:100]!r}, which is no tensor")
            yield prefix + name, file.tensor(rebuilt)
    modules = _entries(state.get("_modules"))
    left[0] -= len(modules)
    for name, value in modules.items():
        if value is not None:
            yield from _walk(value, f"{prefix}{name}.", file, left, depth + 1)


def _rebuilt(value: object) -> Made | None:
    """The description of a tensor, without the parameter around it; None if it is none."""
    for _ in range(MAX_DEPTH):
        if not (isinstance(value, Made) and isinstance(value.of, Named)):
            return None
        if value.of.module != "torch._utils" or not isinstance(value.arguments, tuple):
            return None
        if value.of.name not in REBUILT:
            return value if value.of.name.startswith("_rebuild_") else None
        value = value.arguments[0] if value.arguments else None
    return None


def _is_container(value: object) -> bool:
    return isinstance(value, Table) or (isinstance(value, Made) and _rebuilt(value) is None)


def _is_module(value: object) -> bool:
    state = _state(value)
    return "_parameters" in state and "_modules" in state


def _state(value: object) -> dict[str, Any]:
    return _entries(value.state) if isinstance(value, Made) else {}


def _entries(value: object) -> dict[str, Any]:
    pairs = value.pairs if isinstance(value, Table | Made) else []
    return {key: one for key, one in pairs if isinstance(key, str) and len(key) <= MAX_NAME}


def _names(value: object) -> set[str]:
    """The texts in a set, which old pickles make by a call and new ones as a list."""
    if isinstance(value, Made) and isinstance(value.arguments, tuple) and value.arguments:
        value = value.arguments[0]
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()

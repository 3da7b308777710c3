"""Linear models in files: one safetensors file, no code in it, written atomically."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from forget.errors import CheckpointError, ForgetError
from forget.linear.grid import Grid
from forget.linear.head_rules import make_rule, rule_settings
from forget.linear.kinds import FEATURE_MAPS, read_feature_map
from forget.linear.model import LinearModel
from forget.linear.packed import (
    FORMAT,
    check_format,
    pack_hashes,
    pack_store,
    unpack_hashes,
    unpack_store,
)
from forget.linear.statistics import ClassSums, Space, Statistics
from forget.models.checkpoint import (
    Tensors,
    TrainingRecord,
    parse_tensors,
    read_tensors,
    to_bytes,
    write_bytes,
)

__all__ = ["model_bytes", "model_from_bytes", "read_model", "save_model", "without_store"]


def without_store(model: LinearModel) -> LinearModel:
    """The model without single photographs' features: it recognises, but cannot forget further.

    The sums that stay hold a mean template of everybody, biometric data too; of a person with one
    enrolled photograph that is the photograph's feature.
    """
    return replace(model, store=None, calibration=None, fixed_threshold=model.threshold)


def save_model(model: LinearModel, path: str | Path) -> None:
    """Writes a model to a file, which is replaced atomically if it exists.

    A model with its store carries biometric data of everybody enrolled.
    """
    write_bytes(path, model_bytes(model))


def model_bytes(model: LinearModel) -> bytes:
    """The file that `save_model` writes."""
    if type(model.feature_map) not in FEATURE_MAPS.values():
        raise CheckpointError(
            f"a model with a feature map of {', '.join(FEATURE_MAPS)}",
            type(model.feature_map).__name__,
            "Save its parts with safetensors.",
        )
    config, network = model.feature_map.parts
    names = sorted(model.statistics.classes)
    sums = [model.statistics.classes[name] for name in names]
    space = model.statistics.space
    tensors: Tensors = {f"network/{name}": tensor for name, tensor in network.items()}
    tensors["gram"] = model.statistics.gram
    tensors["counts"] = np.array([one.count for one in sums], dtype=np.int64)
    tensors["sums"] = np.array([one.total for one in sums], dtype=np.int64)
    if space.targets:
        tensors["cross"] = model.statistics.cross
    about: dict[str, Any] = {
        "format": FORMAT,
        "feature_map": {"kind": model.feature_map.kind, "network": config},
        "space": {
            "bits": space.grid.bits,
            "scale": space.grid.scale,
            "dimension": space.dimension,
            "feature_map": space.feature_map,
            **_targets_of(space),
        },
        "rule": rule_settings(model.rule),
        "classes": names,
        "threshold": model.fixed_threshold,
    }
    if record := model.feature_map.record:
        tensors["record/photographs"] = pack_hashes(sorted(record.photographs))
    about["record"] = record and {"people": sorted(record.people)}
    for part, store in (("store", model.store), ("calibration", model.calibration)):
        about[part], arrays = pack_store(part, store) if store is not None else (None, {})
        tensors |= arrays
    return to_bytes(tensors, about)


def _targets_of(space: Space) -> dict[str, Any]:
    if not space.targets:
        return {}
    grid = space.target_grid
    return {"targets": space.targets, "target_bits": grid.bits, "target_scale": grid.scale}


def read_model(path: str | Path) -> LinearModel:
    """Reads a model that `save_model` wrote.

    Raises:
        CheckpointError: The file is missing, cut off, foreign, a pickle or inconsistent.
    """
    return _model(*read_tensors(path), Path(path).name)


def model_from_bytes(data: bytes, name: str) -> LinearModel:
    """Reads a model from the bytes of a file, such as one that was uploaded.

    Arguments:
        data: All of it.
        name: What to call it in an error.

    Raises:
        CheckpointError: As for `read_model`.
    """
    return _model(*parse_tensors(data, name), name)


def _model(tensors: Tensors, about: dict[str, Any], name: str) -> LinearModel:
    check_format(about, name)
    try:
        return _unpack(tensors, about)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"a consistent model in {name}",
            error.got if isinstance(error, ForgetError) else f"{type(error).__name__}: {error}",
            "Copy or download the file again.",
        ) from error


def _unpack(tensors: Tensors, about: dict[str, Any]) -> LinearModel:
    network = {
        name.removeprefix("network/"): tensor
        for name, tensor in tensors.items()
        if name.startswith("network/")
    }
    record = None
    if about["record"] is not None:
        hashes = unpack_hashes(tensors["record/photographs"])
        record = TrainingRecord.from_json({**about["record"], "photographs": hashes})
    feature_map = read_feature_map(about["feature_map"], network, record)
    said = about["space"]
    space = Space(Grid(said["bits"], said["scale"]), said["dimension"], said["feature_map"])
    if "targets" in said:
        grid = Grid(said["target_bits"], said["target_scale"])
        space = replace(space, targets=said["targets"], target_grid=grid)
    if space != feature_map.space:
        raise CheckpointError(
            f"statistics of the network in the file ({feature_map.space.feature_map[:12]}...)",
            f"statistics of another one ({space.feature_map[:12]}...)",
            "Copy or download the file again.",
        )
    store, calibration = (
        None if about[part] is None else unpack_store(part, about[part], tensors, space)
        for part in ("store", "calibration")
    )
    statistics = _statistics(space, about["classes"], tensors)
    if store is not None and set(store.people) != set(statistics.classes):
        raise CheckpointError(
            "the same people in store and statistics", "others", "Copy the file again."
        )
    return LinearModel(
        feature_map,
        make_rule(about["rule"]),
        statistics,
        store,
        calibration,
        about["threshold"],
    )


def _statistics(space: Space, names: list[str], tensors: Tensors) -> Statistics:
    gram, counts, sums = (tensors[key] for key in ("gram", "counts", "sums"))
    shapes = gram.shape, counts.shape, sums.reshape(-1, space.dimension).shape
    dimension = space.dimension
    expected = (dimension, dimension), (len(names),), (len(names), dimension)
    whole = all(tensor.dtype == np.int64 for tensor in (gram, counts, sums))
    if shapes != expected or not whole or (gram != gram.T).any() or (counts < 1).any():
        raise CheckpointError(
            f"symmetric int64 sums of shapes {expected}", f"{shapes}", "Copy the file again."
        )
    pairs = zip(names, counts.tolist(), sums, strict=True)
    classes = {name: ClassSums(name, count, total.copy()) for name, count, total in pairs}
    cross = tensors["cross"] if space.targets else np.zeros((dimension, 0), dtype=np.int64)
    if cross.shape != (dimension, space.targets) or cross.dtype != np.int64:
        raise CheckpointError(
            f"int64 products of shape {(dimension, space.targets)}",
            f"{cross.dtype} of shape {cross.shape}",
            "Copy the file again.",
        )
    return Statistics(space, gram, MappingProxyType(classes), cross)

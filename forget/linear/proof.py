"""The evidence of a deletion: sums made afresh in plain numpy, and their digest.

Nothing here calls `Statistics`: who doubts the subtraction should not have to trust its code.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.errors import CheckpointError
from forget.linear.head_rules import make_rule, rule_settings
from forget.linear.heads import head_gap
from forget.linear.kinds import read_feature_map
from forget.linear.model import LinearModel
from forget.linear.packed import DIGEST, check_format
from forget.linear.store import Chunk
from forget.models.checkpoint import Tensors, read_tensors

__all__ = ["Proof", "afresh", "prove", "verify_file"]

Integers = NDArray[np.int64]

# What a header may say, so that nobody's features hide there.
PARTS = {"people", "rows", "photographs"}
HEADER = {
    "": {
        *("format", "feature_map", "space", "rule"),
        *("classes", "threshold", "record", "store", "calibration"),
    },
    "feature_map": {"kind", "network"},
    "store": PARTS,
    "calibration": PARTS,
    "record": {"people"},
}
SPACE = {"bits", "scale", "dimension", "feature_map"}
TARGETS = {"targets", "target_bits", "target_scale"}


@dataclass(frozen=True)
class Proof:
    """What was compared.

    Arguments:
        digest: SHA-256 of the statistics that the model carries.
        afresh: SHA-256 of statistics summed again from the features in its store.
        head_gap: Largest difference between the model's head and one solved from a second sum;
            None where only digests were compared.
    """

    digest: str
    afresh: str
    head_gap: float | None = None

    @property
    def holds(self) -> bool:
        """Whether everything that was compared is equal."""
        return self.digest == self.afresh and self.head_gap in (None, 0.0)


def afresh(
    header: bytes,
    chunks: Mapping[str, NDArray[np.int16]],
    dimension: int,
    targets: Mapping[str, NDArray[np.int16]] | None = None,
) -> str:
    """Sums rows class by class and hashes the sums, with numpy and hashlib only.

    Arguments:
        header: Canonical bytes of grid, dimension and feature map.
        chunks: Rows (m, d) per class: a person, or what the rows vote for.
        dimension: d.
        targets: Targets (m, k) of the same rows, where the space has targets.
    """
    gram = np.zeros((dimension, dimension), dtype=np.int64)
    width = next((one.shape[1] for one in (targets or {}).values()), 0)
    cross, sums = np.zeros((dimension, width), dtype=np.int64), {}
    for person, rows in chunks.items():
        gram += _product(rows, rows)
        if targets:
            cross += _product(rows, targets[person])
        sums[person] = (len(rows), rows.sum(axis=0, dtype=np.int64))
    return _digest(header, gram, sums, cross)


def _product(rows: NDArray[np.int16], others: NDArray[np.int16]) -> Integers:
    """The sums of products, (d, k): integers below 2^53, which float64 adds without rounding."""
    return (rows.astype(np.float64).T @ others.astype(np.float64)).astype(np.int64)


def prove(model: LinearModel) -> Proof:
    """Compares a model's statistics and head with those summed afresh from its store.

    Raises:
        StatisticsError: The model was saved without its store.
    """
    store, _ = model.parts()
    members: dict[str, list[Chunk]] = {}
    for person, chunk in store.chunks.items():
        members.setdefault(chunk.label or person, []).append(chunk)
    rows = {name: _joined([c.rows for c in parts]) for name, parts in members.items()}
    space = model.statistics.space
    targets = None
    if space.targets:
        targets = {n: _joined([c.targets for c in parts]) for n, parts in members.items()}
    return Proof(
        model.statistics.digest(),
        afresh(space.header, rows, space.dimension, targets),
        head_gap(model.head, model.rule(store.statistics())),
    )


def _joined(parts: list[NDArray[np.int16]]) -> NDArray[np.int16]:
    """All rows of a class; a single part is not copied, or memory would hold everybody twice."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def verify_file(path: str | Path) -> Proof:
    """Reads a saved model as bare tensors and compares both digests.

    Also makes sure that the file holds nothing beside what the digests cover: the network that the
    features are said to come from, the features of the people in the store, calibration features
    of some of them, and a header that names these.

    Raises:
        CheckpointError: Not a saved model, one without its store, or one that holds more.
    """
    tensors, about = read_tensors(path)
    check_format(about, Path(path).name)
    try:
        return _verify(tensors, about)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"a saved model in {Path(path).name}",
            f"a file with other contents ({type(error).__name__}: {error})",
            "Load a file that was saved with forget.save_model.",
        ) from error


def _verify(tensors: Tensors, about: Mapping[str, Any]) -> Proof:
    space = about["space"]
    dimension = int(space["dimension"])
    gram, counts, sums = (tensors[name] for name in ("gram", "counts", "sums"))
    classes = [str(name) for name in about["classes"]]
    _require(gram.shape == (dimension, dimension) and (gram == gram.T).all(), "a symmetric gram")
    _require(sums.shape == (len(classes), dimension), "one sum for each class")
    _require(len(set(classes)) == len(classes), "every class once")
    _check_header(about)
    header = _header(space)
    stored = zip(classes, counts.tolist(), sums, strict=True)
    targets = int(space.get("targets", 0))
    cross = tensors["cross"] if targets else np.zeros((dimension, 0), dtype=np.int64)
    _require(cross.shape == (dimension, targets), f"products with {targets} targets")
    digest = _digest(header, gram, {name: (n, total) for name, n, total in stored}, cross)
    if about["store"] is None:
        raise CheckpointError(
            "a model with its feature store",
            f"one that was saved without (its digest is {digest})",
            "Verify the file that was saved with the store.",
        )
    chunks = _chunks("store", tensors, about, dimension)
    held_out = _chunks("calibration", tensors, about, dimension)
    _require(set(held_out) <= set(chunks), "calibration features of people in the store only")
    network = {name: one for name, one in tensors.items() if name.startswith("network/")}
    known = {"gram", "counts", "sums", *network} | ({"cross"} if targets else set())
    kinds = ("rows", "photographs", *(["targets"] if targets else []))
    known |= {f"{part}/{kind}" for part in ("store", "calibration") for kind in kinds}
    if about["record"] is not None:
        known.add("record/photographs")
        _require(_hashes(tensors["record/photographs"]), "SHA-256 in the record")
    _require(set(tensors) == known, "no tensor that is not named")
    parts = {name.removeprefix("network/"): one for name, one in network.items()}
    feature_map = read_feature_map(about["feature_map"], parts, None)
    _require(feature_map.space.feature_map == space["feature_map"], "the network of the features")
    aims = None
    if targets:
        aims = _parts("store", "targets", tensors, about, targets)
        _parts("calibration", "targets", tensors, about, targets)  # which the digests leave out
    return Proof(digest, afresh(header, chunks, dimension, aims))


def _check_header(about: Mapping[str, Any]) -> None:
    """Nothing in the header but what belongs there."""
    for part, allowed in HEADER.items():
        said = about[part] if part else about
        _require(said is None or set(said) == allowed, f"a header of {', '.join(sorted(allowed))}")
    space = set(about["space"])
    _require(space in (SPACE, SPACE | TARGETS), f"a space of {', '.join(sorted(SPACE))}")
    _require(rule_settings(make_rule(about["rule"])) == about["rule"], "the settings of a rule")
    held = about["store"] or {"people": about["classes"]}
    _require(set(about["classes"]) == set(held["people"]), "the classes that are in the store")


def _chunks(
    part: str, tensors: Tensors, about: Mapping[str, Any], dimension: int
) -> dict[str, NDArray[np.int16]]:
    said, photographs = about[part], tensors[f"{part}/photographs"]
    people = said["people"]
    _require(all(isinstance(one, str) for one in people), f"names of people in the {part}")
    _require(len(set(people)) == len(people), f"every person once in the {part}")
    _require(_hashes(photographs), f"SHA-256 of photographs in the {part}")
    _edges(said["photographs"], len(people), len(photographs), f"photographs in the {part}")
    return _parts(part, "rows", tensors, about, dimension)


def _parts(
    part: str, kind: str, tensors: Tensors, about: Mapping[str, Any], width: int
) -> dict[str, NDArray[np.int16]]:
    """Rows (m, width), or targets, by person."""
    whole, said = tensors[f"{part}/{kind}"], about[part]
    fits = whole.dtype == np.int16 and whole.ndim == 2 and whole.shape[1] == width
    _require(fits, f"int16 {kind} (n, {width}) in the {part}")
    edges = _edges(said["rows"], len(said["people"]), len(whole), f"{kind} in the {part}")
    pairs = zip(said["people"], pairwise(edges), strict=True)
    return {person: whole[start:end] for person, (start, end) in pairs}


def _edges(counts: list[int], people: int, total: int, what: str) -> list[int]:
    """Where the parts of people begin, and where the last one ends."""
    fits = len(counts) == people and all(type(one) is int and one >= 0 for one in counts)
    _require(fits and sum(counts) == total, f"counts by person of all {what}")
    return list(accumulate(counts, initial=0))


def _hashes(tensor: NDArray[Any]) -> bool:
    return tensor.dtype == np.uint8 and tensor.ndim == 2 and tensor.shape[1] == DIGEST


def _require(holds: bool, expected: str) -> None:
    if not holds:
        raise CheckpointError(
            f"{expected} in a saved model", "something else", "Save the model again."
        )


def _header(space: Mapping[str, Any]) -> bytes:
    return (
        "forget statistics 1\n"
        f"bits {int(space['bits'])}\n"
        f"scale {float(space['scale']).hex()}\n"
        f"dimension {int(space['dimension'])}\n"
        f"feature map {space['feature_map']}\n"
        + (
            f"targets {int(space['targets'])}\n"
            f"target bits {int(space['target_bits'])}\n"
            f"target scale {float(space['target_scale']).hex()}\n"
            if "targets" in space
            else ""
        )
    ).encode()


def _digest(
    header: bytes, gram: Integers, sums: Mapping[str, tuple[int, Integers]], cross: Integers
) -> str:
    whole = hashlib.sha256(header)
    whole.update(gram[np.triu_indices(len(gram))].astype("<i8").tobytes())
    whole.update(cross.astype("<i8").tobytes())
    for person in sorted(sums):
        count, total = sums[person]
        name = person.encode(errors="surrogatepass")
        sizes = np.array([len(name), count], dtype="<i8").tobytes()
        whole.update(hashlib.sha256(sizes + name + total.astype("<i8").tobytes()).digest())
    return whole.hexdigest()

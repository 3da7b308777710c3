"""The evidence of a deletion: sums made afresh in plain numpy, and their digest.

Nothing here calls `Statistics`: who doubts the subtraction should not have to trust its code.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.errors import CheckpointError
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.models.checkpoint import read_tensors

__all__ = ["Proof", "afresh", "prove", "verify_file"]

Integers = NDArray[np.int64]


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


def afresh(header: bytes, chunks: Mapping[str, NDArray[np.int16]], dimension: int) -> str:
    """Sums rows person by person in int64 and hashes the sums, with numpy and hashlib only.

    Arguments:
        header: Canonical bytes of grid, dimension and feature map.
        chunks: Rows (m, d) per person.
        dimension: d.
    """
    gram = np.zeros((dimension, dimension), dtype=np.int64)
    sums = {}
    for person, rows in chunks.items():
        whole = rows.astype(np.int64)
        gram += whole.T @ whole
        sums[person] = (len(rows), whole.sum(axis=0))
    return _digest(header, gram, sums)


def prove(model: LinearModel) -> Proof:
    """Compares a model's statistics and head with those summed afresh from its store.

    Raises:
        StatisticsError: The model was saved without its store.
    """
    store, _ = model.parts()
    rows = {person: chunk.rows for person, chunk in store.chunks.items()}
    space = model.statistics.space
    return Proof(
        model.statistics.digest(),
        afresh(space.header, rows, space.dimension),
        head_gap(model.head, model.rule(store.statistics())),
    )


def verify_file(path: str | Path) -> Proof:
    """Reads a saved model as bare tensors and compares both digests.

    Raises:
        CheckpointError: Not a saved model, or one without its store.
    """
    tensors, about = read_tensors(path)
    try:
        header = _header(about["space"])
        stored = zip(about["classes"], tensors["counts"].tolist(), tensors["sums"], strict=True)
        sums = {name: (count, total) for name, count, total in stored}
        digest = _digest(header, tensors["gram"], sums)
        entries = about["store"]
        people = [entry["person"] for entry in entries or ()]
        chunks = {person: tensors[f"store/{i}"] for i, person in enumerate(people)}
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"a saved model in {Path(path).name}",
            f"a file without {error}",
            "Load a file that was saved with forget.save_model.",
        ) from error
    if entries is None:
        raise CheckpointError(
            "a model with its feature store",
            f"one that was saved without (its digest is {digest})",
            "Verify the file that was saved with the store.",
        )
    return Proof(digest, afresh(header, chunks, about["space"]["dimension"]))


def _header(space: Mapping[str, Any]) -> bytes:
    return (
        "forget statistics 1\n"
        f"bits {space['bits']}\n"
        f"scale {float(space['scale']).hex()}\n"
        f"dimension {space['dimension']}\n"
        f"feature map {space['feature_map']}\n"
    ).encode()


def _digest(header: bytes, gram: Integers, sums: Mapping[str, tuple[int, Integers]]) -> str:
    whole = hashlib.sha256(header)
    whole.update(gram[np.triu_indices(len(gram))].astype("<i8").tobytes())
    for person in sorted(sums):
        count, total = sums[person]
        name = person.encode()
        sizes = np.array([len(name), count], dtype="<i8").tobytes()
        whole.update(hashlib.sha256(sizes + name + total.astype("<i8").tobytes()).digest())
    return whole.hexdigest()

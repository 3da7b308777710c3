"""How features of many people lie in a file: a few large arrays, and how many belong to whom.

The header of a safetensors file is bounded, so that neither hashes nor a tensor for each person
could be named there once people are many.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.errors import CheckpointError
from forget.linear.statistics import Space
from forget.linear.store import Chunk, FeatureStore
from forget.models.checkpoint import Tensors

__all__ = [
    "DIGEST",
    "FORMAT",
    "check_format",
    "pack_hashes",
    "pack_store",
    "unpack_hashes",
    "unpack_store",
]

FORMAT = "forget linear model 2"
DIGEST = 32  # bytes of a SHA-256
AGAIN = "Copy or download the file again."


def check_format(about: Mapping[str, Any], name: str) -> None:
    """Refuses files that are no linear models, or those of an earlier format.

    Arguments:
        about: What the file says of itself.
        name: What the message calls it.

    Raises:
        CheckpointError: It is of another format.
    """
    found = about.get("format")
    if found == FORMAT:
        return
    earlier = isinstance(found, str) and found.startswith(FORMAT.rstrip("0123456789"))
    raise CheckpointError(
        f"a file of format {FORMAT!r}",
        f"{found!r} in {name}",
        "It is of another version of this program: fit the model and save it again with "
        "forget.save_model."
        if earlier
        else "Load a file that was saved with forget.save_model.",
    )


def pack_hashes(hashes: Sequence[str]) -> NDArray[np.uint8]:
    """The bytes (n, 32) of n SHA-256 in hex.

    Raises:
        CheckpointError: Others than those.
    """
    try:
        packed = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, DIGEST)
        whole = unpack_hashes(packed) == list(hashes)
    except ValueError:
        whole = False
    if not whole:
        raise CheckpointError(
            "SHA-256 of photographs, 64 digits and small letters each",
            "others",
            "Hash them with forget.data.dataset.photograph_hash.",
        )
    return packed


def unpack_hashes(packed: NDArray[np.uint8]) -> list[str]:
    """The SHA-256 in hex of bytes (n, 32).

    Raises:
        CheckpointError: Another shape or type.
    """
    _require(packed, np.uint8, (len(packed) if packed.ndim else 0, DIGEST), "SHA-256")
    text, step = packed.tobytes().hex(), 2 * DIGEST
    return [text[start : start + step] for start in range(0, len(text), step)]


def pack_store(part: str, store: FeatureStore) -> tuple[dict[str, Any], Tensors]:
    """What a header says of a store, and its arrays.

    Arguments:
        part: What the names of the arrays begin with.
        store: Of people; where chunks are votes for classes it cannot be kept.

    Raises:
        CheckpointError: A chunk votes for a class that is not its person, or a photograph's hash
            is no SHA-256.
    """
    people, space = store.people, store.space
    chunks = [store[person] for person in people]
    for person, chunk in zip(people, chunks, strict=True):
        if chunk.label not in ("", person):
            raise CheckpointError(
                "a store of people",
                f"{person!r}, which counts for the class {chunk.label!r}",
                "Save the parts of the model with safetensors.",
            )
    none = np.empty((0, space.dimension), np.int16)
    tensors: Tensors = {
        f"{part}/rows": np.concatenate([none, *(chunk.rows for chunk in chunks)]),
        f"{part}/photographs": pack_hashes([one for c in chunks for one in c.photographs]),
    }
    if space.targets:
        none = np.empty((0, space.targets), np.int16)
        tensors[f"{part}/targets"] = np.concatenate([none, *(c.targets for c in chunks)])
    counts = {
        "rows": [len(chunk.rows) for chunk in chunks],
        "photographs": [len(chunk.photographs) for chunk in chunks],
    }
    return {"people": people, **counts}, tensors


def unpack_store(
    part: str, about: Mapping[str, Any], tensors: Tensors, space: Space
) -> FeatureStore:
    """The store that `pack_store` packed.

    Raises:
        CheckpointError: Counts, shapes or types that do not fit together.
        IdentityError: Somebody comes twice.
        KeyError: Something is missing.
        TypeError: The header says something of another form.
    """
    people, rows = about["people"], tensors[f"{part}/rows"]
    if not isinstance(people, list) or not all(isinstance(person, str) for person in people):
        raise CheckpointError(f"the names of people in the {part}", "others", AGAIN)
    _require(rows, np.int16, (len(rows) if rows.ndim else 0, space.dimension), f"rows in {part}")
    hashes = unpack_hashes(tensors[f"{part}/photographs"])
    targets = tensors[f"{part}/targets"] if space.targets else None
    if targets is not None:
        _require(targets, np.int16, (len(rows), space.targets), f"targets in {part}")
    parts = zip(
        people,
        _slices(about["rows"], len(people), len(rows), f"rows in {part}"),
        _slices(about["photographs"], len(people), len(hashes), f"photographs in {part}"),
        strict=True,
    )
    # Copies: a view of the whole would keep the rows of people who are forgotten.
    chunks = (
        (
            person,
            Chunk(
                rows[mine].copy(),
                tuple(hashes[theirs]),
                targets=None if targets is None else targets[mine].copy(),
            ),
        )
        for person, mine, theirs in parts
    )
    return FeatureStore.of(space, chunks)


def _slices(counts: object, people: int, total: int, what: str) -> list[slice]:
    """Where each person's part lies."""
    whole = isinstance(counts, list) and all(type(one) is int and one >= 0 for one in counts)
    if not whole or len(counts) != people or sum(counts) != total:
        got = f"others, of {len(counts)} people" if isinstance(counts, list) else repr(counts)[:80]
        raise CheckpointError(f"counts for each of {people} people of {total} {what}", got, AGAIN)
    return [slice(start, end) for start, end in pairwise(accumulate(counts, initial=0))]


def _require(
    tensor: NDArray[Any], kind: type[np.generic], shape: tuple[int, ...], what: str
) -> None:
    if tensor.dtype != kind or tensor.shape != shape:
        raise CheckpointError(
            f"{what}: {np.dtype(kind)} of shape {shape}",
            f"{tensor.dtype} of shape {tensor.shape}",
            AGAIN,
        )

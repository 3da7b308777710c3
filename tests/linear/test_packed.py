"""Stores as a few arrays: they come back as they were, and what does not fit is told."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.errors import CheckpointError, ForgetError
from forget.linear.grid import FINE
from forget.linear.packed import pack_hashes, pack_store, unpack_hashes, unpack_store
from forget.linear.statistics import Space
from forget.linear.store import Chunk, FeatureStore
from forget.models.checkpoint import Tensors

SPACE = Space(FINE, 3, "ab" * 32)
AIMED = Space(FINE, 3, "ab" * 32, targets=2)
both_spaces = pytest.mark.parametrize("space", [SPACE, AIMED], ids=["classes", "targets"])


def sha(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def made(space: Space, counts: dict[str, tuple[int, int]]) -> FeatureStore:
    """A store of people with as many rows and as many photographs."""
    draw = np.random.default_rng(len(counts))

    def chunk(person: str, rows: int, photographs: int) -> Chunk:
        targets = draw.integers(-9, 9, (rows, 2)).astype(np.int16) if space.targets else None
        hashes = tuple(sha(person, k) for k in range(photographs))
        return Chunk(draw.integers(-9, 9, (rows, 3)).astype(np.int16), hashes, targets=targets)

    return FeatureStore.of(space, ((person, chunk(person, *n)) for person, n in counts.items()))


@both_spaces
@given(st.dictionaries(st.text(max_size=5), st.tuples(st.integers(1, 4), st.integers(0, 4))))
def test_a_store_comes_back_as_it_was(space: Space, counts: dict[str, tuple[int, int]]) -> None:
    store = made(space, counts)
    about, tensors = pack_store("store", store)
    back = unpack_store("store", about, tensors, space)
    assert list(back.chunks) == back.people == store.people
    for person in store.people:
        one, other = back[person], store[person]
        assert one.rows.dtype == np.int16 and np.array_equal(one.rows, other.rows)
        assert one.photographs == other.photographs
        if space.targets:
            assert np.array_equal(one.targets, other.targets)
    assert back.statistics() == store.statistics()
    assert set(tensors) == {"store/rows", "store/photographs"} | (
        {"store/targets"} if space.targets else set()
    )


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=5))
def test_hashes_come_back_as_they_were(digests: list[bytes]) -> None:
    packed = pack_hashes([one.hex() for one in digests])
    assert packed.shape == (len(digests), 32) and packed.tobytes() == b"".join(digests)
    assert unpack_hashes(packed) == [one.hex() for one in digests]


@pytest.mark.parametrize(
    "hashes",
    [
        ["x"],
        ["é" * 64],
        [sha(1)[:63]],
        [sha(1).upper().replace("0", "A")],
        [sha(1)[:62] + "  "],
        [sha(1)[:60], sha(1) + "0000"],  # 32 bytes each, on average
        [sha(1) + sha(2)],
    ],
)
def test_what_is_no_hash_is_not_packed(hashes: list[str]) -> None:
    with pytest.raises(CheckpointError, match="SHA-256"):
        pack_hashes(hashes)


def test_a_store_that_votes_for_classes_is_not_packed() -> None:
    chunk = Chunk(np.ones((2, 3), np.int16), (sha(1),), "child")
    with pytest.raises(CheckpointError, match="'child'"):
        pack_store("store", FeatureStore.of(SPACE, [("a.png", chunk)]))


def test_rows_of_people_share_no_memory() -> None:
    about, tensors = pack_store("store", made(AIMED, {"a": (2, 2), "b": (3, 3)}))
    for chunk in unpack_store("store", about, tensors, AIMED).chunks.values():
        assert chunk.rows.base is None and chunk.targets.base is None


def whole() -> tuple[dict[str, Any], Tensors]:
    return pack_store("store", made(AIMED, {"a": (2, 2), "b": (3, 1)}))


HOSTILE_HEADERS = [
    *({"rows": rows} for rows in ([2], [2, 4], [1, 3], [2, 3, 0], [6, -1], [2.0, 3], [True, 4])),
    *({"rows": rows} for rows in ("23", None, {"a": 2}, [2, "3"], [[2], 3], [10**30, -(10**30)])),
    *({"photographs": counts} for counts in ([2, 2], [3], [4, -1], 3, [])),
    *({"people": people} for people in (["a"], ["a", "a"], "ab", ["a", 1], ["a", ["b"]], None)),
]


@pytest.mark.parametrize("change", HOSTILE_HEADERS, ids=str)
def test_counts_that_do_not_fit_are_told(change: dict[str, Any]) -> None:
    about, tensors = whole()
    with pytest.raises(ForgetError):
        unpack_store("store", about | change, tensors, AIMED)


@pytest.mark.parametrize("name", ["rows", "targets", "photographs"])
def test_arrays_that_do_not_fit_are_told(name: str) -> None:
    about, tensors = whole()
    one = tensors[f"store/{name}"]
    for wrong in (
        *(one[:-1], one[:, :-1], one[None], one[0, 0], one.astype(np.int32), one.view(np.int8)),
        *(np.concatenate([one, one[:1]]), one.ravel(), one.astype(np.float32)),
    ):
        with pytest.raises(CheckpointError):
            unpack_store("store", about, tensors | {f"store/{name}": np.asarray(wrong)}, AIMED)
    with pytest.raises(KeyError):
        left = {key: array for key, array in tensors.items() if key != f"store/{name}"}
        unpack_store("store", about, left, AIMED)

"""Streams: the same bits as all rows at once, in memory that does not grow with their number."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.errors import StatisticsError
from forget.linear import streaming
from forget.linear.grid import FINE, Grid
from forget.linear.statistics import Space, Statistics
from forget.linear.streaming import RowBatch, batches_of, stream

SPACE = Space(FINE, 5, "ab" * 32)
AIMED = Space(FINE, 5, "ab" * 32, targets=2, target_grid=Grid(12, 3.0))
both_spaces = pytest.mark.parametrize("space", [SPACE, AIMED], ids=["classes", "targets"])


def made(seed: int, n: int, space: Space) -> RowBatch:
    """Rows on the grid, a third of them extreme, of up to 9 classes."""
    random = np.random.default_rng(seed)
    rows = random.integers(-32767, 32768, (n, 5)).astype(np.int16)
    rows[::3] = 32767 * random.choice([-1, 1], (len(rows[::3]), 1))
    targets = random.integers(-4095, 4096, (n, 2)).astype(np.int16)
    names = [f"é{number}" for number in random.integers(0, 9, n)]
    return RowBatch(rows, names, targets if space.targets else None)


@both_spaces
@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    numbers=st.sampled_from([1, 7, 20, 2**23]),
)
def test_any_batches_give_the_bits_of_all_at_once(
    space: Space, seed: int, cuts: list[int], numbers: int
) -> None:
    rows, names, targets = whole = made(seed, 40, space)
    edges = [0, *sorted(cuts), 40]
    batches = [
        RowBatch(rows[a:b], names[a:b], None if targets is None else targets[a:b])
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            streaming, "BATCH", numbers
        )  # small: steps of few rows, blocks of few classes
        sums = stream(space, iter(batches))
    expected = Statistics.of(space, *whole)
    assert sums == expected
    assert np.array_equal(sums.gram, expected.gram)
    assert np.array_equal(sums.cross, expected.cross)
    assert (sums.gram.dtype, sums.cross.dtype) == (np.int64, np.int64)
    assert {name: one.count for name, one in sums.classes.items()} == {
        name: one.count for name, one in expected.classes.items()
    }
    assert sums - expected == Statistics.empty(space)


@both_spaces
def test_no_batch_is_no_row(space: Space) -> None:
    assert stream(space, []) == Statistics.empty(space)
    assert stream(space, [made(0, 0, space)]) == Statistics.empty(space)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("size", [1, 299, 1000, 5000])
def test_a_memory_mapped_file_is_snapped_slice_by_slice(
    tmp_path: Path, dtype: type, size: int
) -> None:
    z = np.random.default_rng(0).normal(size=(1000, 5)).astype(dtype)
    np.save(tmp_path / "z.npy", z)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    names = np.array([f"p{i % 40}" for i in range(1000)])
    sums = stream(SPACE, batches_of(mapped, names, FINE, size))
    assert sums == Statistics.of(SPACE, FINE.snap(z), names)
    assert stream(SPACE, batches_of(FINE.snap(z), names, FINE, size)) == sums
    assert all(type(name) is str for name in sums.classes)


def peak(count: int) -> int:
    """Bytes that streaming some batches of 1,000 rows holds at most."""
    space = Space(FINE, 64, "ab" * 32)

    def batches() -> Iterator[RowBatch]:
        for seed in range(count):
            rows = np.random.default_rng(seed).integers(-99, 99, (1000, 64)).astype(np.int16)
            yield RowBatch(rows, [f"p{number % 70}" for number in range(1000)])

    tracemalloc.start()
    try:
        sums = stream(space, batches())
        return tracemalloc.get_traced_memory()[1] + 0 * sums.count
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows() -> None:
    peak(1)  # what is imported or built once
    assert peak(30) < peak(2) + 1000 * 64 * 2 / 4  # a quarter of one more batch


def test_sums_do_not_share_memory_with_those_of_others() -> None:
    sums = stream(SPACE, [made(1, 40, SPACE)])
    totals = [one.total for one in sums.classes.values()]
    assert all(total.base is None for total in totals)


@pytest.mark.parametrize(
    ("batch", "word"),
    [
        (RowBatch(np.ones((2, 4), np.int16), ["a", "b"]), "shape"),
        (RowBatch(np.ones((2, 5)), ["a", "b"]), "float64"),
        (RowBatch(np.ones((2, 5), np.int16), ["a"]), "2 labels"),
        (RowBatch(np.ones((2, 5), np.int16), [1, 2]), "class names of type str"),
        (RowBatch(np.full((2, 5), -32768, np.int16), ["a", "b"]), "outside"),
        (RowBatch(np.ones((2, 5), np.int16), ["a", "b"], np.ones((2, 1), np.int16)), "targets"),
    ],
    ids=["dimension", "reals", "labels", "numbers", "grid", "targets"],
)
def test_batches_that_do_not_fit_are_refused(batch: RowBatch, word: str) -> None:
    with pytest.raises(StatisticsError, match=word):
        stream(SPACE, [made(0, 3, SPACE), batch])


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grid, "max_rows", property(lambda _: 40))
    assert stream(SPACE, [made(0, 20, SPACE), made(1, 20, SPACE)]).count == 40
    with pytest.raises(StatisticsError, match="at most 40 rows"):
        stream(SPACE, [made(0, 20, SPACE), made(1, 21, SPACE)])


def test_arrays_that_are_no_embeddings_are_refused() -> None:
    names = ["a", "b"]
    for wrong in (np.ones((2, 5), np.int32), np.ones(2), np.ones((2, 5), bool)):
        with pytest.raises(StatisticsError, match="real or int16"):
            batches_of(wrong, names, FINE)
    with pytest.raises(StatisticsError, match="2 labels"):
        batches_of(np.ones((2, 5)), ["a"], FINE)
    with pytest.raises(StatisticsError, match="batches of 0"):
        batches_of(np.ones((2, 5)), names, FINE, 0)
    with pytest.raises(StatisticsError, match="finite"):
        stream(SPACE, batches_of(np.full((2, 5), np.nan), names, FINE))

"""Laws of statistics: exact sums form a monoid with cancellation, and digests tell them apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from forget.errors import StatisticsError
from forget.linear.grid import COARSE, FINE, Grid
from forget.linear.statistics import ClassSums, Space, Statistics

SPACE = Space(FINE, 5, "ab" * 32)
AIMED = Space(FINE, 5, "ab" * 32, targets=2, target_grid=Grid(12, 3.0))
both_spaces = pytest.mark.parametrize("space", [SPACE, AIMED], ids=["classes", "targets"])
NAMES = ["anna", "bo", "çelik", "d d", ""]


@st.composite
def labelled_rows(draw: st.DrawFn, most: int = 12) -> tuple[np.ndarray, list[str]]:
    """Rows on the grid, extremes included, with class names."""
    count = draw(st.integers(0, most))
    number = st.sampled_from([-32767, -1, 0, 1, 32767]) | st.integers(-32767, 32767)
    cells = draw(st.lists(number, min_size=5 * count, max_size=5 * count))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=count, max_size=count))
    return np.array(cells, np.int16).reshape(count, 5), names


def of(rows: np.ndarray, names: list[str], space: Space = SPACE) -> Statistics:
    """Sums rows; where the space has targets, they are made of the rows."""
    limit = space.target_grid.limit
    targets = np.clip(rows[:, ::-1][:, : space.targets], -limit, limit) if space.targets else None
    return Statistics.of(space, rows, names, targets)


@both_spaces
@given(data=labelled_rows())
def test_sums_equal_a_naive_twin_in_python_integers(
    space: Space, data: tuple[np.ndarray, list[str]]
) -> None:
    rows, names = data
    sums = of(rows, names, space)
    gram = [[0] * 5 for _ in range(5)]
    for row in rows.tolist():
        for i in range(5):
            for j in range(5):
                gram[i][j] += row[i] * row[j]
    assert sums.gram.tolist() == gram
    cross = [[0] * space.targets for _ in range(5)]
    for row in rows.tolist():
        for i in range(5):
            for j in range(space.targets):
                cross[i][j] += row[i] * min(max(row[4 - j], -4095), 4095)
    assert sums.cross.tolist() == cross
    assert sums.count == len(rows)
    for name in set(names):
        mine = [row for row, label in zip(rows.tolist(), names, strict=True) if label == name]
        assert sums.classes[name].count == len(mine)
        assert sums.classes[name].total.tolist() == np.sum(mine, axis=0).tolist()


@both_spaces
@given(a=labelled_rows(), b=labelled_rows(), c=labelled_rows())
def test_addition_is_associative_and_commutative(space, a, b, c) -> None:  # noqa: ANN001
    x, y, z = of(*a, space), of(*b, space), of(*c, space)
    assert (x + y) + z == x + (y + z)
    assert x + y == y + x
    assert x + Statistics.empty(space) == x


@both_spaces
@given(a=labelled_rows(), b=labelled_rows())
def test_what_was_added_can_be_subtracted_without_a_trace(space, a, b) -> None:  # noqa: ANN001
    x, y = of(*a, space), of(*b, space)
    back = (x + y) - y
    assert back == x
    assert set(back.classes) == set(x.classes)
    assert np.array_equal(back.gram, x.gram)
    assert np.array_equal(back.cross, x.cross)


@both_spaces
@given(data=labelled_rows(), random=st.randoms(use_true_random=False), size=st.integers(1, 5))
def test_order_batches_and_shards_do_not_matter(space, data, random, size) -> None:  # noqa: ANN001
    rows, names = data
    order = list(range(len(rows)))
    random.shuffle(order)
    shards = [Statistics.empty(space) for _ in range(3)]
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        shard = random.randrange(3)
        shards[shard] += of(rows[batch], [names[i] for i in batch], space)
    assert shards[2] + (shards[0] + shards[1]) == of(rows, names, space)


@both_spaces
@given(data=labelled_rows().filter(lambda data: len(data[0]) > 0), draw=st.data())
def test_one_unit_more_or_another_name_gives_another_digest(space, data, draw) -> None:  # noqa: ANN001
    rows, names = data
    digest = of(rows, names, space).digest()
    i = draw.draw(st.integers(0, len(rows) - 1))
    j = draw.draw(st.integers(0, 4))
    changed = rows.copy()
    changed[i, j] += 1 if changed[i, j] < 32767 else -1
    assert of(changed, names, space).digest() != digest
    renamed = [*names[:i], names[i] + "x", *names[i + 1 :]]
    assert of(rows, renamed, space).digest() != digest
    assert of(np.delete(rows, i, 0), names[:i] + names[i + 1 :], space).digest() != digest


@given(labelled_rows().filter(lambda data: data[0].any()), st.data())
def test_one_unit_more_in_a_target_gives_another_digest(data, draw) -> None:  # noqa: ANN001
    rows, names = data
    rows = rows[rows.any(axis=1)]
    names = names[: len(rows)]
    targets = np.zeros((len(rows), 2), np.int16)
    digest = Statistics.of(AIMED, rows, names, targets).digest()
    targets[draw.draw(st.integers(0, len(rows) - 1)), draw.draw(st.integers(0, 1))] += 1
    assert Statistics.of(AIMED, rows, names, targets).digest() != digest


def test_inputs_are_never_changed() -> None:
    rows = np.arange(20, dtype=np.int16).reshape(4, 5)
    x, y = of(rows, ["a", "a", "b", "b"]), of(rows[:2], ["a", "a"])
    before = x.digest(), y.digest(), x.gram.copy()
    _ = x + y, x - y
    assert (x.digest(), y.digest()) == before[:2]
    assert np.array_equal(x.gram, before[2])


def test_many_rows_are_summed_in_batches_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).integers(-32767, 32768, (1000, 5)).astype(np.int16)
    names = ["a"] * 1000
    whole = of(rows, names, AIMED)
    monkeypatch.setattr("forget.linear.statistics.BATCH", 50)
    assert of(rows, names, AIMED) == whole


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forget.linear.statistics.FEW", 0)
    rows = np.random.default_rng(0).integers(-32767, 32768, (2000, 160)).astype(np.int16)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(Statistics.of(Space(FINE, 160, "ab" * 32), rows, ["a"] * 2000))
    assert np.array_equal(found[0].gram, found[1].gram)
    assert found[0] == found[1]


ONE = np.ones((1, 5), np.int16)


def test_a_class_that_is_lacking_cannot_be_subtracted() -> None:
    with pytest.raises(StatisticsError, match="at most 0 rows of class 'b'"):
        of(ONE, ["a"]) - of(ONE, ["b"])


def test_more_rows_than_held_cannot_be_subtracted() -> None:
    with pytest.raises(StatisticsError, match="at most 1 rows of class 'a'"):
        of(ONE, ["a"]) - of(np.ones((2, 5), np.int16), ["a", "a"])


def test_other_rows_that_would_empty_a_class_cannot_be_subtracted() -> None:
    with pytest.raises(StatisticsError, match="very rows"):
        of(ONE, ["a"]) - of(ONE * 2, ["a"])


def test_other_targets_that_would_leave_nobody_cannot_be_subtracted() -> None:
    aims = np.array([[1, 2]], np.int16)
    one = Statistics.of(AIMED, ONE, ["a"], aims)
    with pytest.raises(StatisticsError, match="very rows"):
        one - Statistics.of(AIMED, ONE, ["a"], aims + 1)


@pytest.mark.parametrize(
    "targets",
    [None, np.ones((1, 3), np.int16), np.ones((2, 2), np.int16), np.full((1, 2), 4096, np.int16)],
    ids=["none", "more", "of other rows", "off the grid"],
)
def test_targets_that_do_not_fit_are_refused(targets: np.ndarray | None) -> None:
    with pytest.raises(StatisticsError, match=r"int16 targets of shape \(1, 2\) up to 4095"):
        Statistics.of(AIMED, ONE, ["a"], targets)
    with pytest.raises(StatisticsError, match=r"shape \(1, 0\)"):
        Statistics.of(SPACE, ONE, ["a"], np.ones((1, 1), np.int16))


@pytest.mark.parametrize(
    "other",
    [
        replace(SPACE, grid=COARSE),
        replace(SPACE, grid=Grid(15, 2.0)),
        replace(SPACE, dimension=4),
        replace(SPACE, feature_map="cd" * 32),
        AIMED,
    ],
    ids=["bits", "scale", "dimension", "feature map", "targets"],
)
def test_statistics_of_different_spaces_do_not_mix(other: Space) -> None:
    foreign = Statistics.empty(other)
    for operation in (lambda a, b: a + b, lambda a, b: a - b):
        with pytest.raises(StatisticsError, match="same feature map on the same grid"):
            operation(of(ONE, ["a"]), foreign)
    assert Statistics.empty(SPACE).digest() != foreign.digest()


def test_too_many_rows_are_refused_and_the_coarser_grid_is_named() -> None:
    full = ClassSums("a", 2**23, np.zeros(5, np.int64))
    most = Statistics(SPACE, np.zeros((5, 5), np.int64), {"a": full}, np.zeros((5, 0), np.int64))
    with pytest.raises(StatisticsError, match=r"COARSE \(12 bits, up to 536,870,912 rows\)"):
        most + of(ONE, ["b"])
    coarse = replace(SPACE, grid=COARSE)
    roomy = Statistics(coarse, np.zeros((5, 5), np.int64), {"a": full}, np.zeros((5, 0), np.int64))
    assert (roomy + of(ONE, ["b"], coarse)).count == 2**23 + 1


@pytest.mark.parametrize(
    "rows",
    [np.ones((1, 4), np.int16), np.ones((1, 5)), np.ones(5, np.int16), -32768 * ONE],
    ids=["dimension", "reals", "no matrix", "off the grid"],
)
def test_rows_that_do_not_fit_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(StatisticsError):
        of(rows, ["a"] * len(rows))


def test_every_row_needs_a_name() -> None:
    with pytest.raises(StatisticsError, match="1 labels"):
        of(ONE, [])


def test_without_the_grid_subtraction_is_not_exact() -> None:
    """The control: the same sums of unrounded features do not come back."""
    z = np.random.default_rng(0).normal(size=(400, 5))
    theirs = z[:20]
    assert not np.array_equal(z.T @ z - theirs.T @ theirs, z[20:].T @ z[20:])


def test_a_name_that_is_no_text_of_unicode_has_a_digest_too() -> None:
    rows = np.ones((2, SPACE.dimension), dtype=np.int16)
    names = ["odd\udc80", "odd\udc81"]
    one, other = (Statistics.of(SPACE, rows, [name] * 2) for name in names)
    assert one.digest() != other.digest()

"""Search among many against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.errors import ForgetError
from forget.metrics.identification import identify, judge_search
from forget.metrics.retrieval import search, unit


def tables(seed: int) -> tuple[np.ndarray, list[str], list[str]]:
    """Scores with ties, of probes some of whom nobody enrolled."""
    draw = np.random.default_rng(seed)
    probes, photographs = draw.integers(1, 30), draw.integers(1, 12)
    scores = draw.integers(-3, 4, size=(probes, photographs)) / 4
    people = [f"p{i}" for i in draw.integers(8, size=probes)]
    return scores, people, [f"p{i}" for i in draw.integers(6, size=photographs)]


@given(st.integers(0, 100_000))
def test_ranks_and_rates_are_loops(seed: int) -> None:
    scores, people, enrolled = tables(seed)
    found = judge_search(scores, people, enrolled)
    ranks, mates, strangers = [], [], []
    for row, person in zip(scores, people, strict=True):
        best = {name: -np.inf for name in enrolled}
        for score, name in zip(row, enrolled, strict=True):
            best[name] = max(best[name], score)
        if person in best:
            ahead = [n for n in best if n != person and best[n] >= best[person]]
            ranks.append(1 + len(ahead))
            mates.append(best[person])
        else:
            strangers.append(max(best.values()))
    assert found.rank.tolist() == ranks
    assert found.mate.tolist() == mates and found.strangers.tolist() == strangers
    if ranks:
        shares = [found.within(k) for k in range(1, len(set(enrolled)) + 1)]
        assert shares[-1] == 1 and shares == sorted(shares)
        assert shares[0] == pytest.approx(np.mean([r == 1 for r in ranks]))
    for rate in (0.2, 0.5):
        if rate * len(strangers) < 1:
            with pytest.raises(ForgetError, match="at least"):
                found.tpir_at(rate)
            continue
        allowed = [t for t in (-9, *strangers) if np.mean([s > t for s in strangers]) <= rate]
        pairs = list(zip(ranks, mates, strict=True))
        for k in (1, 2):
            if pairs:
                wanted = np.mean([r <= k and m > min(allowed) for r, m in pairs])
                assert found.tpir_at(rate, k) == pytest.approx(wanted)
                assert found.tpir_at(rate, k) <= found.within(k)


@given(st.integers(0, 10_000), st.sampled_from([1, 100, 2**20]))
def test_blocks_and_rank_one_are_those_of_the_whole_search(seed: int, block: int) -> None:
    draw = np.random.default_rng(seed)
    gallery, probes = draw.normal(size=(9, 4)), draw.normal(size=(7, 4))
    enrolled = [f"p{i}" for i in draw.integers(4, size=9)]
    people = [f"p{i}" for i in draw.integers(6, size=7)]
    found = identify(probes, people, gallery, enrolled, block=block)
    dense = judge_search(unit(probes) @ unit(gallery).T, people, enrolled)
    assert np.array_equal(found.rank, dense.rank)
    assert np.allclose(found.mate, dense.mate, rtol=0, atol=1e-12)
    assert np.allclose(found.strangers, dense.strangers, rtol=0, atol=1e-12)
    known = np.isin(people, enrolled)
    first = search(probes, people, gallery, enrolled).first
    assert np.array_equal(found.rank == 1, first[known])


def test_a_tie_is_not_knowledge_and_nobody_known_is_not_a_number() -> None:
    tie = judge_search(np.ones((1, 3)), ["a"], ["a", "b", "c"])
    assert tie.rank.tolist() == [3] and tie.within(2) == 0
    nobody = judge_search(np.ones((2, 1)), ["x", "y"], ["a"])
    assert np.isnan(nobody.within()) and np.isnan(nobody.tpir_at(0.5))
    for k in (0, -1):
        with pytest.raises(ForgetError, match="rank of at least 1"):
            tie.within(k)
        with pytest.raises(ForgetError, match="rank of at least 1"):
            nobody.tpir_at(0.5, k)


def test_searches_that_tell_nothing_are_refused() -> None:
    some = np.ones((2, 3))
    for scores, people, enrolled in (
        (np.zeros((0, 1)), [], ["a"]),
        (np.zeros((1, 0)), ["a"], []),
        (np.full((1, 1), np.nan), ["a"], ["a"]),
        (some, ["a"], ["a", "b", "c"]),
    ):
        with pytest.raises(ForgetError, match="scores of"):
            judge_search(scores, people, enrolled)
    for probes, people, gallery in (
        (np.zeros((0, 3)), [], some),
        (some, ["a"], some),
        (some, ["a", "b"], np.zeros((0, 3))),
        (some, ["a", "b"], np.ones((2, 4))),
        (some * np.nan, ["a", "b"], some),
        (some * 0, ["a", "b"], some),
    ):
        with pytest.raises(ForgetError):
            identify(probes, people, gallery, ["a", "b"])

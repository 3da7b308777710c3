"""The proof is computed twice, by code that shares nothing, and its form never drifts."""

import stat
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.linear.grid import FINE, Grid
from forget.linear.proof import Proof, afresh
from forget.linear.statistics import Space, Statistics
from forget.models.checkpoint import write_bytes

SPACE = Space(FINE, 3, "ab" * 32)


@pytest.mark.parametrize("targets", [0, 2])
@given(
    people=st.dictionaries(st.text(max_size=8), st.integers(1, 6), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_plain_numpy_finds_the_same_digest(
    targets: int, people: dict[str, int], seed: int
) -> None:
    space = replace(SPACE, targets=targets, target_grid=Grid(15, 4.0))
    random = np.random.default_rng(seed)
    chunks = {
        person: random.integers(-32767, 32768, (count, 3)).astype(np.int16)
        for person, count in people.items()
    }
    aims = {person: rows[:, :targets] // 2 for person, rows in chunks.items()}
    rows = np.concatenate([np.zeros((0, 3), np.int16), *chunks.values()])
    names = [person for person, chunk in chunks.items() for _ in chunk]
    sums = Statistics.of(space, rows, names, rows[:, :targets] // 2)
    assert afresh(space.header, chunks, 3, aims) == sums.digest()


def test_the_form_of_the_digest_is_fixed() -> None:
    rows = np.array([[1, -2, 3], [32767, 0, -32767]], np.int16)
    digest = Statistics.of(SPACE, rows, ["anna", "bo"]).digest()
    assert digest == "8b3aa3e62644f2ccd9ec3495ce784d22cb4c5024b39ef6a04d5d3503eb1b6b61"


def test_a_proof_holds_only_if_everything_is_equal() -> None:
    assert Proof("a", "a", 0.0).holds
    assert Proof("a", "a").holds
    assert not Proof("a", "b", 0.0).holds
    assert not Proof("a", "a", 1e-300).holds


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_the_app_asks_nothing_and_stays_on_this_machine() -> None:
    path = Path(__file__).parents[2] / ".streamlit" / "config.toml"
    server = tomllib.loads(path.read_text())["server"]
    assert server["showEmailPrompt"] is False
    assert server["address"] == "127.0.0.1"

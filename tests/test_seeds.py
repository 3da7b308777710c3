"""Seeds are read as they are written, or refused in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.errors import ForgetError
from forget.seeds import read_seeds


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_seeds_come_back_once_each_in_order(seeds: list[int]) -> None:
    assert read_seeds(",".join(map(str, seeds))) == tuple(dict.fromkeys(seeds))
    assert read_seeds(" , ".join(map(str, seeds))) == tuple(dict.fromkeys(seeds))


@pytest.mark.parametrize("text", ["", "1,", "-1", "1.5", "two", "0;1", str(2**32), "²"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ForgetError, match="whole numbers from 0"):
        read_seeds(text)

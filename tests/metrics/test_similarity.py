"""Likeness of representations: what it does not see, and what it does."""

import numpy as np
import pytest

from forget.errors import ForgetError
from forget.metrics.similarity import linear_cka


def test_turning_scaling_and_moving_change_nothing() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 7))
    turn = np.linalg.qr(random.normal(size=(7, 7)))[0]
    assert linear_cka(x, 3 * x @ turn + 5) == pytest.approx(1)
    assert linear_cka(x, random.normal(size=(50, 9))) < 0.4


def test_it_is_the_published_formula() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(30, 4)), random.normal(size=(30, 6))
    x0, y0 = x - x.mean(0), y - y.mean(0)
    top = np.linalg.norm(y0.T @ x0) ** 2
    wanted = top / (np.linalg.norm(x0.T @ x0) * np.linalg.norm(y0.T @ y0))
    assert linear_cka(x, y) == pytest.approx(wanted)
    assert linear_cka(x, y) == pytest.approx(linear_cka(y, x))


def test_what_says_nothing_is_not_a_number_and_other_images_are_refused() -> None:
    x = np.random.default_rng(2).normal(size=(10, 3))
    assert np.isnan(linear_cka(x, np.ones((10, 2))))
    for other in (x[:5], x[:1], x[:, 0]):
        with pytest.raises(ForgetError, match="same images"):
            linear_cka(x if len(other) == 5 else other, other)

"""An eraser and an edited operator betray the erased, and only them."""

import numpy as np
import pytest
from linear.erasing.crowd import ERASERS, ONE, Case, check_told, crowd, every_eraser

from forget.errors import StatisticsError
from forget.linear.erasing.leak import eraser_leak, exposure
from forget.linear.erasing.operator_edit import svd_update


@every_eraser
@pytest.mark.parametrize("m", [1, 3])
def test_an_eraser_betrays_the_erased_and_only_them(kind: str, m: int) -> None:
    faces = crowd(d=64, people=20, within=0.1)
    people = sorted(set(faces.names))
    eraser = ERASERS[kind][0](faces, people[:m])
    operator = np.random.default_rng(3).normal(size=(80, 64))
    assert eraser_leak(operator).gap < 1e3
    leak = eraser_leak(operator @ eraser.matrix)
    assert leak.gap > 1e9
    assert leak.smallest < 1e-10
    # The null space of the edited operator is what the eraser says that it reveals, ...
    np.testing.assert_allclose(exposure(leak.directions, eraser.directions.T), 1.0, atol=1e-9)
    assert leak.directions.shape == (64, eraser.rank)
    # ... which is where the erased are, seen from the eraser's centre.
    templates = np.stack([rows.mean(0) for rows in faces.of(*people)]) - eraser.centre
    betrayed = exposure(leak.directions, templates)
    assert betrayed[:m].min() > 0.999
    assert betrayed[m:].max() < 0.9


@pytest.mark.parametrize("d", [12, 40])
def test_an_edited_operator_betrays_its_person(d: int) -> None:
    faces = crowd(d=d, within=0.05)
    (rows,) = faces.of("p0007")
    operator = np.random.default_rng(1).normal(size=(d, d))
    leak = eraser_leak(svd_update(operator, rows, rank=1))
    assert leak.directions.shape == (d, 1)
    template = rows.mean(0) / np.linalg.norm(rows.mean(0))
    assert abs(leak.directions[:, 0] @ template) > 0.999


def test_a_leak_is_found_under_one_dominant_direction() -> None:
    values = np.array([1e5, 3.0, 2.0, 1.0, 0.0])
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    leak = eraser_leak(np.diag(values) @ q.T)
    assert leak.directions.shape == (5, 1)
    assert abs(leak.directions[:, 0] @ q[:, 4]) > 1 - 1e-12


def test_a_gap_in_mere_rounding_hides_no_leak() -> None:
    leak = eraser_leak(np.diag([3.0, 2.0, 1e-17, 1e-60]))
    np.testing.assert_allclose(exposure(leak.directions, np.eye(4)), [0, 0, 1, 1])


def test_nothing_in_the_zero_matrix_stands_out() -> None:
    assert eraser_leak(np.zeros((4, 4))).gap == 1.0


BAD: dict[str, Case] = {
    "wide": (lambda: eraser_leak(np.ones((3, 4))), StatisticsError, "columns", r"\(3, 4\)"),
    "one column": (lambda: eraser_leak(np.ones((3, 1))), StatisticsError, "2 columns", r"3, 1"),
    "vector": (lambda: exposure(ONE.T, ONE[0]), StatisticsError, r"\(n, 16\)", r"\(16,\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_what_was_expected_and_what_to_do(case: str) -> None:
    check_told(*BAD[case])

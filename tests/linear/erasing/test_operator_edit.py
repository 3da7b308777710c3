"""An edited operator is the nearest one that sends a person's directions to 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.erasing.crowd import FACES, ONE, Case, check_told

from forget.errors import StatisticsError
from forget.linear.erasing.eraser import identity_basis
from forget.linear.erasing.operator_edit import svd_update


@given(st.integers(4, 12), st.integers(1, 3), st.integers(0, 2**16))
@settings(max_examples=25)
def test_the_update_is_the_nearest_operator_without_the_person(d: int, r: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    operator, rows = random.normal(size=(7, d)), random.normal(size=(6, d))
    edited, basis = svd_update(operator, rows, r), identity_basis(rows, r)
    np.testing.assert_allclose(edited @ basis, 0.0, atol=1e-12)
    off = np.eye(d) - basis @ basis.T
    np.testing.assert_allclose(edited @ off, operator @ off, atol=1e-12)
    # Twin: the singular value decomposition of what A does to the directions.
    u, s, vt = np.linalg.svd(operator @ basis, full_matrices=False)
    np.testing.assert_allclose(edited, operator - (u * s) @ (basis @ vt.T).T, atol=1e-12)
    rival = edited + random.normal(size=(7, d)) @ off
    assert np.linalg.norm(rival - operator) > np.linalg.norm(edited - operator)


BAD: dict[str, Case] = {
    "update of everything": (
        lambda: svd_update(np.eye(16), FACES.z, 16),
        StatisticsError,
        "fewer than 16",
        "16",
    ),
    "operator": (lambda: svd_update(np.eye(9), ONE), StatisticsError, r"\(n, 16\)", r"\(9, 9\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_what_was_expected_and_what_to_do(case: str) -> None:
    check_told(*BAD[case])

"""Erasers are projectors in their metric and leave nothing of the erased."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.erasing.crowd import (
    ERASERS,
    FACES,
    ONE,
    RIDGE,
    Case,
    check_told,
    crowd,
    every_eraser,
    plain,
    within_scatter,
)

from forget.errors import IdentityError, StatisticsError
from forget.linear.erasing.eraser import (
    Eraser,
    identity_basis,
    orthogonal_eraser,
    within_whitening,
)
from forget.linear.erasing.leak import exposure
from forget.linear.grid import FINE
from forget.linear.statistics import Space, Statistics


@every_eraser
@settings(max_examples=25)
@given(st.integers(9, 24), st.integers(1, 3), st.integers(0, 2**16))
def test_an_eraser_is_a_projector_in_its_metric(kind: str, d: int, m: int, seed: int) -> None:
    make, each, metric = ERASERS[kind]
    faces = crowd(d=d, seed=seed)
    people = sorted(set(faces.names))[:m]
    eraser, inner = make(faces, people), metric(faces)
    probe = np.random.default_rng(seed).normal(size=(5, d))

    assert (eraser.kind, eraser.rank) == (kind, m * each)
    # Conditions of the metrics are below 1e5 here: 1e-9 leaves room.
    e = eraser.matrix
    np.testing.assert_allclose(e @ e, e, atol=1e-9)
    assert np.linalg.matrix_rank(e, tol=1e-6) == d - m * each
    scale = np.abs(inner).max()
    np.testing.assert_allclose(inner @ e / scale, (inner @ e).T / scale, atol=1e-9)
    if kind == "orthogonal":
        np.testing.assert_allclose(e, e.T, atol=1e-14)

    # An affine map with that matrix, which leaves its centre, and its own results, alone.
    out = eraser.apply(probe)
    np.testing.assert_allclose(out, (probe - eraser.centre) @ e.T + eraser.centre, atol=1e-9)
    np.testing.assert_allclose(eraser.apply(eraser.centre[None]), eraser.centre[None], atol=1e-12)
    np.testing.assert_allclose(eraser.apply(out), out, atol=1e-9)

    # Nothing of anybody is left along the directions; what had nothing there is not touched.
    basis = eraser.directions
    np.testing.assert_allclose(basis.T @ basis, np.eye(m * each), atol=1e-12)
    for rows in (probe, np.concatenate(faces.of(*people))):
        left = (eraser.apply(rows) - eraser.centre) @ inner @ basis
        assert np.abs(left).max() < 1e-9 * scale
    lift = np.linalg.solve(basis.T @ inner @ basis, basis.T @ inner)  # naive twin of V^T
    free = (probe - eraser.centre) @ (np.eye(d) - basis @ lift).T + eraser.centre
    assert np.abs(free - probe).max() > 1e-3  # the probe was not free of them before
    np.testing.assert_allclose(eraser.apply(free), free, atol=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("m", [1, 4])
def test_a_basis_holds_the_leading_span_of_each_person(whiten: bool, m: int) -> None:
    faces = crowd(d=20)
    people = faces.of(*sorted(set(faces.names))[:m])
    values, vectors = np.linalg.eigh(within_scatter(faces))
    root = (vectors / np.sqrt(values)) @ vectors.T if whiten else np.eye(20)
    basis = identity_basis(people if m > 1 else people[0], 3, root if whiten else None)
    assert basis.shape == (20, 3 * m)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3 * m), atol=1e-12)
    for rows in people:
        moment = root @ rows.T @ rows @ root
        leading = np.linalg.eigh(moment)[1][:, -3:]
        np.testing.assert_allclose(exposure(basis, leading.T), 1.0, atol=1e-9)


def test_a_person_has_no_more_directions_than_photographs() -> None:
    rows = crowd(each=2).of("p0001", "p0002")
    assert identity_basis(rows, 3).shape == (16, 4)
    assert identity_basis([rows[0], rows[0]], 3).shape == (16, 2)
    assert identity_basis(rows[0][:1], 3).shape == (16, 1)


def test_whitening_makes_variation_the_same_in_all_directions() -> None:
    faces = crowd()
    w = within_whitening(faces.sums, RIDGE)
    np.testing.assert_allclose(w @ within_scatter(faces) @ w.T, np.eye(16), atol=1e-10)


def test_whitened_eraser_equals_the_dense_formula_from_rows() -> None:
    faces = crowd()
    values, vectors = np.linalg.eigh(within_scatter(faces))
    root, back = (vectors / np.sqrt(values)) @ vectors.T, (vectors * np.sqrt(values)) @ vectors.T
    (rows,) = faces.of("p0003")
    q = np.linalg.svd(rows @ root)[2][:3].T
    dense = back @ (np.eye(16) - q @ q.T) @ root
    # The symmetric root, here, and the triangular one, there, give the same eraser.
    eraser = orthogonal_eraser(rows, faces.sums, 3, RIDGE)
    np.testing.assert_allclose(eraser.matrix, dense, atol=1e-9)


def centred_eraser(rows: np.ndarray) -> Eraser:
    """The defect found in public code: directions of the rows less the person's mean."""
    basis = identity_basis(rows - rows.mean(0), 3)
    return Eraser("centred", np.zeros(len(basis)), basis, basis)


def test_centring_would_keep_the_person_and_our_erasers_do_not() -> None:
    random = np.random.default_rng(0)
    d, people, each, variation = 48, 20, 20, 3
    means = random.normal(size=(people, d))
    # Each person varies in a few ways of their own, as with glasses, a beard, a smile.
    ways = 0.4 * random.normal(size=(people, variation, d))
    amounts = random.normal(size=(people, 2 * each, variation))
    z = means[:, None] + amounts @ ways + 0.3 * random.normal(size=(people, 2 * each, d))
    z = z / np.linalg.norm(z, axis=2, keepdims=True)
    known, fresh = z[:, :each], z[:, each:]  # fitted on, and photographs nobody has seen
    names = [f"p{i}" for i in range(people) for _ in range(each)]
    space = Space(FINE, d, "ab" * 32)
    sums = Statistics.of(space, FINE.snap(known.reshape(-1, d)), names)
    gallery = known.mean(1)

    def similarity(eraser: Eraser | None) -> tuple[float, float]:
        """Share of fresh photographs that find their person, and their mean cosine with her."""
        probe = fresh[0] if eraser is None else eraser.apply(fresh[0])
        cosines = probe @ gallery.T
        cosines /= np.linalg.norm(probe, axis=1)[:, None] * np.linalg.norm(gallery, axis=1)
        return float(np.mean(cosines.argmax(1) == 0)), float(cosines[:, 0].mean())

    before, centred = similarity(None), similarity(centred_eraser(known[0]))
    assert before[0] > 0.95
    assert centred[0] > 0.95
    assert centred[1] > before[1]  # even more like themselves
    for eraser in (orthogonal_eraser(known[0], None), orthogonal_eraser(known[0], sums)):
        found, cosine = similarity(eraser)
        assert found < 0.3
        assert cosine < 0.2


@pytest.mark.parametrize("kind", ["orthogonal", "whitened", "leace"])
def test_others_are_still_told_apart(kind: str) -> None:
    faces = crowd(d=32, within=0.3)
    people = sorted(set(faces.names))
    erased = ERASERS[kind][0](faces, people[:2]).apply(faces.z)
    means = np.stack([erased[faces.names == person].mean(0) for person in people[2:]])
    others = ~np.isin(faces.names, people[:2])
    cosines = erased[others] @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    found = np.array(people[2:])[cosines.argmax(1)]
    assert np.mean(found == faces.names[others]) > 0.95


BAD: dict[str, Case] = {
    "rank 0": (lambda: identity_basis(ONE, 0), StatisticsError, "1 to 16 directions", "0"),
    "rank above d": (lambda: orthogonal_eraser(ONE, None, 17), StatisticsError, "1 to 16", "17"),
    "ridge": (lambda: within_whitening(FACES.sums, 0.0), StatisticsError, "a ridge", "0.0"),
    "no rows": (lambda: identity_basis([]), IdentityError, "at least one person", "nobody"),
    "vector of rows": (lambda: identity_basis(ONE[0]), StatisticsError, r"\(n, d\)", "shape"),
    "no photograph": (lambda: identity_basis(ONE[:0]), StatisticsError, "of each", "none"),
    "black": (lambda: identity_basis([ONE, 0 * ONE]), StatisticsError, "of each person", "all 0"),
    "two dimensions": (
        lambda: identity_basis([ONE, ONE[:, :5]]),
        StatisticsError,
        r"\(n, 16\)",
        r"\(8, 5\)",
    ),
    "not finite": (lambda: identity_basis(ONE + np.nan), StatisticsError, "finite", "128 not"),
    "whitener": (
        lambda: identity_basis(ONE, 1, np.eye(15)),
        StatisticsError,
        r"\(n, 16\)",
        r"\(15, 15\)",
    ),
    "every direction": (
        lambda: orthogonal_eraser(list(FACES.z.reshape(30, 8, 16)), None),
        StatisticsError,
        "fewer than 16",
        "16",
    ),
    "foreign rows": (
        lambda: plain(FACES, ["p0000"]).apply(np.ones((2, 3))),
        StatisticsError,
        r"\(n, 16\)",
        r"\(2, 3\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_what_was_expected_and_what_to_do(case: str) -> None:
    check_told(*BAD[case])

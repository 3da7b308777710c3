"""Reports against their parts, features of pairs against dense products."""

import json
import warnings

import numpy as np
import pytest

from forget.errors import ForgetError
from forget.metrics.cosines import directions, pair_cosines
from forget.metrics.detection import auc
from forget.metrics.evaluation import evaluate_pairs, evaluate_templates
from forget.metrics.folds import on_public_grid, verify_folds
from forget.metrics.retrieval import unit
from forget.metrics.verification import equal_error, error_curve, point_at


def faces(seed: int = 0, pairs: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of pairs of photographs, of any length, one person every second time."""
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(2, pairs, 8))
    same = np.arange(pairs) % 2 == 0
    b[same] += 1.5 * a[same]
    return a * draw.uniform(1, 20, size=(pairs, 1)), b, same


def test_a_report_holds_what_its_parts_say() -> None:
    a, b, same = faces()
    report = evaluate_pairs(a, b, same, rates=(0.01, 0.1))
    scores = (unit(a) * unit(b)).sum(1)
    curve = error_curve(scores[same], scores[~same])
    folds, public = (verify_folds(scores, same, choose) for choose in (None, on_public_grid))
    wanted = {
        "accuracy [share]": folds.accuracy,
        "accuracy deviation [share]": folds.deviation,
        "accuracy, public grid [share]": public.accuracy,
        "accuracy deviation, public grid [share]": public.deviation,
        "genuine [pairs]": 200,
        "impostor [pairs]": 200,
        "mean of genuine [cosine]": scores[same].mean(),
        "mean of impostor [cosine]": scores[~same].mean(),
        "area under the curve [share]": auc(scores[same], scores[~same]),
        "equal error rate [share]": equal_error(curve).rate,
        "equal error threshold [cosine]": equal_error(curve).threshold,
    }
    for rate in (0.01, 0.1):
        near = point_at(curve, rate, "nearest")
        wanted |= {
            f"TAR at FAR {rate:g}, iso [share]": point_at(curve, rate).tar,
            f"TAR at FAR {rate:g}, nearest [share]": near.tar,
            f"FAR reached at {rate:g}, nearest [share]": near.fmr,
            f"threshold at FAR {rate:g}, iso [cosine]": point_at(curve, rate).threshold,
        }
    told = report.pop("warnings")
    assert report == pytest.approx(wanted)
    assert any("FMR 0.01 is not to be trusted" in one for one in told)
    assert json.loads(json.dumps(report)) == report


def test_units_are_named_and_within_their_range() -> None:
    report = evaluate_pairs(*faces(1))
    report.pop("warnings")
    low = {"[share]": 0, "[cosine]": -1, "[pairs]": 1}
    for key, value in report.items():
        unit_of = key.rsplit(" ", 1)[1]
        assert np.isnan(value) or low[unit_of] <= value
        assert np.isnan(value) or unit_of == "[pairs]" or value <= 1 + 1e-12


def test_rates_below_one_pair_are_not_numbers_and_said_so() -> None:
    report = evaluate_pairs(*faces(2), rates=(1e-3,))
    assert all(np.isnan(value) for key, value in report.items() if "0.001" in key)
    assert any("FMR 0.001 cannot be told" in one for one in report["warnings"])
    perfect = np.tile(np.eye(2), (20, 1))
    same = np.tile([True, False], 20)
    sure = evaluate_pairs(perfect, np.tile([1.0, 0.0], (40, 1)), same, rates=(0.5,))
    assert sure["accuracy [share]"] == 1
    assert sure["warnings"][0].startswith("The accuracy rests on 0 errors in 40 pairs")


def test_turning_and_stretching_features_changes_no_rate() -> None:
    a, b, same = faces(3)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(8, 8)))[0]
    one, other = evaluate_pairs(a, b, same), evaluate_pairs(7 * a @ turn, 0.2 * b @ turn, same)
    for key in one:
        assert one[key] == other[key] or one[key] == pytest.approx(other[key], nan_ok=True), key


@pytest.mark.parametrize("block", [1, 1000, 2**25])
def test_blocks_are_the_dense_product(block: int) -> None:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(30, 5)).astype(np.float32)
    rows = draw.integers(30, size=(200, 2))
    table = unit(x) @ unit(x).T
    found = pair_cosines(x, x, rows, block)
    assert np.allclose(found, table[rows[:, 0], rows[:, 1]], rtol=0, atol=1e-14)
    assert np.allclose(pair_cosines(x, -x, block=block), -1)


def test_templates_are_looked_up_by_id() -> None:
    draw = np.random.default_rng(5)
    a, b, same = faces(5)
    ids = draw.permutation(10_000)[:800]
    order = draw.permutation(800)
    pairs = np.stack([ids[:400], ids[400:]], 1)
    features = np.concatenate([a, b])
    found = evaluate_templates(features[order], ids[order], pairs, same, rates=(0.1,))
    wanted = evaluate_pairs(a, b, same, rates=(0.1,))
    told = [one for one in wanted["warnings"] if "accuracy" not in one]
    assert found.pop("warnings") == told
    assert found == pytest.approx({key: wanted[key] for key in found})
    assert not [key for key in found if "accuracy" in key]


def test_templates_that_are_missing_or_twice_are_named() -> None:
    x, ids = np.eye(3), np.array([7, 3, 5])
    same = np.array([True, False])
    with pytest.raises(ForgetError, match="such as 4"):
        evaluate_templates(x, ids, np.array([[7, 3], [4, 5]]), same)
    with pytest.raises(ForgetError, match="such as 9"):
        evaluate_templates(x, ids, np.array([[7, 9], [3, 5]]), same)
    with pytest.raises(ForgetError, match="each once"):
        evaluate_templates(x, np.array([7, 7, 5]), np.array([[7, 5], [5, 7]]), same)
    for pairs in (np.array([7, 3]), np.zeros((2, 3), int)):
        with pytest.raises(ForgetError, match=r"pairs \(p, 2\)"):
            evaluate_templates(x, ids, pairs, same)
    with pytest.raises(ForgetError, match="numbers"):
        evaluate_templates(x, ids, np.zeros((0, 2), int), same[:0])


@pytest.mark.parametrize("broken", [0.0, np.nan, np.inf, 1e200, 1e-310])
def test_features_without_a_direction_are_refused(broken: float) -> None:
    a, b, same = faces(6)
    b[3] = broken
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ForgetError, match="1 of 400"):
            evaluate_pairs(a, b, same)


def test_shapes_that_do_not_fit_are_refused() -> None:
    a, b, same = faces(7)
    for one, other in ((a, b[:, :4]), (a[:-1], b), (a[:0], b[:0]), (a[0], b[0])):
        with pytest.raises(ForgetError, match="features"):
            evaluate_pairs(one, other, same)
    with pytest.raises(ForgetError, match="a label for each pair"):
        evaluate_pairs(a, b, same[:-1])
    with pytest.raises(ForgetError, match="between 0 and 1"):
        evaluate_pairs(a, b, same, rates=(0.0,))
    assert np.allclose(np.linalg.norm(directions(a), axis=1), 1)

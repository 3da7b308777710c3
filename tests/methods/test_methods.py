"""The contract, tested over every method in the registry."""

from pathlib import Path

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import ForgetError, IdentityError, StatisticsError
from forget.linear.archive import model_bytes, read_model, save_model, without_store
from forget.linear.erasing.leak import exposure
from forget.linear.erasing.operator_edit import svd_update
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.linear.proof import verify_file
from forget.linear.statistics import Statistics
from forget.methods.registry import LINEAR_METHODS, unlearn
from forget.progress import Cancelled
from forget.unlearning.contract import Kind, Scope
from forget.unlearning.erasing import Erasing

every_method = pytest.mark.parametrize("method", LINEAR_METHODS)
SUPPRESSING = [name for name, one in LINEAR_METHODS.items() if isinstance(one, Erasing)]
every_exact_method = pytest.mark.parametrize("method", sorted({*LINEAR_METHODS} - {*SUPPRESSING}))
every_suppression = pytest.mark.parametrize("method", SUPPRESSING)


@every_method
def test_the_input_is_untouched(method: str, model: LinearModel, orl: FaceDataset) -> None:
    before = model_bytes(model)
    unlearn(model, orl, ["s22", "s07"], method)
    assert model_bytes(model) == before


@every_method
def test_nothing_of_the_people_is_left(method: str, model: LinearModel, orl: FaceDataset) -> None:
    result = unlearn(model, orl, ["s22", "s07"], method)
    for place in (result.model.people, result.model.classes, *result.model.parts()):
        assert "s22" not in place
        assert "s07" not in place
    assert len(result.model.people) == 38
    assert result.seconds > 0


@every_method
def test_same_seed_same_result(method: str, model: LinearModel, orl: FaceDataset) -> None:
    one, other = (unlearn(model, orl, ["s30"], method, seed=5).model for _ in range(2))
    assert one.statistics == other.statistics
    assert head_gap(one.head, other.head) == 0.0


@every_method
def test_progress_ends_at_its_total_and_cancel_passes(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    steps: list[tuple[int, int]] = []
    unlearn(model, orl, ["s30", "s31"], method, on_step=lambda d, t, note="": steps.append((d, t)))
    assert steps[-1][0] == steps[-1][1]

    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        unlearn(model, orl, ["s30"], method, on_step=stop)


@every_method
def test_requests_that_cannot_be_met_are_told(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    for people, words in (
        ([], "empty selection"),
        (orl.identities, "everybody|nobody left"),
        (["s99"], "Nearest ids: s"),
        ("s30", "list of ids"),
    ):
        with pytest.raises(IdentityError, match=words):
            unlearn(model, orl, people, method)
    once = unlearn(model, orl, ["s30"], method).model
    with pytest.raises(IdentityError, match="'s30'"):
        unlearn(once, orl, ["s30"], method)
    with pytest.raises(StatisticsError, match="saved without"):
        unlearn(without_store(model), orl, ["s30"], method)


@every_exact_method
def test_guarantee_and_scope(method: str, model: LinearModel, orl: FaceDataset) -> None:
    added = unlearn(model, orl, ["s30"], method).guarantee
    core = unlearn(model, orl, ["s30", "s04"], method).guarantee
    assert (added.kind, added.scope) == (Kind.EXACT, Scope.MODEL)
    assert (core.kind, core.scope) == (Kind.EXACT, Scope.READOUT)
    assert "Person 4" in core.reason


@every_exact_method
def test_requests_accumulate_to_the_same_bits(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    together = unlearn(model, orl, ["s21", "s40"], method).model
    first = unlearn(model, orl, ["s40"], method).model
    one_by_one = unlearn(first, orl, ["s21"], method).model
    assert one_by_one.statistics == together.statistics
    assert one_by_one.threshold == together.threshold


@every_method
def test_the_last_but_one_can_go(method: str, model: LinearModel, orl: FaceDataset) -> None:
    alone = unlearn(model, orl, orl.identities[:-1], method).model
    assert alone.people == ["s40"]
    assert alone.predict(orl.images[-1:]).shape == (1, 1)
    assert not np.isfinite(alone.threshold)


@every_suppression
def test_suppression_promises_nothing_and_betrays_whom_it_hides(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    result = unlearn(model, orl, ["s30"], method)
    assert result.guarantee.kind is Kind.NONE
    assert "whom it hides" in result.guarantee.caveat
    eraser = result.model.feature_map.eraser
    assert result.detail["directions erased"] == eraser.rank
    assert result.detail["capacity"]["people"] >= 0
    rows = {p: model.feature_map.grid.real(model.store[p].rows) for p in model.people}
    means = {p: (r - eraser.centre).mean(0, keepdims=True) for p, r in rows.items()}
    shown = {p: float(exposure(eraser.directions, mean)[0]) for p, mean in means.items()}
    assert max(shown, key=lambda p: shown[p]) == "s30"
    assert shown["s30"] > 0.9


@every_suppression
def test_the_suppressed_are_not_found_even_when_they_are_enrolled_again(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    """That is the goal of suppression; forgotten people are found like anybody new."""
    held_out = split_by_identity(orl).test_of(["s30"])
    found = {}
    for way in (method, "subtract"):
        after = unlearn(model, orl, ["s30"], way).model
        rows = after.feature_map.rows(orl.images[split_by_identity(orl).train_of(["s30"])])
        again = after.statistics + Statistics.of(
            after.feature_map.space, rows, ["s30"] * len(rows)
        )
        head = after.rule(again)
        scores = head.scores(
            after.feature_map.grid.real(after.feature_map.rows(orl.images[held_out]))
        )
        found[way] = scores[:, head.classes.index("s30")].mean()
    assert found[method] < found["subtract"] - 0.1


@every_suppression
def test_others_are_still_recognised(method: str, model: LinearModel, orl: FaceDataset) -> None:
    after = unlearn(model, orl, ["s30"], method).model
    indices = [i for i in split_by_identity(orl).test if orl.labels[i] != "s30"]
    best = after.predict(orl.images[indices]).argmax(1)
    right = [after.classes[j] == orl.labels[i] for i, j in zip(indices, best, strict=True)]
    assert np.mean(right) >= 0.95


@every_suppression
def test_an_eraser_saw_everybody_so_nothing_behind_it_is_forgotten_whole(
    method: str, model: LinearModel, orl: FaceDataset
) -> None:
    erased = unlearn(model, orl, ["s30"], method).model
    assert unlearn(erased, orl, ["s31"]).guarantee.scope is Scope.READOUT
    assert unlearn(model, orl, ["s31"]).guarantee.scope is Scope.MODEL


@every_suppression
def test_an_eraser_survives_a_file(
    method: str, model: LinearModel, orl: FaceDataset, tmp_path: Path
) -> None:
    after = unlearn(model, orl, ["s30"], method).model
    save_model(after, tmp_path / "model")
    back = read_model(tmp_path / "model")
    assert np.array_equal(back.predict(orl.images[:3]), after.predict(orl.images[:3]))
    assert verify_file(tmp_path / "model").holds
    again = unlearn(back, orl, ["s31"], method).model
    assert "s31" not in again.people


def test_unknown_methods_are_told(model: LinearModel, orl: FaceDataset) -> None:
    with pytest.raises(ForgetError, match="subtract, refit"):
        unlearn(model, orl, ["s30"], "wish")


def test_unlearning_needs_no_photographs_of_those_who_stay(
    model: LinearModel, orl: FaceDataset
) -> None:
    small = split_by_identity(orl).faces.only(["s30", "s31"])
    result = unlearn(model, small, ["s30"])
    assert result.model.statistics == unlearn(model, orl, ["s30"]).model.statistics


def test_svd_edits_every_operator_that_reads_the_features(
    model: LinearModel, orl: FaceDataset
) -> None:
    """Reading edited features is what an edited operator makes of the features as they are."""
    eraser = unlearn(model, orl, ["s22"], "svd").model.feature_map.eraser
    rows = model.feature_map.grid.real(model.parts()[0]["s22"].rows)
    operator = np.random.default_rng(0).normal(size=(5, rows.shape[1]))
    seen = model.feature_map.grid.real(model.parts()[0]["s30"].rows)
    wanted = seen @ svd_update(operator, rows).T
    np.testing.assert_allclose(eraser.apply(seen) @ operator.T, wanted, atol=1e-10)

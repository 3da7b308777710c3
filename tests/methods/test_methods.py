"""The contract, tested over every method in the registry."""

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import ForgetError, IdentityError, StatisticsError
from forget.linear.archive import model_bytes, without_store
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.methods.method import Kind, Scope
from forget.methods.registry import LINEAR_METHODS, unlearn
from forget.progress import Cancelled

every_method = pytest.mark.parametrize("method", LINEAR_METHODS)


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


@every_method
def test_guarantee_and_scope(method: str, model: LinearModel, orl: FaceDataset) -> None:
    added = unlearn(model, orl, ["s30"], method).guarantee
    core = unlearn(model, orl, ["s30", "s04"], method).guarantee
    assert (added.kind, added.scope) == (Kind.EXACT, Scope.MODEL)
    assert (core.kind, core.scope) == (Kind.EXACT, Scope.READOUT)
    assert "Person 4" in core.reason


@every_method
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


def test_unknown_methods_are_told(model: LinearModel, orl: FaceDataset) -> None:
    with pytest.raises(ForgetError, match="subtract, refit"):
        unlearn(model, orl, ["s30"], "wish")


def test_unlearning_needs_no_photographs_of_those_who_stay(
    model: LinearModel, orl: FaceDataset
) -> None:
    small = split_by_identity(orl).faces.only(["s30", "s31"])
    result = unlearn(model, small, ["s30"])
    assert result.model.statistics == unlearn(model, orl, ["s30"]).model.statistics

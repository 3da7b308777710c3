"""The slow ways, run for real."""

import pytest

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import IdentityError
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn
from forget.reference import compare_refit, compare_training, train_without


def test_a_refit_from_photographs_says_the_same(model: LinearModel, orl: FaceDataset) -> None:
    split = split_by_identity(orl).forgetting(["s34"])
    after = unlearn(model, orl, ["s34"]).model
    one = compare_refit(model, after, split)
    assert one.agree == 1.0
    assert one.named[0] == one.named[1]
    assert one.others[0] == one.others[1]
    assert one.seconds > 0


def test_training_needs_two_core_people(model: LinearModel, orl: FaceDataset) -> None:
    split = split_by_identity(orl).forgetting(orl.core[1:])
    with pytest.raises(IdentityError, match="at least 2 core people"):
        train_without(model, split)


@pytest.mark.slow
def test_training_everything_again_without_a_core_person(
    model: LinearModel, orl: FaceDataset
) -> None:
    split = split_by_identity(orl).forgetting(["s07"])
    after = unlearn(model, orl, ["s07"]).model
    steps: list[tuple[int, int]] = []
    one = compare_training(model, after, split, on_step=lambda d, t, note="": steps.append((d, t)))
    assert steps[-1][0] == steps[-1][1]
    assert one.others[0] > 0.85
    assert one.agree > 0.8

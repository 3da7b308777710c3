"""Laws of a split by identity: nothing lost, nothing twice, nobody without training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.data.dataset import FaceDataset
from forget.data.orl import load_orl
from forget.data.split import Split, split_by_identity
from forget.errors import IdentityError

labels = st.lists(st.sampled_from(["a", "b", "c2", "c10"]), min_size=1, max_size=40)


def toy(names: list[str]) -> FaceDataset:
    return FaceDataset("toy", np.zeros((len(names), 2, 2), np.uint8), tuple(names))


@given(labels, st.floats(0, 1))
def test_a_split_is_a_partition_that_keeps_somebody_in_training(
    names: list[str], held_out: float
) -> None:
    faces = toy(names)
    split = split_by_identity(faces, held_out)
    together = np.concatenate([split.train, split.test])
    assert sorted(together) == list(range(len(names)))
    for indices in (split.train, split.test):
        assert indices.dtype == np.intp and (np.diff(indices) > 0).all()
    for person in faces.identities:
        assert len(split.train_of([person])) >= 1
        assert len(split.test_of([person])) >= (len(faces.of(person)) > 1)
        if len(split.test_of([person])):  # the last photographs are the held-out ones
            assert split.train_of([person]).max() < split.test_of([person]).min()


@given(labels)
def test_forget_and_retain_divide_the_training_photographs(names: list[str]) -> None:
    split = split_by_identity(toy(names)).forgetting([names[0]])
    np.testing.assert_array_equal(np.union1d(split.forget, split.retain), split.train)
    assert not np.intersect1d(split.forget, split.retain).size
    assert {names[i] for i in split.forget} == {names[0]}
    assert names[0] not in {names[i] for i in split.retain}


@given(labels, st.floats(0, 1))
def test_a_split_is_that_of_a_search_person_by_person(names: list[str], held_out: float) -> None:
    train, test = [], []
    for person in sorted(set(names)):
        mine = [i for i, one in enumerate(names) if one == person]
        kept_back = min(len(mine) - 1, max(1, round(held_out * len(mine))))
        train += mine[: len(mine) - kept_back]
        test += mine[len(mine) - kept_back :]
    split = split_by_identity(toy(names), held_out)
    assert split.train.tolist() == sorted(train) and split.test.tolist() == sorted(test)


@given(labels, st.data())
def test_photographs_of_people_are_those_that_a_search_finds_in_any_split(
    names: list[str], data: st.DataObject
) -> None:
    """Even in one whose indices are out of order, repeated or counted from the end."""
    some = st.lists(st.integers(-len(names), len(names) - 1), max_size=30)
    train, test = (np.array(data.draw(some), dtype=np.intp) for _ in range(2))
    split = Split(toy(names), train, test)
    people = data.draw(st.lists(st.sampled_from(["a", "b", "c2", "c10", "nobody"])))
    for found, indices in ((split.train_of(people), train), (split.test_of(people), test)):
        assert found.dtype == np.intp
        assert found.tolist() == [i for i in indices.tolist() if names[i] in people]


def test_a_data_set_of_nobody_has_a_split() -> None:
    split = split_by_identity(toy([]))
    assert not len(split.train) and not len(split.test_of(["a"])) and not len(split.forget)


def test_orl_trains_on_seven_and_holds_out_three() -> None:
    split = split_by_identity(load_orl())
    assert len(split.train) == 280 and len(split.test) == 120
    assert split.train_of(["s34"]).tolist() == list(range(330, 337))
    assert split.test_of(["s34"]).tolist() == [337, 338, 339]
    assert split.core == split.faces.core and not split.forget.size


def test_forgetting_returns_another_split() -> None:
    split = split_by_identity(toy(["a", "a", "b", "b"]))
    after = split.forgetting(["b", "a", "b"])
    assert split.leaving == () and after.leaving == ("a", "b")
    assert after.train is split.train and after.faces is split.faces
    for nobody in ([], ["z"], "a"):
        with pytest.raises(IdentityError):
            split.forgetting(nobody)

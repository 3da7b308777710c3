"""How soon networks know again: those that never forgot, and those that never knew."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from forget.data.partition import Partition, by_class
from forget.errors import ForgetError
from forget.networks import Networks, train_networks
from forget.problems import load_problem
from forget.recipe import Recipe
from forget.relearning import relearn, time_ratio
from forget.training import accelerate
from forget.ui.relearning import _said


@pytest.fixture(scope="module")
def split() -> Partition:
    whole = load_problem("digits")
    data = replace(whole.data, parts={**whole.data.parts, "train": whole.data.train[:600]})
    return by_class(data, ["5"])


@pytest.fixture(scope="module")
def networks(split: Partition) -> Networks:
    problem = replace(load_problem("digits"), data=split.data, recipe=Recipe(epochs=5, batch=32))
    return train_networks(problem, split, 0, accelerate("cpu"), 0.0)


def test_what_was_never_forgotten_is_known_at_once(split: Partition, networks: Networks) -> None:
    shown, asked = split.forget[:10], split.forget[10:]
    curves = [
        relearn(one, split.data, shown, asked, passes=30, fabric=accelerate("cpu"))
        for one in (networks.original, networks.reference)
    ]
    assert all(len(one) == 31 for one in curves)
    assert curves[0][0] > 0.9 and curves[1][0] == 0
    assert curves[1][-1] > 0.5  # it learns
    assert time_ratio(*curves, level=0.5) == 0
    assert time_ratio(curves[1], curves[1], level=0.5) == 1
    never = _said("scrub", np.zeros(21), np.r_[0.0, 0.5, 0.8, np.ones(18)])
    assert never.endswith("does not know 90% after 20 passes")


def test_the_network_stays_as_it_was_and_the_attack_repeats(
    split: Partition, networks: Networks
) -> None:
    before = {k: v.clone() for k, v in networks.reference.state_dict().items()}
    shown, asked = split.forget[:4], split.forget[4:]
    one, other = (
        relearn(networks.reference, split.data, shown, asked, passes=3, fabric=accelerate("cpu"))
        for _ in range(2)
    )
    assert np.array_equal(one, other)
    after = networks.reference.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_ratios_by_hand() -> None:
    slow, soon = np.array([0, 0.2, 0.5, 0.95]), np.array([0, 0.92, 1, 1])
    assert time_ratio(soon, slow) == pytest.approx(1 / 3)
    assert time_ratio(slow, soon) == 3
    assert time_ratio(np.zeros(4), soon) == 4  # not within its passes: at least so many
    assert np.isnan(time_ratio(soon, np.zeros(4))) and np.isnan(time_ratio(slow, np.ones(4)))


def test_nothing_to_show_or_to_ask_is_refused(split: Partition, networks: Networks) -> None:
    for shown, asked in (
        (split.forget[:0], split.forget),
        (split.forget, split.forget[:0]),
        (split.forget[:5], split.forget[4:]),
    ):
        with pytest.raises(ForgetError, match="images to show"):
            relearn(networks.original, split.data, shown, asked)

"""The benchmark's attack and score, against the published table and against its own definition."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit

from forget.errors import ForgetError
from forget.metrics.membership import loss_attack, nomus
from forget.metrics.published import PUBLISHED_MUFAC, Published


@pytest.mark.parametrize("row", PUBLISHED_MUFAC, ids=lambda row: row.title)
def test_the_published_scores_follow_from_their_columns(row: Published) -> None:
    for attack in (0.5 + row.mia_gap, 0.5 - row.mia_gap):
        assert nomus(row.test, attack) == pytest.approx(row.nomus, abs=1e-4)


def by_hand(members: np.ndarray, others: np.ndarray) -> list[float]:
    """Fits and counts split by split, without cross_val_score."""
    shuffled = members.copy()
    np.random.RandomState(42).shuffle(shuffled)
    shuffled = shuffled[: len(others)]
    x = np.concatenate([others, shuffled])[:, None]
    y = np.array([0] * len(others) + [1] * len(shuffled))
    found = []
    for train, test in StratifiedShuffleSplit(n_splits=10, random_state=0).split(x, y):
        attacker = LogisticRegression().fit(x[train], y[train])
        found.append(float((attacker.predict(x[test]) == y[test]).mean()))
    return found


@pytest.mark.parametrize(("members", "others"), [(150, 150), (150, 154), (200, 90)])
def test_the_attack_is_the_benchmarks(members: int, others: int) -> None:
    random = np.random.default_rng(members)
    inside, outside = random.exponential(0.5, members), random.exponential(1.0, others)
    attack = loss_attack(inside, outside)
    assert attack.accuracies.tolist() == by_hand(inside, outside)
    assert attack.accuracy == pytest.approx(np.mean(by_hand(inside, outside)))
    assert attack.gap == abs(attack.accuracy - 0.5)


def test_the_threshold_lies_where_the_attacker_is_undecided() -> None:
    random = np.random.default_rng(0)
    inside, outside = random.normal(1, 0.2, 400), random.normal(3, 0.2, 400)
    attack = loss_attack(inside, outside)
    assert attack.accuracy > 0.99
    assert attack.threshold == pytest.approx(2, abs=0.1)
    assert loss_attack(np.ones(50), np.ones(50)).threshold is None


@pytest.mark.parametrize(("members", "others"), [(10, 10), (40, 60), (300, 310)])
def test_equal_losses_are_guessed(members: int, others: int) -> None:
    attack = loss_attack(np.ones(members), np.ones(others))
    assert attack.accuracy == pytest.approx(0.5, abs=0.01 + 2 / members)


def test_many_non_members_are_no_attack() -> None:
    random = np.random.default_rng(0)
    attack = loss_attack(random.exponential(1, 60), random.exponential(1, 1504))
    assert attack.accuracy == pytest.approx(0.5, abs=0.2)
    assert len(attack.accuracies) == 10


def test_the_input_is_untouched() -> None:
    members = np.arange(30.0)
    loss_attack(members, np.arange(30.0))
    assert members.tolist() == list(range(30))


BROKEN = [np.array([]), np.ones(9), np.full(20, np.nan), np.full(20, np.inf)]


@pytest.mark.parametrize("bad", BROKEN)
def test_too_few_or_broken_losses_are_told(bad: np.ndarray) -> None:
    with pytest.raises(ForgetError, match="10 finite losses of members"):
        loss_attack(bad, np.ones(20))
    with pytest.raises(ForgetError, match="non-members"):
        loss_attack(np.ones(20), bad)

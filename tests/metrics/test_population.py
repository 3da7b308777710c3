"""Attacks on answers alone, on members that are known to stand out, and on some that do not."""

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm

from forget.errors import ForgetError
from forget.metrics import population
from forget.metrics.detection import chance_half_width
from forget.metrics.population import (
    ATTACKS,
    LEARNED,
    Answers,
    attack_scores,
    learned_scores,
    population_attacks,
)


def answers(seed: int, count: int, sure: float) -> Answers:
    """Random answers that favour the right class by about `sure`."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 6, count)
    logits = draw.normal(size=(count, 6))
    logits[np.arange(count), labels] += sure
    return log_softmax(logits, 1), labels


def test_no_attack_tells_alike_answers_apart() -> None:
    found = population_attacks(answers(0, 600, 1.0), answers(1, 700, 1.0))
    assert tuple(found) == ATTACKS
    half = chance_half_width(600, 700, float(norm.ppf(1 - 0.005 / len(ATTACKS))))
    for name, one in found.items():
        assert abs(one.auc - 0.5) < half, name
        assert one.interval[0] <= one.auc <= one.interval[1]


def test_every_attack_finds_answers_that_are_surer() -> None:
    found = population_attacks(answers(2, 500, 3.0), answers(3, 500, 0.5))
    assert all(one.auc > 0.75 for one in found.values())


def test_only_the_learned_attack_finds_members_between_two_kinds_of_others() -> None:
    draw = np.random.default_rng(4)
    members = draw.normal(0, 0.5, (400, 1))
    others = draw.normal(0, 0.5, (400, 1)) + np.repeat([-3.0, 3.0], 200)[:, None]
    who = [str(k) for k in range(400)]
    found = learned_scores(members, others, who, [f"o{one}" for one in who])
    assert np.mean(found.members[:, None] > found.others) > 0.95


def test_the_learned_attack_is_never_asked_of_people_whom_it_knows() -> None:
    draw = np.random.default_rng(5)
    people = draw.normal(size=(60, 4))  # whoever is known is recognised at once
    rows = np.repeat(people, 10, axis=0) + 0.01 * draw.normal(size=(600, 4))
    who = [str(k // 10) for k in range(600)]
    found = learned_scores(rows[:300], rows[300:], who[:300], who[300:])
    assert abs(np.mean(found.members[:, None] > found.others) - 0.5) < 0.2


def test_large_sides_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "MOST", 50)
    found = attack_scores(answers(6, 80, 1.0), answers(7, 40, 1.0))
    assert (len(found[LEARNED].members), len(found[LEARNED].others)) == (50, 40)
    assert len(found[LEARNED].member_people) == 50
    assert len(found["loss"].members) == 80


def test_too_few_people_are_refused() -> None:
    rows = np.zeros((8, 2))
    with pytest.raises(ForgetError, match="at least 5 people"):
        learned_scores(rows, rows, ["one"] * 8, [str(k) for k in range(8)])

"""What edited matrices and pairs of models give away."""

from collections.abc import Callable

import pytest
from known_fates import PEOPLE, deletion

from forget.auditing.evidence import Evidence
from forget.auditing.residue import betrayed, difference_attack, erased
from forget.auditing.subject import from_linear
from forget.linear.model import LinearModel


def test_an_eraser_is_found_and_points_at_whom_it_hides(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    after = from_linear(deletion(evidence.faces, "project")(model, PEOPLE), "after")
    (found,) = betrayed(after, evidence)
    assert {person for person, _ in found.people[:2]} == set(PEOPLE)
    assert min(cosine for _, cosine in found.people[:2]) >= 0.99
    assert not erased(from_linear(model, "before", known_rows))


def test_a_pair_of_models_gives_away_who_left(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    before = from_linear(model, "before", known_rows)
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", known_rows)
    found = difference_attack(before, after, evidence)
    assert found["auc"] > 0.95
    assert found["cosine"] == pytest.approx(1, abs=1e-6)
    assert difference_attack(before, before, evidence)["auc"] == 0.5

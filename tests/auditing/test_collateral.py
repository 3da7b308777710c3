"""Who else was hurt: counted, and told with care."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from known_fates import PEOPLE, deletion
from scipy.stats import binomtest

from forget.auditing.collateral import collateral, deciles, hurt_by, in_words, neighbours
from forget.auditing.evidence import Evidence
from forget.auditing.subject import from_linear
from forget.linear.model import LinearModel


def test_collateral_counts_photographs_and_neighbours(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    before = from_linear(model, "before", known_rows)
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", known_rows)
    table = collateral(before, after, evidence).set_index("person")
    assert set(table.index) == set(evidence.staying)
    images = evidence.images(evidence.held_out("s30"))
    was = np.array([who == "s30" for who in before.answer(images).said()])  # type: ignore[misc]
    now = np.array([who == "s30" for who in after.answer(images).said()])  # type: ignore[misc]
    row = table.loc["s30"]
    assert (row["named before"], row["named after"]) == (was.sum(), now.sum())
    assert row["lost"] - row["won"] == was.sum() - now.sum()
    assert table["neighbour"].sum() == 2  # of 38
    assert not table["hurt"].any()
    assert neighbours({"a": 0.1, "b": 0.9}) == ["b"]
    assert not table["enough"].any()  # of three photographs even all three may be chance


def test_a_dead_model_is_said_to_have_lost_everything(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    before = from_linear(model, "before", known_rows)
    dead = replace(
        before, name="dead", answer=lambda images: replace(before.answer(images), threshold=9.0)
    )
    table = collateral(before, dead, evidence)
    assert table["named after"].sum() == 0 and not table["hurt"].any()
    said = in_words(table)
    assert f"{table['named before'].sum()} lost, 0 won, more lost than chance explains" in said
    assert "38 people have too few photographs" in said
    assert "the same ones" in in_words(collateral(before, before, evidence))
    assert deciles(table)["hurt"].all()


def test_people_whom_a_model_cannot_name_are_not_counted_as_unhurt(
    model: LinearModel, evidence: Evidence, known_rows: Callable
) -> None:
    before = from_linear(model, "before", known_rows)
    store, _ = model.parts()
    few = [person for person in store.people if person in ("s30", "s31", "s32")]
    left = [person for person in store.people if person not in few]
    small = from_linear(model.holding(store.sum_of(few), left), "small", known_rows)
    assert set(collateral(before, small, evidence)["person"]) == set(few)


def test_groups_that_lost_more_than_chance_explains_are_found() -> None:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "similarity": np.linspace(0, 1, 200),
            "photographs": 10,
            "named before": 9,
            "named after": 9,
            "lost": draw.integers(0, 2, 200),
            "won": draw.integers(0, 2, 200),
        }
    ).sample(frac=1, random_state=0)
    near = table["similarity"] > 0.9
    table.loc[near, "lost"] += 2
    tenths = deciles(table)
    assert list(tenths["group"]) == list(range(1, 11)) and (tenths["people"] == 20).all()
    assert list(tenths.loc[tenths["hurt"], "group"]) == [10]
    mine = table[near]
    assert tenths["lost"].iloc[-1] == mine["lost"].sum()
    assert tenths["p"].iloc[-1] == pytest.approx(
        binomtest(
            int(mine["lost"].sum()), int((mine["lost"] + mine["won"]).sum()), 0.5, "greater"
        ).pvalue
    )
    ages = hurt_by(table, ["old" if one else "young" for one in near])
    assert list(ages["group"]) == ["old", "young"] and list(ages["hurt"]) == [True, False]
    few = deciles(table.head(3))
    assert len(few) == 3 and few["people"].sum() == 3

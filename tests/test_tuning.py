"""Settings of methods: what is tried, what wins, and that it is used."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forget import tuning
from forget.errors import ForgetError
from forget.methods.registry import NETWORK_METHODS
from forget.problems import PROBLEMS, load_problem
from forget.tuning import GRIDS, average_gap, other_split, trials, tuned
from scripts import tune


def test_every_method_that_has_settings_has_eight_trials_that_it_accepts() -> None:
    ours = {n for n, m in NETWORK_METHODS.items() if type(m).__module__.startswith("forget.")}
    assert set(GRIDS) == ours - {"original", "retrain"}
    for name in GRIDS:
        for problem in PROBLEMS:
            found = list(trials(name, problem))
            assert len(found) == 8
            assert len({replace(NETWORK_METHODS[name], **one) for one in found}) == 8


def test_the_search_forgets_others_than_an_example_does() -> None:
    for name in ("orl", "digits"):
        problem = load_problem(name)
        split = other_split(problem)
        taken = {problem.data.class_index(one) for one in problem.suggestion}
        assert not taken & set(problem.data.labels[split.forget])


def test_of_mufac_it_forgets_other_people_beside_a_third_of_the_rest() -> None:
    digits = load_problem("digits")
    count = len(digits.data.images)
    people = tuple(f"p{i // 200}" for i in range(count))
    train = np.arange(count)
    data = replace(digits.data, people=people, parts={"train": train, "test": train[:0]})
    split = other_split(replace(digits, name="mufac", data=data))
    gone = {people[i] for i in train[:1500]}
    assert not {people[i] for i in split.forget} & gone
    assert len(split.retain) == (count - len(split.forget)) // 3


def test_the_average_counts_every_gap_that_is_there() -> None:
    row = {"gap forget": 0.2, "gap test": 0.1, "gap": 9.0, "gap to the refit": 7.0, "mia gap": 0.3}
    assert average_gap(row) == pytest.approx(0.2)
    assert average_gap({**row, "mia gap": float("nan")}) == pytest.approx(0.15)


def test_winners_are_used_where_they_were_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        ["orl", "finetune", json.dumps(one), 0.5 - 0.01 * k, 0.1, 0.1, 1.0]
        for k, one in enumerate(trials("finetune", "orl"))
    ]
    rows += [
        ["orl", "ssd", json.dumps(one), 0.1, 0.1, 0.1, 1.0]
        for one in list(trials("ssd", "orl"))[:7]
    ]
    best = tune.winners(pd.DataFrame(rows, columns=tune.COLUMNS))
    assert set(best["orl"]) == {"finetune"}  # the other has not had all its trials
    assert best["orl"]["finetune"]["settings"] == list(trials("finetune", "orl"))[-1]
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps(best))
    monkeypatch.setattr(tuning, "TUNED", path)
    tuning._file.cache_clear()
    try:
        assert tuned("orl")["finetune"] == replace(
            NETWORK_METHODS["finetune"], **list(trials("finetune", "orl"))[-1]
        )
        assert tuned("orl")["ssd"] == NETWORK_METHODS["ssd"]
        assert tuned("mnist") == dict(NETWORK_METHODS)
        path.write_text('{"orl": {"nothing": {}}}')
        tuning._file.cache_clear()
        with pytest.raises(ForgetError, match="Tune again"):
            tuned("orl")
    finally:
        tuning._file.cache_clear()


def test_the_committed_settings_are_those_of_the_committed_trials() -> None:
    committed = json.loads(tuning.TUNED.read_text()) if tuning.TUNED.is_file() else {}
    assert committed == tune.winners(tune.read())
    for problem in committed:
        assert tuned(problem)


@pytest.mark.slow
def test_a_search_goes_on_and_ends_with_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "CSV", tmp_path / "tuning.csv")
    monkeypatch.setattr(tune, "KEPT", tmp_path / "networks")
    command = ["digits", "--methods", "negative_gradient"]
    assert tune.main([*command, "--budget-minutes", "0"]) == 0
    assert not len(tune.read())
    assert tune.main(command) == 0
    first = tune.read()
    assert len(first) == 8
    assert tune.main(command) == 0
    assert tune.read().equals(first)
    assert tune.main(["digits", "--methods", "nothing"]) == 2

"""The page of comparisons: from nothing to a table, cancelled, out of date, absent data."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import run_pages
from sample_runs import write_sample
from streamlit.testing.v1 import AppTest
from visitor import opened, press, words

from forget.problems import Problem, load_problem
from forget.recipe import Recipe
from forget.ui import compare

PAGE = "pages/compare.py"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains on few images for a short time; what is compared is the page."""

    def load(name: str) -> Problem:
        whole = load_problem("digits" if name == "orl" else name)
        data = replace(whole.data, parts={**whole.data.parts, "train": whole.data.train[:400]})
        return replace(whole, name=name, data=data, recipe=Recipe(epochs=3, batch=32))

    monkeypatch.setattr(compare, "_problem", load)


def chosen(at: AppTest, *methods: str) -> AppTest:
    box = next(one for one in at.multiselect if one.key == "compare_methods")
    return box.set_value(list(methods)).run()


def finished(at: AppTest) -> AppTest:
    if "compare" in at.session_state:
        at.session_state["compare"].thread.join()
    return at.run()


def test_from_nothing_to_the_table() -> None:
    at = chosen(opened(PAGE), "finetune", "negative_gradient", "subtract", "subtract_forget_ready")
    at = finished(press(at, "Compare"))
    text = words(at)
    assert "Subtraction differs from its own refit by 0" in text
    table = at.dataframe[0].value
    assert list(table["method"])[:2] == ["trained on everything", "retrained without it"]
    assert list(table["promise"]) == ["none", "exact", "approximate", "none", "exact", "exact"]
    assert table["gap"][1] == 0
    # Held-out images of what is forgotten are no unseen ones to a network trained on its kind.
    assert "to forget, held out" in table and "unseen" not in table
    assert list(table["seconds"].isna()) == [True, *[False] * 5]  # the original is no method
    for word in ("Gap", "ToW", "Agreement", "Promise", "Covers", "To forget, held out"):
        assert f"**{word}**" in text
    assert "**MIA**" in text
    scatter = json.loads(at.get("plotly_chart")[0].proto.spec)["data"]
    assert {one["name"] for one in scatter} >= {"promise: exact", "promise: exact, readout only"}
    assert "Readout only, a hollow mark" in text
    assert {"A", "B"} <= {one.label for one in at.selectbox}
    assert "They answer differently on" in text
    # A readout has no map of its own; two networks have.
    next(one for one in at.selectbox if one.label == "A").set_value("subtract").run()
    assert "leaves the network as it is" in words(at)
    next(one for one in at.selectbox if one.label == "A").set_value("original").run()
    assert "t-SNE of the last hidden layer" in words(at)
    text = words(press(at, "Show them again"))
    assert (
        "Trained on everything begins at" in text and "retrained without it begins at 0%" in text
    )
    # It survives a look at another page, and says when the controls were changed since.
    at = at.switch_page("app.py").run().switch_page(PAGE).run()
    assert "Two models" in words(at)
    assert "Out of date" not in words(at)
    chosen(at, "finetune")
    assert "Out of date" in words(at)


def test_cancelling_is_told_and_nothing_is_lost() -> None:
    at = press(chosen(opened(PAGE), "finetune"), "Compare")
    at.session_state["compare"].stop.set()
    at = finished(at)
    assert "Cancelled" in words(at)
    assert any(one.label == "Compare" for one in at.button)
    at = finished(press(at, "Compare"))
    assert "Two models" in words(at)


def test_data_that_are_absent_come_with_their_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "_is_here", lambda name: name == "orl")
    at = opened(PAGE)
    next(one for one in at.selectbox if one.label == "Data").set_value("mufac").run()
    assert "python -m forget download mufac" in at.info[0].value
    assert not any(one.label == "Compare" for one in at.button)


def test_nothing_to_forget_or_everything_is_told() -> None:
    at = chosen(opened(PAGE), "finetune")
    what = next(one for one in at.multiselect if one.label.endswith("to forget"))
    for value in ([], list(what.options)):
        what = next(one for one in at.multiselect if one.label.endswith("to forget"))
        what.set_value(value).run()
        at = finished(press(at, "Compare"))
        assert at.error
    assert not at.exception


def test_a_model_that_broke_is_told_and_nothing_is_drawn_of_it() -> None:
    at = finished(press(chosen(opened(PAGE), "finetune"), "Compare"))
    answers = at.session_state["compare_result"].answers
    answers["finetune"].logits[:] = np.nan
    at.selectbox(key="compare_a").set_value("finetune").run()
    assert not at.exception
    assert any("broke: its answers are no numbers" in one.value for one in at.warning)
    assert "They answer differently on" not in words(at)
    at.selectbox(key="compare_a").set_value("original").run()
    assert "They answer differently on" in words(at)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("cifar10", {"Accuracy, to forget, held out": [True, True]}),
        (
            "mufac",
            {
                "Accuracy, to forget, held out": [True, False],
                "Accuracy, never seen": [False, True],
            },
        ),
    ],
)
def test_two_runs_say_what_was_never_trained_on(
    second: str, told: dict[str, list[bool]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [write_sample(tmp_path, name) for name in ("mnist", second)]
    at = run_pages.opened("pages/experiments.py", tmp_path, monkeypatch)
    keys = [f"{run.folder.parent.name}/{run.folder.name}" for run in runs]
    at.multiselect[0].set_value(keys).run()
    assert not at.exception
    table = next(one.value for one in at.dataframe if "number" in one.value.columns)
    assert list(table["number"][:3]) == [
        *("Accuracy, held out", "Accuracy, to keep", "Accuracy, to forget")
    ]
    shown = table.set_index("number").iloc[3:-2]
    sides = [[name for name in shown if name.startswith(one)] for one in "AB"]
    found = {
        name: [bool((row[side] != "—").all()) for side in sides] for name, row in shown.iterrows()
    }
    assert found == told

"""The page of single pictures: none, drawn again, of one class, without pixels, broken."""

from pathlib import Path

import numpy as np
import pytest
from run_pages import opened, with_digits, words
from sample_runs import write_sample

from forget.data.load import load_images
from forget.errors import ForgetError
from forget.ui import answers

PAGE = "pages/classes.py"
CHOSEN = "classes_picture_digits"


def turn(at) -> None:  # noqa: ANN001
    next(one for one in at.button if one.label == "New choices").click().run()
    assert not at.exception


def test_without_runs_it_says_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path, "mnist", "training")
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "Nothing to show yet" in words(at)
    assert "python unlearn_mnist.py" in words(at)


def test_a_picture_and_what_three_models_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_digits(write_sample(tmp_path, "digits"))
    at = opened(PAGE, tmp_path, monkeypatch)
    data = load_images("digits")
    image = at.session_state[CHOSEN]
    assert image in data.test
    true = int(data.labels[image])
    text = words(at)
    assert "The unlearned model takes this for **1** (82%)" in text
    assert f"the retrained one for **{(true + 1) % 10}** (82%)" in text
    assert f"It is **{true}**" in text
    assert len(at.get("plotly_chart")) == 2
    at.session_state["classes_bars_table"] = True
    at.run()
    (table,) = [one.value for one in at.dataframe]
    assert list(table.columns) == ["original", "unlearned", "retrained"]
    assert table.loc[str(true), "original"] == pytest.approx(82, abs=0.1)


def test_new_choices_are_other_held_out_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_digits(write_sample(tmp_path, "digits"))
    at = opened(PAGE, tmp_path, monkeypatch)
    first = at.session_state[CHOSEN]
    turn(at)
    assert at.session_state["classes_turn_digits"] == 1
    assert at.session_state[CHOSEN] != first
    again = opened(PAGE, tmp_path, monkeypatch)
    assert again.session_state[CHOSEN] == first
    assert "classes_turn_mnist" not in again.session_state


def test_a_dozen_is_drawn_from_one_class_and_repeats_for_the_same_turn(tmp_path: Path) -> None:
    from forget.ui.run_facts import facts_of

    run = with_digits(write_sample(tmp_path, "digits"))
    data = load_images("digits")
    found = answers.answers_of(facts_of(run.folder), "finetune", 0)
    dozens = [answers.dozen(found, None, turn) for turn in (0, 0, 1)]
    assert dozens[0] == dozens[1] != dozens[2]
    assert all(len(set(one)) == 12 and set(one) <= set(data.test.tolist()) for one in dozens)
    fives = answers.dozen(found, "5", 0)
    assert set(data.labels[fives]) == {5}


def test_only_one_class_is_drawn_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_digits(write_sample(tmp_path, "digits"))
    at = opened(PAGE, tmp_path, monkeypatch)
    next(one for one in at.selectbox if one.label == "Draw from").set_value("3").run()
    assert load_images("digits").labels[at.session_state[CHOSEN]] == 3
    assert "This class was to be forgotten" in words(at)


def test_turning_to_another_data_set_keeps_both_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = with_digits(write_sample(tmp_path, "digits"))
    mnist = write_sample(tmp_path, "mnist")
    at = opened(PAGE, tmp_path, monkeypatch)
    runs = next(one for one in at.selectbox if one.label == "Run")
    runs.set_value(f"digits/{digits.folder.name}").run()
    turn(at)
    mine = at.session_state[CHOSEN]
    next(one for one in at.selectbox if one.label == "Run").set_value(
        f"mnist/{mnist.folder.name}"
    ).run()
    assert not at.exception
    assert "classes_turn_mnist" not in at.session_state
    next(one for one in at.selectbox if one.label == "Run").set_value(
        f"digits/{digits.folder.name}"
    ).run()
    assert at.session_state[CHOSEN] == mine


@pytest.mark.parametrize("dataset", ["mnist", "cifar10", "mufac"])
def test_without_the_data_set_the_numbers_stay(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str, place: Path | None) -> None:
        raise ForgetError(f"the images of {name}", "none", f"Run: make {name}")

    monkeypatch.setattr(answers, "load_images", absent)
    answers._images.clear()
    write_sample(tmp_path, dataset)
    at = opened(PAGE, tmp_path, monkeypatch)
    assert f"make {dataset}" in at.warning[0].value
    radio = at.radio[0]
    assert len(radio.options) == 12
    assert len(at.get("plotly_chart")) == 2
    radio.set_value(at.session_state[f"classes_picture_{dataset}"]).run()
    assert "The unlearned model takes this for" in words(at)


def test_people_are_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "load_images", lambda name, place: load_images("digits"))
    answers._images.clear()
    write_sample(tmp_path, "mufac")
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "F0001" not in words(at)
    assert "14 people" in at.selectbox[0].options[0]
    assert "F0001" not in at.selectbox[0].options[0]
    answers._images.clear()


def test_another_data_set_than_that_of_the_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_digits(write_sample(tmp_path, "digits"))
    arrays = run.predictions("original", 0)
    assert arrays is not None
    moved = {**arrays, "test_label": (arrays["test_label"] + 1) % 10}
    for method in ("original", "retrain", "kl_uniform", "finetune"):
        run.save_predictions(method, 0, moved)
    at = opened(PAGE, tmp_path, monkeypatch)
    assert "images of other classes" in at.warning[0].value
    assert len(at.get("plotly_chart")) == 2


@pytest.mark.parametrize("damage", ["bytes", "fewer", "shape", "labels"])
def test_broken_predictions_are_told_and_the_page_stays(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_digits(write_sample(tmp_path, "digits"))
    arrays = dict(run.predictions("retrain", 0) or {})
    if damage == "bytes":
        (run.folder / "predictions" / "retrain-0.npz").write_bytes(b"no arrays")
    else:
        changed = {
            "fewer": {name: array[:50] for name, array in arrays.items()},
            "shape": {"test_probability": arrays["test_probability"][:, :3]},
            "labels": {"test_label": np.full(len(arrays["test"]), 99)},
        }[damage]
        run.save_predictions("retrain", 0, {**arrays, **changed})
    at = opened(PAGE, tmp_path, monkeypatch)
    assert not at.exception
    assert "again" in at.error[0].value
    assert "pickle" not in at.error[0].value
    assert next(one for one in at.selectbox if one.label == "Run").options


def test_a_method_without_a_retrained_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_digits(write_sample(tmp_path, "digits"))
    (run.folder / "predictions" / "retrain-0.npz").unlink()
    at = opened(PAGE, tmp_path, monkeypatch)
    text = words(at)
    assert "The unlearned model takes this for **1** (82%)." in text
    assert "the retrained one for" not in text

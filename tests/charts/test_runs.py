"""Charts of runs say what the table says: each value, the right chance, and how far the run is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from sample_runs import METHODS, write_sample

from forget.charts.frames import ROOM, _apart
from forget.charts.people import COLOURS
from forget.charts.runs import (
    METHOD_COLOURS,
    class_accuracy_curves,
    loss_curves,
    loss_histogram,
    method_bars,
    overlay,
    probability_bars,
    set_accuracy_curves,
)
from forget.charts.series import last, percent, unfinished, unseen_title
from forget.errors import ForgetError


class Sample(NamedTuple):
    table: pd.DataFrame
    params: Mapping[str, Any]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """Returns one run of each kind."""
    root: Path = tmp_path_factory.mktemp("logs")
    runs = {name: write_sample(root, name) for name in ("mnist", "cifar10", "mufac")}
    runs["seeds"] = write_sample(root, "digits", seeds=(0, 1, 2))
    runs["training"] = write_sample(root, "digits", "training")
    runs["unlearning"] = write_sample(root, "digits", "unlearning", seeds=(0, 1))
    runs["earlier"] = write_sample(root, "mnist", "earlier")
    runs["none"] = write_sample(root, "digits", epochs=0)
    runs["one"] = write_sample(root, "digits", epochs=1)
    return {name: Sample(run.table(), run.params) for name, run in runs.items()}


def value(sample: Sample, method: str, epoch: int, split: str, metric: str) -> float:
    table = sample.table
    mine = table[(table["method"] == method) & (table["epoch"] == epoch)]
    return mine[(mine["split"] == split) & (mine["metric"] == metric)]["value"].mean()


def lines(figure: go.Figure) -> dict[str, go.Scatter]:
    """The lines with markers by their names."""
    return {line.name: line for line in figure.data if line.mode == "lines+markers"}


def words(figure: go.Figure) -> str:
    """All that is written on a figure."""
    layout = figure.layout
    notes = [note.text for note in layout.annotations]
    return " | ".join([layout.title.text, layout.title.subtitle.text or "", *notes])


@pytest.mark.parametrize("name", ["mnist", "cifar10", "mufac", "earlier"])
def test_every_class_is_drawn_as_measured(samples: dict[str, Sample], name: str) -> None:
    sample = samples[name]
    method = "unlearned" if name == "earlier" else METHODS[0]
    figure = class_accuracy_curves(sample.table, sample.params, method)
    drawn = lines(figure)
    assert set(drawn) == set(sample.params["classes"])
    for title, line in drawn.items():
        expected = [value(sample, method, at, "test", f"accuracy: {title}") for at in range(5)]
        assert list(line.x) == [0, 1, 2, 3, 4]
        np.testing.assert_array_equal(line.y, expected)
        assert (line.line.color == COLOURS["forgotten"]) == (
            title in sample.params["forget_class"]
        )
    styles = {(one.line.color, one.line.dash, one.marker.symbol) for one in drawn.values()}
    assert len(styles) == len(drawn)  # no two alike
    assert figure.layout.yaxis.range == (0, 1)


@pytest.mark.parametrize(
    ("name", "chance", "text"), [("mnist", 0.1, "10 %"), ("mufac", 0.125, "12.5 %")]
)
def test_the_line_of_chance_is_that_of_the_data_set(
    samples: dict[str, Sample], name: str, chance: float, text: str
) -> None:
    figure = class_accuracy_curves(*samples[name], METHODS[0])
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1) == (chance, chance)
    assert f"chance {text}" in words(figure)


@pytest.mark.parametrize(
    ("name", "said"), [("mnist", "on images to forget, held out"), ("mufac", "images never seen")]
)
def test_held_out_images_of_forgotten_classes_are_not_called_unseen(
    samples: dict[str, Sample], name: str, said: str
) -> None:
    text = words(class_accuracy_curves(*samples[name], METHODS[0], split="unseen"))
    assert said in text and "unseen" not in text


def test_the_title_says_whose_numbers_they_are(samples: dict[str, Sample]) -> None:
    text = words(class_accuracy_curves(*samples["mnist"], METHODS[0], seed=0))
    assert "MNIST, forgetting classes 5 and 7 · KL to uniform · seed 0" in text
    assert "unfinished" not in text


@pytest.mark.parametrize("draw", [set_accuracy_curves, loss_curves])
def test_sets_stand_beside_the_reference(samples: dict[str, Sample], draw: Any) -> None:  # noqa: ANN401
    sample = samples["seeds"]
    metric = "loss" if draw is loss_curves else "accuracy"
    figure = draw(*sample, METHODS[0])
    held_out = unseen_title(sample.params["forget_class"])
    assert set(lines(figure)) == {"to forget", "to keep", "held out", held_out}
    reference = {
        line.name: line.y[0] for line in figure.data if line.line.dash == "dash" and line.x[0]
    }
    expected = last(sample.table, "retrain", "forget", metric).mean()
    assert reference["to forget, retrained without it"] == pytest.approx(expected)
    assert len(reference) == 4


def test_what_was_not_measured_is_not_drawn(samples: dict[str, Sample]) -> None:
    table, params = samples["mnist"]
    table = table[(table["split"] != "unseen") & (table["method"] != "retrain")]
    figure = set_accuracy_curves(table, params, METHODS[0])
    assert unseen_title(params["forget_class"]) not in [one.name for one in figure.data]
    assert all(one.line.dash != "dash" for one in figure.data)
    assert all("retrain" not in str(one.name) for one in method_bars(table, params).data)


def test_several_seeds_are_a_mean_in_a_band(samples: dict[str, Sample]) -> None:
    table, params = samples["seeds"]
    figure = set_accuracy_curves(table, params, METHODS[0])
    of_seed = table[(table["method"] == METHODS[0]) & (table["split"] == "forget")]
    of_seed = of_seed[of_seed["metric"] == "accuracy"].pivot(
        index="epoch", columns="seed", values="value"
    )
    np.testing.assert_allclose(lines(figure)["to forget"].y, of_seed.mean(axis=1))
    band = next(one for one in figure.data if one.fill == "toself")
    np.testing.assert_allclose(band.y, [*of_seed.max(axis=1), *of_seed.min(axis=1)[::-1]])
    assert "mean and range of seeds 0, 1, 2" in words(figure)

    alone = set_accuracy_curves(table, params, METHODS[0], seed=1)
    np.testing.assert_array_equal(lines(alone)["to forget"].y, of_seed[1])
    assert all(one.fill is None for one in alone.data)


def test_an_unfinished_run_says_so(samples: dict[str, Sample]) -> None:
    table, params = samples["unlearning"]
    drawn = class_accuracy_curves(table, params, METHODS[0])
    assert "unfinished: seed 1 at epoch 1 of 4" in words(drawn)
    assert "unfinished" in words(method_bars(table, params))
    assert unfinished(table, params, METHODS[1]) == "unfinished: seed 1 not begun"
    training = samples["training"]
    assert "unfinished: at epoch 2 of 3" in words(loss_curves(*training, "original"))
    assert set(lines(loss_curves(*training, "original"))) == {"training", "held out"}
    for name in ("seeds", "earlier", "none", "one"):
        table, params = samples[name]
        assert not unfinished(table, params, params["methods"][0])


def test_what_cannot_be_drawn_is_an_error_that_says_what_there_is(
    samples: dict[str, Sample],
) -> None:
    training = samples["training"]
    with pytest.raises(ForgetError, match="a table of original without"):
        class_accuracy_curves(*training, METHODS[0])
    with pytest.raises(ForgetError, match="a table of original without"):
        method_bars(*training)
    with pytest.raises(ForgetError, match="an empty table"):
        loss_curves(training.table[:0], training.params, "original")
    with pytest.raises(ForgetError, match="without them"):
        overlay([("one", *training)])


@pytest.mark.parametrize(("name", "count"), [("none", 1), ("one", 2)])
def test_few_epochs_are_inside_the_chart(
    samples: dict[str, Sample], name: str, count: int
) -> None:
    for draw in (class_accuracy_curves, set_accuracy_curves, loss_curves):
        figure = draw(*samples[name], METHODS[0])
        low, high = figure.layout.xaxis.range
        assert low < 0 and count - 1 < high
        assert list(figure.layout.xaxis.tickvals) == list(range(count))
        assert all(len(line.x) == count for line in lines(figure).values())


@pytest.mark.parametrize("heights", [[], [1.0], [0.99, 0.99, 1.0], [0.0, 0.0], [0.5] * 10])
def test_labels_are_apart_and_inside(heights: list[float]) -> None:
    moved = _apart(heights)
    assert all(high - low >= ROOM - 1e-9 for low, high in zip(moved, moved[1:], strict=False))
    assert all(0 <= height <= 1 for height in moved)
    assert _apart([0.1, 0.5, 0.9]) == [0.1, 0.5, 0.9]  # nothing to do


def test_the_histogram_holds_every_image_once(samples: dict[str, Sample]) -> None:
    members, others = np.array([0.0, 1e-9, 0.5, 2.0] * 10), np.geomspace(1e-3, 90, 70)
    figure = loss_histogram(members, others, 0.3, 0.625, "MNIST")
    up, down = figure.data
    assert sum(up.y) == pytest.approx(1)
    assert sum(down.y) == pytest.approx(-1)
    assert up.y[0] == pytest.approx(0.5)  # 0 and what is next to it, in the lowest bin
    (line,) = figure.layout.shapes
    assert line.x0 == pytest.approx(np.log10(0.3))
    assert "62.5 %" in words(figure)
    assert not loss_histogram(members, others, None, None).layout.shapes


def test_bars_of_methods_are_their_last_values(samples: dict[str, Sample]) -> None:
    table, params = samples["seeds"]
    bars = [one for one in method_bars(table, params).data if one.type == "bar"]
    accuracy = {one.legendgroup: one for one in bars if one.showlegend}
    assert list(accuracy) == ["original", "retrain", *METHODS]
    for method, bar in accuracy.items():
        assert list(bar.x) == ["to forget", "to keep", "held out"]
        expected = [
            last(table, method, split, "accuracy") for split in ("forget", "retain", "test")
        ]
        np.testing.assert_allclose(bar.y, [one.mean() for one in expected])
        np.testing.assert_allclose(bar.error_y.array, [one.max() - one.mean() for one in expected])
        assert bar.marker.color == METHOD_COLOURS[method]
        assert bool(bar.marker.pattern.shape) == (method == "retrain")
    gaps = [one for one in bars if not one.showlegend]
    assert gaps[0].y[0] == pytest.approx(last(table, "original", "", "mia gap").mean())


def test_probabilities_are_one_bar_a_class_and_model() -> None:
    given = {"original": [0.7, 0.2, 0.1], "unlearned": [0.3, 0.3, 0.4], "retrained": [0, 0, 1]}
    figure = probability_bars(["a", "b", "c"], given)
    assert {one.name: list(one.y) for one in figure.data} == given
    assert figure.layout.yaxis.range == (0, 1)


def test_runs_are_overlaid_with_what_they_are(samples: dict[str, Sample]) -> None:
    names = ("mnist", "mufac", "earlier", "unlearning", "training")
    figure = overlay([(name, *samples[name]) for name in names])
    legend = [one.name for one in figure.data if one.showlegend]
    assert [text.split(" · ")[0] for text in legend] == list(names[:-1])
    assert "unfinished" in legend[-1]
    assert "nothing unlearned yet in training" in words(figure)
    assert "chance" not in words(figure)  # 8 and 10 classes have no one chance
    assert "chance 10 %" in words(overlay([("a", *samples["mnist"]), ("b", *samples["one"])]))
    drawn = [one for one in figure.data if one.name == legend[0]]
    assert [one.y[-1] for one in drawn] == [
        value(samples["mnist"], METHODS[0], 4, split, "accuracy") for split in ("forget", "test")
    ]


def test_names_of_classes_and_runs_are_no_markup(samples: dict[str, Sample]) -> None:
    table, params = samples["mnist"]
    name = "<a href='x'>5</a>"
    table = table.assign(metric=table["metric"].replace("accuracy: 5", f"accuracy: {name}"))
    classes = [name if one == "5" else one for one in params["classes"]]
    params = {**params, "classes": classes, "forget_class": [name], "what": f"class {name}"}
    figures = [
        class_accuracy_curves(table, params, METHODS[0]),
        probability_bars(classes, {name: np.ones(10)}, name),
        overlay([(name, table, params)]),
        method_bars(table, params),
        loss_histogram([1.0], [1.0], None, None, name),
    ]
    for figure in figures:
        assert "<a" not in figure.to_json().replace("\\u003c", "<")


def test_shares_in_words() -> None:
    assert [percent(share) for share in (0, 0.1, 0.125, 1 / 3, 0.9994, 0.9999, 1)] == [
        *("0 %", "10 %", "12.5 %", "33.3 %", "99.9 %", "100 %", "100 %")
    ]

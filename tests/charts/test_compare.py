"""The figures of comparisons hold what was measured."""

import numpy as np
import pandas as pd

from forget.charts.compare import (
    NAMED,
    answer_matrix,
    class_gaps,
    gap_scatter,
    relearning_lines,
    similarity_bars,
    two_maps,
)
from forget.charts.labels import name_sides

CORNERS = ("top left", "top right", "bottom left", "bottom right")
ROWS = pd.DataFrame(
    {
        "method": ["slow", "fast", "beaten", "fast"],
        "seconds": [100.0, 1.0, 150.0, 3.0],
        "gap": [0.1, 0.2, 0.4, 0.4],
        "guarantee": ["exact", "none", "none", "none"],
        "scope": "model",
    }
)


def rows(**columns: object) -> pd.DataFrame:
    """Methods that promise nothing, unless told otherwise."""
    return pd.DataFrame({"guarantee": "none", "scope": "model", **columns})


def test_all_methods_are_drawn_by_their_means_and_few_are_all_named() -> None:
    exact, nothing = gap_scatter(ROWS).data
    assert (exact.x.tolist(), exact.y.tolist()) == ([100.0], [0.1])
    assert (list(nothing.x), list(nothing.y)) == ([2.0, 150.0], [0.30000000000000004, 0.4])
    assert list(exact.text) == ["slow"] and list(nothing.text) == ["fast", "beaten"]
    assert exact.marker.symbol != nothing.marker.symbol


def test_of_many_methods_those_that_nobody_beats_are_named() -> None:
    count = NAMED + 1
    worse = [f"m{i}" for i in range(count)]
    table = rows(method=worse, seconds=np.arange(1.0, count + 1), gap=np.linspace(0.1, 1, count))
    (drawn,) = gap_scatter(table).data
    assert list(drawn.text) == ["m0", *[""] * NAMED]
    assert [one[0] for one in drawn.customdata] == worse


def test_what_is_exact_for_the_readout_only_does_not_look_exact() -> None:
    table = rows(
        method=["subtract", "subtract_forget_ready", "certified"],
        seconds=[6e-4, 8e-4, 1.0],
        gap=[0.004, 0.038, 0.1],
        guarantee=["exact", "exact", "certified"],
        scope=["readout", "model", "readout"],
    )
    drawn = {one.name: one for one in gap_scatter(table).data}
    whole, readout = drawn["promise: exact"], drawn["promise: exact, readout only"]
    assert list(whole.text) == ["subtraction, forget-ready"]
    assert list(readout.text) == ["subtraction"]
    assert readout.marker.symbol == "circle-open" != whole.marker.symbol
    assert readout.marker.color != whole.marker.color
    assert drawn["promise: certified, readout only"].marker.symbol.endswith("-open")


def test_the_original_is_a_line_and_no_method() -> None:
    table = rows(method=["original", "finetune"], seconds=[0.004, 0.4], gap=[0.504, 0.2])
    line, mark = gap_scatter(table).data
    assert line.mode == "lines" and list(line.y) == [0.504, 0.504]
    assert line.name == "trained on everything: gap 0.504"
    assert list(mark.text) == ["fine-tuning"]


def test_times_are_told_however_close_they_are() -> None:
    axis = gap_scatter(rows(method=["a", "b"], seconds=[0.0006, 0.0008], gap=0.1)).layout.xaxis
    assert axis.range == (-4, -3) and axis.ticktext == ("0.1 ms", "1 ms")
    assert axis.tickvals == (1e-4, 1e-3)
    assert gap_scatter(rows(method=["a"], seconds=[0.0], gap=[0.1])).data[0].x[0] > 0


def test_names_beside_marks_do_not_meet() -> None:
    places = np.array([0.0, 0.1, 0.12, 5.0]), np.array([0.5, 0.5, 0.5, 0.5])
    names = ["subtraction", "fine-tuning", "SCRUB", "far from the others"]
    sides = name_sides(places, names, ((0.0, 5.0), (0.0, 1.0)))
    assert len(set(sides[:3])) == 3
    assert "right" in sides[0] and "left" in sides[3]  # inside, at both ends
    apart = np.array([1.0, 1.5, 3.5]), np.array([0.5, 0.5, 0.5])
    assert not [one for one in name_sides(apart, names[:3], ((0, 5), (0, 1))) if one in CORNERS]
    crossed = name_sides(places, names, ((0.0, 5.0), (0.0, 1.0)), lines=[0.5])
    assert "left" in crossed[3] and "middle" not in crossed[3]  # the line would strike it out


def test_classes_without_images_are_left_out() -> None:
    accuracy = np.array([[0.5, np.nan, 1.0], [0.4, np.nan, 0.9]])
    one, other = class_gaps(accuracy, np.array([0.6, np.nan, 0.9]), "abc", ("A", "B")).data
    assert list(one.x) == list(other.x) == ["a", "c"]
    assert np.allclose(one.y, [-0.1, 0.1]) and np.allclose(other.y, [-0.2, 0])


def test_bubbles_are_the_counts() -> None:
    answers = np.array([[5, 2], [0, 3]])
    agree, differ = answer_matrix(answers, ("a<b", "c"), ("A", "B")).data
    assert list(agree.marker.size) == [5, 3] and list(differ.marker.size) == [2]
    assert (list(differ.x), list(differ.y)) == ([1], [0])
    assert differ.text[0] == "A a&lt;b, B c: 2"


def test_lines_join_the_same_photographs() -> None:
    one = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.2]])
    marks = ["forget", "other", "forget"]
    figure = two_maps((one, one + 0.5), marks, ["p", "q", "r"], ("A", "B"))
    lines, others, gone = figure.data
    assert len(lines.x) == 2 * 3 and np.isnan(lines.x[2])
    assert (len(others.x), len(gone.x)) == (2, 4)
    assert lines.x[1] - lines.x[0] == 0.5 + 1.25
    assert [note.text for note in figure.layout.annotations] == ["A", "B"]


def test_stages_are_bars() -> None:
    (one,) = similarity_bars({"A": [1.0, 0.5]}).data
    assert list(one.y) == [1.0, 0.5] and list(one.x) == ["stage 1", "stage 2"]


def test_the_reference_is_dashed_and_no_other_curve_is() -> None:
    curves = {name: np.array([0.0, 1.0]) for name in ("a", "again", "b")}
    lines = {one.name: one.line for one in relearning_lines(curves, "again").data}
    assert [name for name, line in lines.items() if line.dash] == ["again"]
    assert len({line.color for line in lines.values()}) == 3


def test_legends_can_be_read_however_small_the_marks() -> None:
    figure = answer_matrix(np.eye(40, dtype=int), [str(i) for i in range(40)], ("A", "B"))
    assert figure.layout.legend.itemsizing == "constant"

"""The figures of comparisons hold what was measured."""

import numpy as np
import pandas as pd

from forget.charts.compare import (
    answer_matrix,
    class_gaps,
    gap_scatter,
    relearning_lines,
    similarity_bars,
    two_maps,
)

ROWS = pd.DataFrame(
    {
        "method": ["slow", "fast", "beaten", "fast"],
        "seconds": [100.0, 1.0, 150.0, 3.0],
        "gap": [0.1, 0.2, 0.4, 0.4],
        "guarantee": ["exact", "none", "none", "none"],
    }
)


def test_methods_that_nobody_beats_are_named_and_all_are_drawn() -> None:
    exact, nothing = gap_scatter(ROWS).data
    assert (exact.x.tolist(), exact.y.tolist()) == ([100.0], [0.1])
    assert (list(nothing.x), list(nothing.y)) == ([2.0, 150.0], [0.30000000000000004, 0.4])
    assert list(exact.text) == ["slow"] and list(nothing.text) == ["fast", ""]
    assert nothing.customdata[1][0] == "beaten"
    assert exact.marker.symbol != nothing.marker.symbol


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

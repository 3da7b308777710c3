"""Charts of notebooks: portraits, scores, and how they are shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forget.charts.notebooks import notebook_renderer
from forget.charts.people import COLOURS
from forget.charts.portraits import portraits
from forget.charts.scores import score_histogram
from forget.errors import ForgetError


@pytest.mark.parametrize("shape", [(5, 112, 92), (5, 40, 40, 3)])
def test_every_photograph_is_drawn_with_its_words(shape: tuple[int, ...]) -> None:
    figure = portraits(np.zeros(shape, np.uint8), list("abcd<"), marked=[1], across=3)
    assert len(figure.layout.images) == 5
    assert [one.text for one in figure.layout.annotations] == ["a", "b", "c", "d", "&lt;"]
    assert [one.opacity < 1 for one in figure.layout.images] == [False, True, *[False] * 3]
    assert figure.layout.annotations[1].font.color == COLOURS["forgotten"]
    tall = shape[1] / shape[2]
    across, down = figure.layout.xaxis.range, figure.layout.yaxis.range
    for one in figure.layout.images:
        assert one.sizey == pytest.approx(tall * one.sizex)
        assert across[0] <= one.x and one.x + one.sizex <= across[1]
        assert down[0] <= one.y - one.sizey and one.y <= down[1]


@pytest.mark.parametrize(("count", "titles"), [(0, []), (2, ["a"])])
def test_photographs_without_titles_are_refused(count: int, titles: list[str]) -> None:
    with pytest.raises(ForgetError, match="a title of each"):
        portraits(np.zeros((count, 8, 8), np.uint8), titles)


scores = st.lists(st.floats(-1, 1), min_size=1, max_size=30)


@given(scores, scores)
def test_every_score_is_in_a_bar(genuine: list[float], impostor: list[float]) -> None:
    for bars in score_histogram(genuine, impostor).data:
        assert sum(bars.y) == pytest.approx(1)


def test_bars_stand_where_the_scores_are() -> None:
    one, other = score_histogram([0.8, 0.9], [-0.1, 0.0, 0.1], threshold=0.5).data
    assert min(one.x[np.asarray(one.y) > 0]) > 0.7
    assert max(other.x[np.asarray(other.y) > 0]) < 0.2
    assert "(2 pairs)" in one.name and "(3 pairs)" in other.name
    assert len(score_histogram([0.8], [0.1], 0.5).layout.shapes) == 1


@pytest.mark.parametrize("wrong", [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_scores_of_one_kind_are_refused(wrong: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ForgetError, match="both kinds of pairs"):
        score_histogram(*wrong)


@pytest.mark.parametrize(("found", "shown"), [("/a", "png"), (None, "plotly_mimetype")])
def test_charts_are_pictures_where_a_browser_draws_them(
    found: str | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "forget.charts.notebooks.Chromium.find_browser"
    monkeypatch.setattr(where, lambda skip_local: found)
    assert notebook_renderer() == shown

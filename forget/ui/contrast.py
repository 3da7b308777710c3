"""A comparison that has run: its table, its picture, and any two of its models side by side."""

import numpy as np
import pandas as pd
import streamlit as st

from forget.charts.compare import (
    NAMED,
    answer_matrix,
    class_gaps,
    gap_scatter,
    similarity_bars,
    two_maps,
)
from forget.charts.people import NO_FRILLS
from forget.charts.series import method_title
from forget.contrast import contrast, stage_similarity, turned_alike
from forget.metrics.accuracy import judge
from forget.metrics.published import PUBLISHED_MUFAC
from forget.recipe import hidden_of
from forget.ui.compare import KEPT, Choice, Result
from forget.ui.compare_table import draw_table
from forget.ui.parts import plain
from forget.ui.places import places_of
from forget.ui.relearning import relearning

__all__ = ["draw"]

SEEN = 600  # images, at most, on the maps and in the likeness of stages


def draw(result: Result, choice: Choice | None) -> None:
    """Draws table, scatter and the pair of models that the visitor chooses."""
    asked = result.choice
    what = ", ".join(asked.forget) or "the benchmark's first 1,500"
    st.header("Result", anchor="result")
    if choice is not None and choice != asked:
        st.warning(
            f"Out of date: this is {asked.problem}, forgetting {plain(what)}. Press Compare for "
            "what is chosen now.",
            icon=":material/update:",
        )
    draw_table(result)
    _scatter(result)
    _published(result)
    _pair(result)


def _scatter(result: Result) -> None:
    st.subheader("How near, how fast")
    rows = result.comparison.table
    rows = rows[rows["method"] != "retrain"]
    figure = gap_scatter(rows)
    st.plotly_chart(
        figure,
        key="compare_scatter",
        config=NO_FRILLS,
        alt="Methods by time and by their mean gap to the network that was trained again",
    )
    said = (
        "Down is nearer to the network that was trained again without; left is faster. The dashed "
        "line is the network before anything was forgotten. A method with a small gap need not "
        "have forgotten: its promise says what is proved."
    )
    if any("readout only" in one.name for one in figure.data):
        said += (
            " Readout only, a hollow mark: the promise is about the last layer; the network below "
            "it was trained on what is forgotten."
        )
    if rows["method"].nunique() > NAMED + 1:  # the original is a line
        said += " Only methods that no other beats are named; point at a mark to see its name."
    st.caption(said)


def _published(result: Result) -> None:
    if result.choice.problem != "mufac" or result.choice.forget:
        return
    st.subheader("Published, not measured here")
    rows = [
        {"method": one.title, "held out": one.test, "|MIA − ½|": one.mia_gap, "NoMUS": one.nomus}
        for one in PUBLISHED_MUFAC
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption("ResNet-18 at 128 pixels, from the table of Choi and Na (2023).")


def _pair(result: Result) -> None:
    st.header("Two models", anchor="two-models")
    names = list(result.answers)
    left, right = st.columns(2)
    start = len(names) - 1 if len(names) < 3 else 2
    a = left.selectbox("A", names, index=start, format_func=method_title, key="compare_a")
    b = right.selectbox(
        "B", names, index=names.index("retrain"), format_func=method_title, key="compare_b"
    )
    data, split = result.split.data, result.split
    sets = {"images to forget": split.forget, "held-out images": split.test}
    over = st.radio("On", list(sets), index=1, horizontal=True, key="compare_on")
    indices = sets[over]
    asked = np.concatenate(list(sets.values()))
    if broken := [one for one in (a, b) if not np.isfinite(result.logits(one)[asked]).all()]:
        which = " and ".join(method_title(one) for one in dict.fromkeys(broken))
        st.warning(
            f"**{which}** broke: its answers are no numbers, so there is nothing to compare. A "
            "smaller rate may help; the table counts it as right nowhere.",
            icon=":material/heart_broken:",
        )
        return
    found = contrast([result.logits(a), result.logits(b)], data.labels, indices)
    reference = judge(result.logits("retrain")[indices], data.labels[indices]).class_accuracy
    titles = (method_title(a), method_title(b))
    share = len(found.differ) / len(indices)
    st.markdown(
        f"They answer differently on **{len(found.differ):,}** of {len(indices):,} images "
        f"({share:.1%})."
    )
    places = st.columns(2)
    with places[0]:
        st.subheader("Class by class")
        st.plotly_chart(
            class_gaps(found.accuracy, reference, data.classes, titles),
            key="compare_classes",
            config=NO_FRILLS,
            alt="Accuracy of both models less the reference's, class by class",
        )
    with places[1]:
        st.subheader("Where they differ")
        st.plotly_chart(
            answer_matrix(found.answers, data.classes, titles),
            key="compare_answers",
            config=NO_FRILLS,
            alt=f"Answers of A against answers of B: {len(found.differ)} images off the diagonal",
        )
    _inside(result, (a, b), titles)
    relearning(result, (a, b))


def _inside(result: Result, pair: tuple[str, str], titles: tuple[str, str]) -> None:
    """Maps and likeness of stages, for models that are networks."""
    networks = [result.answers[name].network for name in pair]
    if any(network is None for network in networks):
        which = method_title(pair[0] if networks[0] is None else pair[1])
        st.caption(
            f"{which.capitalize()} leaves the network as it is and changes the readout alone, so "
            "there is no other map to show."
        )
        return
    split, data = result.split, result.split.data
    indices = _some(result)
    places = st.columns(2)
    with places[0]:
        st.subheader("As they see the photographs")
        maps = _maps(result, pair, indices)
        gone = np.isin(indices, split.forget) | _of_forgotten(result, indices)
        st.plotly_chart(
            two_maps(
                maps,
                ["forget" if one else "other" for one in gone],
                [data.classes[data.labels[i]] for i in indices],
                titles,
            ),
            key="compare_maps",
            config=NO_FRILLS,
            alt="Two maps of the same photographs, A left, B right, lines between those to forget",
        )
        st.caption("t-SNE of the last hidden layer; B is turned so that it lies as A does.")
    with places[1]:
        st.subheader("Likeness to the reference")
        similar = {
            title: stages
            for name, title in zip(pair, titles, strict=True)
            if (stages := _stages(result, name, indices)) is not None
        }
        st.plotly_chart(
            similarity_bars(similar),
            key="compare_similarity",
            config=NO_FRILLS,
            alt="Linear CKA to the reference, stage by stage: "
            + "; ".join(
                f"{name} " + ", ".join(f"{v:.2f}" for v in values)
                for name, values in similar.items()
            ),
        )
        st.caption(
            "Original and reference began at the same random weights. A network that began anew "
            "sees images differently even where it says the same: read it beside the original's."
        )


def _some(result: Result) -> np.ndarray:
    """Images to forget and held-out ones, at most 600, the same ones for every pair."""
    split = result.split
    draw = np.random.default_rng(0)
    parts = [draw.permutation(one)[: SEEN // 2] for one in (split.forget, split.test)]
    return np.unique(np.concatenate(parts))


def _of_forgotten(result: Result, indices: np.ndarray) -> np.ndarray:
    """Held-out images of classes that are forgotten whole."""
    labels, split = result.split.data.labels, result.split
    whole = set(labels[split.forget]) - set(labels[split.retain])
    return np.isin(labels[indices], list(whole))


def _maps(
    result: Result, pair: tuple[str, str], indices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    found = [_map(result, name, indices) for name in pair]
    one = turned_alike(found[0], found[0])
    return one, turned_alike(found[1], found[0])


def _map(result: Result, name: str, indices: np.ndarray) -> np.ndarray:
    kept = st.session_state.setdefault(KEPT, {})
    key = ("map", name)
    if key not in kept:
        with st.spinner("Laying out the maps"):
            network = result.answers[name].network
            hidden = hidden_of(network, result.split.data, indices)  # type: ignore[arg-type]
            kept[key] = places_of(hidden.astype(np.float64), [""] * len(indices)).positions
    return kept[key]


def _stages(result: Result, name: str, indices: np.ndarray) -> list[float] | None:
    """Likeness of each stage to the reference's; None for another architecture."""
    network, reference = result.answers[name].network, result.networks.reference
    if network is None or network.config != reference.config:
        return None
    kept = st.session_state.setdefault(KEPT, {})
    key = ("stages", name)
    if key not in kept:
        kept[key] = stage_similarity(network, reference, result.split.data, indices)
    return kept[key]

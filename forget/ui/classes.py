"""One held-out picture at a time: what it shows, and what the models of a run take it for."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from forget.charts.runs import class_accuracy_curves, probability_bars
from forget.charts.series import DATASETS
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.ui.answers import Answers, answers_of, dozen, images_of, kept
from forget.ui.experiments import commands
from forget.ui.parts import plain
from forget.ui.pictures import SHARP, Picture, drawable, enlarged, pictures
from forget.ui.run_curves import KINDS, View, chart, class_table
from forget.ui.run_facts import BEFORE, REFERENCE, Facts, title_of

__all__ = ["choose", "curves", "nothing_yet", "pick", "picture", "with_predictions"]

RUN = "classes_run"
ALL = "All classes"


def with_predictions(listed: Sequence[Facts]) -> list[Facts]:
    """The runs that kept what an unlearned model says about held-out images."""
    return [facts for facts in listed if set(kept(facts.run)) - {BEFORE, REFERENCE}]


def nothing_yet() -> None:
    """What the page is for, and how to get something onto it."""
    st.markdown(
        "Nothing to show yet. Here you pick a picture that was held out, and see what "
        "the original model takes it for, what the unlearned one does, and one retrained without "
        "the forgotten images. It needs a finished run; start one in a terminal, in the folder of "
        "this app:"
    )
    commands()


def choose(listed: Sequence[Facts]) -> Answers | None:
    """Lets the visitor choose run, method and seed; tells what is wrong with a broken one."""
    by_key = {facts.key: facts for facts in listed}
    if st.session_state.get(RUN) not in by_key:  # at first, or the folder is gone
        st.session_state[RUN] = listed[0].key
    key = st.selectbox(
        "Run",
        list(by_key),
        format_func=lambda one: _label(by_key[one]),
        key=RUN,
        persist_state="session",
    )
    facts = by_key[key]
    there = kept(facts.run)
    methods = [one for one in there if one not in (BEFORE, REFERENCE)]
    methods.sort(key=lambda one: facts.methods.index(one) if one in facts.methods else 99)
    with st.container(horizontal=True):
        method, seed = methods[0], there[methods[0]][0]
        if len(methods) > 1:
            method = st.selectbox(
                "Method", methods, format_func=title_of, key=f"classes_method_{key}", width=260
            )
        if len(there[method]) > 1:
            seed = st.selectbox(
                "Seed", there[method], key=f"classes_seed_{key}_{method}", width=120
            )
    try:
        return answers_of(facts, method, seed)
    except ForgetError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def pick(answers: Answers) -> tuple[int, ImageDataset | None] | None:
    """Lets the visitor pick one of twelve held-out images, drawn again on request.

    Returns:
        Its place in the data set, and the data set, or None where that is absent; None at all
        where the class has no held-out image.
    """
    dataset = answers.facts.dataset
    turn, chosen = f"classes_turn_{dataset}", f"classes_picture_{dataset}"
    st.header("Pick a picture")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Draw from",
            [ALL, *answers.classes],
            key=f"classes_of_{dataset}",
            width=260,
            persist_state="session",
        )
        dice = ":material/casino:"
        st.button("New choices", icon=dice, key="classes_new", on_click=_turn, args=(turn,))
    shown = dozen(answers, None if name == ALL else name, st.session_state.get(turn, 0))
    if not shown:
        st.info(f"No image of {plain(name)} was held out.")
        return None
    if st.session_state.get(chosen) not in shown:
        st.session_state[chosen] = shown[0]
    try:
        data = images_of(answers, shown)
    except ForgetError as error:
        st.warning(
            f"The pictures cannot be shown; the numbers can. {plain(str(error))}",
            icon=":material/image_not_supported:",
        )
        data = None
    _choices(answers, shown, chosen, data)
    return st.session_state[chosen], data


def picture(answers: Answers, picked: tuple[int, ImageDataset | None]) -> None:
    """Draws the picked image and what each model says."""
    image, data = picked
    row = answers.at(image)
    label = int(answers.label[row])
    true = answers.classes[label]
    st.header(plain(f"Image {image}: {true}"), anchor="picture")
    probability = {model: one[row] for model, one in answers.probability.items()}
    left, right = st.columns([1, 3])
    with left:
        if data is not None:
            pixels = np.asarray(data.images[image])
            st.image(enlarged(pixels), alt=f"Image {image}, {true}", width=192)
    with right:
        st.markdown(_verdict(answers, probability, true))
        if true in answers.facts.params.get("forget_class", []):
            st.markdown(":material/person_remove: This class was to be forgotten.")
        table = pd.DataFrame(probability, index=list(answers.classes)).astype("float64")
        table = table.rename_axis("class")
        said = f"Probability of each class for image {image}, by model"
        chart(
            probability_bars(answers.classes, probability),
            table,
            "classes_bars",
            said,
            percent=True,
        )


def curves(answers: Answers) -> None:
    """The accuracy of each class on held-out images over the epochs of unlearning."""
    facts = answers.facts
    if answers.method not in facts.methods:
        return
    st.header(KINDS["classes"])
    view = View(facts, answers.method, answers.seed)
    figure = class_accuracy_curves(facts.table, facts.params, answers.method, answers.seed)
    chart(figure, class_table(view), "classes_curves", KINDS["classes"], percent=True)


def _choices(answers: Answers, shown: list[int], chosen: str, data: ImageDataset | None) -> None:
    """The twelve as pictures, or by name where there are none."""
    names = {image: answers.classes[answers.label[answers.at(image)]] for image in shown}
    legend = f"{len(shown)} held-out images"
    if data is None:
        st.radio(legend, shown, format_func=lambda one: f"{one}: {plain(names[one])}", key=chosen)
        return
    drawn = []
    for image, name in names.items():
        pixels = np.asarray(data.images[image])
        sharp = max(pixels.shape[:2]) <= SHARP
        drawn.append(Picture(image, name, f"Image {image}, {name}", drawable(pixels), sharp))
    pictures(drawn, chosen, f"classes_gallery_{answers.facts.dataset}", legend)


def _verdict(answers: Answers, probability: dict[str, np.ndarray], true: str) -> str:
    """What each model takes the image for, in a sentence."""
    taken = {model: int(one.argmax()) for model, one in probability.items()}
    said = {
        model: f"**{plain(answers.classes[best])}** ({probability[model][best]:.0%})"
        for model, best in taken.items()
    }
    text = f"The unlearned model takes this for {said['unlearned']}"
    text += f", the retrained one for {said['retrained']}." if "retrained" in said else "."
    if "original" in said:
        text += f" Before, the original took it for {said['original']}."
    return f"{text} It is **{plain(true)}**."


def _turn(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _label(facts: Facts) -> str:
    """What the list calls a run: here without the people it forgets, whose faces may be shown."""
    people = re.match(r"\d+ people", facts.what)
    what = facts.what if facts.params.get("forget_class") else people and people[0]
    return f"{DATASETS.get(facts.dataset, facts.dataset)}, {what or 'images'} ({facts.date})"

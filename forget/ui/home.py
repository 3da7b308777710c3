"""The parts of the first page."""

import streamlit as st

from forget.charts.people import spoken
from forget.data.downloads import CATALOGUE
from forget.effect import measure_effect
from forget.methods.registry import unlearn
from forget.pretrained import DEMO, demo_facts
from forget.ui import mufac
from forget.ui.cached import FIRST, demo
from forget.ui.parts import faded

__all__ = ["fading_strip", "present"]

SHOWN = 8


@st.cache_data(max_entries=1, show_spinner=False)
def _strip() -> tuple[object, str]:
    """Eight portraits, each as opaque as the model's best score for them is, now against before.

    The fourth was forgotten, so its score falls to a stranger's; the others keep theirs.
    """
    bundle = demo(FIRST)
    shown = bundle.faces.added[:SHOWN]
    gone = shown[3]
    after = unlearn(bundle.model, bundle.faces, [gone]).model
    split = bundle.split.forgetting([gone])
    effect = measure_effect(bundle.model, after, split, bundle.rows)
    others = effect.others.set_index("person")
    opacity = []
    for person in shown:
        if person == gone:
            pairs = [(sighting.before[0][1], sighting.after[0][1]) for sighting in effect.them]
            before, now = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        else:
            before, now = others.loc[person, ["score before", "score after"]]
        opacity.append(min(max(now / before, 0.0), 1.0))
    images = [bundle.faces.images[bundle.faces.of(person)[0]] for person in shown]
    said = (
        f"Eight portraits. {bundle.faces.title(gone)} was forgotten and fades to "
        f"{opacity[3]:.0%}, as the model's best score for that face did; the others stay."
    )
    return faded(images, opacity), said


def fading_strip() -> None:
    """Draws eight portraits of which one fades."""
    image, said = _strip()
    st.image(image, alt=said, width=824)
    st.caption(said)


def _downloads() -> None:
    """Says which of the data sets to download are there, and the command for each that is not."""
    lines = []
    for name, source in CATALOGUE.items():
        command = f"`python -m forget download {name}` ({source.size})"
        state = "here" if mufac.is_here(name) else command
        lines.append(f"- **{name}**, {source.title}: {state}")
    st.markdown("For the experiments:\n\n" + "\n".join(lines))


def present() -> None:
    """Says which data and weights are there, and how to get what is not."""
    st.header("What is installed")
    bundle, facts = demo(FIRST), demo_facts()
    people, photographs = len(bundle.faces.identities), len(bundle.faces.images)
    st.markdown(
        f"- **ORL faces**: {people} people, {photographs} photographs, from the installed "
        "packages.\n"
        f"- **Face embedder**: {DEMO.stat().st_size / 1e6:.2f} MB, trained on "
        f"{len(facts['record']['people'])} of these people in "
        f"{spoken(facts['seconds']['training the embedder'])} ({facts['machine']}). "
        "To train it again: `make demo-weights`.\n"
        f"{mufac.installed()}\n"
        "- **Your own photographs**: bring a folder or a zip on the page *Forget people*."
    )
    _downloads()

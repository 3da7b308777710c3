"""What the model holds of a person: drawn, before and now, beside a stranger."""

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from forget.charts.people import NO_FRILLS
from forget.charts.recall import share_bars
from forget.data.dataset import Images
from forget.linear.recall import (
    Drawer,
    InverseDrawer,
    PixelDecoder,
    average,
    held,
    main_directions,
    shares,
)
from forget.linearizations import kind_of
from forget.ui.cached import Bundle, demo
from forget.ui.goals import SUPPRESS
from forget.ui.parts import plain
from forget.ui.suppressed import template_of
from forget.ui.visit import Visit

__all__ = ["draw"]

DIRECTIONS = 5
WIDTH = 150  # pixels of a picture
# What the decoder is fitted on, so that it takes seconds: core photographs, and pixels a side.
LEARNED, SIDE = 600, 64
JUDGED = 60  # photographs, at most, on which an inverse is tried
PARTS = 5  # that the core people are divided into, of which each is left out in turn


def draw(now: Visit) -> None:
    """Draws the whole page for the visitor's model."""
    person = _choose(now)
    bundle, original = now.bundle, now.bundle.model
    drawer = _drawer(bundle, person)
    gone = person in now.forgotten
    _asked(now, person, drawer)
    _shown(now, person, drawer)
    st.header("Where it was kept" if gone else "Where it is kept")
    store, _ = original.parts()
    rows = original.feature_map.grid.real(store[person].rows)
    directions = main_directions(rows, DIRECTIONS)
    before = shares(original.statistics, rows, directions)
    kept, _ = now.model.parts()
    left_over = kept[person].rows if person in kept else store[person].rows[:0]
    still = original.feature_map.grid.real(left_over)
    after = shares(now.model.statistics, still, directions) if gone else None
    left, right = st.columns([3, 2])
    with left:
        st.plotly_chart(
            share_bars(before, after),
            key="share_bars",
            config=NO_FRILLS,
            alt=f"This person's share of the sums along {len(before)} directions: "
            + ", ".join(f"{share:.1%}" for share in before)
            + (" before, nothing now" if gone else ""),
        )
        said = (
            "How much of what the model's sums hold along the main directions of this person's "
            "features came from this person."
        )
        if gone and now.goal is SUPPRESS:
            said += " They were dropped from the sums; the eraser keeps what hides them."
        elif gone:
            said += " Nothing of theirs is in the sums now: they were subtracted to the last bit."
        st.caption(said)
    with right:
        _direction(rows, directions, drawer)


def _choose(now: Visit) -> str:
    core = frozenset(now.bundle.faces.core)
    people = [  # the added first: what is said of them is the whole story
        *sorted(now.forgotten, key=core.__contains__),
        *sorted(now.model.people, key=core.__contains__),
    ]
    names = dict.fromkeys(people, "") | dict.fromkeys(now.forgotten, f" ({now.goal.done})")
    person = st.selectbox(
        "Whom",
        people,
        format_func=lambda one: now.bundle.faces.title(one) + names[one],
        key="remembered_person",
    )
    if not now.forgotten:
        st.markdown(
            f"Nobody is {now.goal.done} yet: this is what the model holds of everybody in it."
        )
    return str(person)


def _asked(now: Visit, person: str, drawer: Drawer) -> None:
    bundle, original = now.bundle, now.bundle.model
    title, gone = plain(bundle.faces.title(person)), person in now.forgotten
    mean = bundle.faces.images[bundle.split.train_of([person])].mean(0).astype(np.uint8)
    hides = gone and now.goal is SUPPRESS
    others = original.statistics if hides else now.model.statistics  # not the edited features
    before = held(original.statistics, person)
    asked = held(others, person)
    nobody = drawer(average(others)[None])[0]
    st.header("Asked by name")
    with st.container(horizontal=True, gap="medium"):
        _picture(mean, f"**{title}**, the photographs", f"Mean photograph of {title}")
        said = "what the model held" if now.forgotten else "what the model holds"
        _picture(drawer(before[None])[0], said, f"{title}: {said}")
        if hides:
            _hidden(now, drawer)
        elif gone:
            said = "what it holds now: **nothing**, so the average of everybody else"
            _picture(nobody, said, "The average face")
        elif asked is not None and now.forgotten:
            said = "what it holds now"
            _picture(drawer(asked[None])[0], said, f"{title}: {said}")
        same = "the same average" if gone and not hides else "the average of everybody in it"
        said = f"somebody who was never in it: {same}"
        _picture(nobody, said, "The average face, for a stranger")
    st.caption(f"Each is {drawer.says}.{_fitted_on(bundle, person, drawer)}")


def _fitted_on(bundle: Bundle, person: str, drawer: Drawer) -> str:
    """What to know of a decoder that draws somebody who belongs to the core."""
    title = plain(bundle.faces.title(person))
    if not isinstance(drawer, PixelDecoder) or not _taught(bundle, person):
        return ""
    if person in bundle.faces.core:
        return f" {title} is of the core and was left out of the fit for these pictures."
    return (
        f" Pictures of {title} are, under another name, among those that it was fitted on: it "
        "would draw them from nothing."
    )


def _shown(now: Visit, person: str, drawer: Drawer) -> None:
    bundle = now.bundle
    stranger, said = _stranger(now, person)
    st.header("Shown a photograph")
    both = ((person, "shown now", drawer), (stranger, said, _drawer(bundle, stranger)))
    with st.container(horizontal=True, gap="medium"):
        for one, what, draws in both:
            name, index = plain(bundle.faces.title(one)), _photograph(bundle, one)
            feature = bundle.features[index : index + 1]
            _picture(bundle.faces.images[index], f"**{name}**, {what}", f"Photograph of {name}")
            _picture(draws(feature)[0], "what its feature still says", f"Drawing of {name}")
    st.caption(
        "A face that is shown can be drawn, known or not. This person also taught the network to "
        "see, and that does not go away with the sums."
        if _taught(bundle, person)
        else "A face that is shown can be drawn, known or not: that is seeing, not remembering. "
        "The network that sees was trained on other people and stays as it was."
    )


def _stranger(now: Visit, person: str) -> tuple[str, str]:
    """Somebody to compare with, not in the model if there is such a one, and what they are."""
    for one in now.forgotten:
        if one != person:
            return one, f"{now.goal.done} too" if person in now.forgotten else now.goal.done
    people = reversed(now.bundle.faces.identities)
    return next(one for one in people if one != person), "somebody else, who is in it"


def _taught(bundle: Bundle, person: str) -> bool:
    """Whether pictures of a person taught the network, under whatever name."""
    if bundle.source == "own":  # in other data sets the core is known by name
        return person in bundle.shared.trained
    return person in bundle.faces.core


def _hidden(now: Visit, drawer: Drawer) -> None:
    template = template_of(now.model, now.bundle)
    if template is None:
        st.markdown(
            "The eraser of several people mixes their directions, and still betrays each of them "
            "to whoever tries photographs: *Forget people* shows it.",
            width=WIDTH,
        )
        return
    said = "what it **has to keep** in order to hide them: the strongest direction it erases"
    _picture(drawer(template[None])[0], said, "Drawn from the eraser alone")


def _direction(rows: NDArray[np.float64], directions: NDArray[np.float64], drawer: Drawer) -> None:
    most, key = len(directions), "remembered_direction"
    number = st.slider("Direction", 1, most, 1, key=key) if most > 1 else 1
    v = directions[number - 1]
    along = rows @ v
    spread = max(float(along.std()), 0.25 * float(np.abs(along).max()))
    ends = np.stack([rows.mean(0) + sign * 2 * spread * v for sign in (-1, 1)])
    with st.container(horizontal=True, gap="small"):
        for picture, said in zip(drawer(ends), ("less of it", "more of it"), strict=True):
            _picture(picture, said, f"Direction {number}: {said}")
    st.caption("The person's mean, moved along this direction.")


def _picture(image: Images, caption: str, alt: str) -> None:
    st.image(image, caption=caption, alt=alt, width=WIDTH)


def _photograph(bundle: Bundle, person: str) -> int:
    held_out = bundle.split.test_of([person])
    return int(held_out[0] if len(held_out) else bundle.faces.of(person)[0])


def _drawer(bundle: Bundle, person: str) -> Drawer:
    """What draws a person: of a core person, something that was not fitted on them."""
    model = bundle.model
    if kind_of(model.feature_map) == "linearizer-image":
        return _inverse(model.statistics.digest(), bundle)
    name = model.feature_map.space.feature_map
    with st.spinner("Fitting the decoder that draws"):
        whole = _decoder(name, "", partial(_fit, bundle))
        if person not in bundle.faces.core:
            return whole
        part = _parts(bundle)[person]
        return _decoder(name, part, partial(_fit_without, bundle, whole, part))


@st.cache_resource(max_entries=4, show_spinner="Measuring how well the inverse draws")
def _inverse(digest: str, _bundle: Bundle) -> InverseDrawer:
    """The inverse of a model, by its sums, judged on photographs that were held out."""
    faces, model = _bundle.faces, _bundle.model
    view = model.feature_map.backbone.prepare(faces.images[:1])
    known = _bundle.split.test_of(model.people)
    some = known[np.linspace(0, len(known) - 1, min(JUDGED, len(known))).astype(int)]
    drawer = InverseDrawer(model, (view.shape[2], view.shape[3]))
    return drawer.judged(faces.images[some], [faces.labels[i] for i in some])


@st.cache_resource(max_entries=8, show_spinner=False)
def _decoder(feature_map: str, left_out: str, _fit: partial[PixelDecoder]) -> PixelDecoder:
    """The decoder of a feature map, by its fingerprint and who was left out of the fit."""
    return _fit()


def _fit(bundle: Bundle) -> PixelDecoder:
    return PixelDecoder.fit(*_core(bundle))


def _fit_without(bundle: Bundle, whole: PixelDecoder, part: str) -> PixelDecoder:
    return whole.leaving_out(*_core(bundle), part)


def _core(bundle: Bundle) -> tuple[NDArray[np.float64], Images, list[str]]:
    """Core photographs of the data set whose core trained the feature map: what to fit on.

    Returns:
        Their features, the photographs, and to which part of the core each belongs.
    """
    known = bundle if bundle.faces.core else demo(kind_of(bundle.model.feature_map))
    indices, parts = known.split.train_of(known.faces.core), _parts(known)
    if len(indices) > LEARNED:
        indices = indices[np.linspace(0, len(indices) - 1, LEARNED).astype(int)]
    labels = [parts[known.faces.labels[i]] for i in indices]
    return known.features[indices], _small(known.faces.images[indices]), labels


def _parts(bundle: Bundle) -> dict[str, str]:
    """Who of the core is left out together: everybody alone, or a fifth where they are many."""
    core = bundle.faces.core
    many = len(bundle.split.train_of(core)) > LEARNED
    return {person: str(i % PARTS) if many else person for i, person in enumerate(core)}


def _small(images: Images) -> Images:
    """Photographs at most 64 pixels a side where they have colours, which are three times more."""
    if images.ndim == 3 or max(images.shape[1:3]) <= SIDE:
        return images
    share = SIDE / max(images.shape[1:3])
    size = (round(images.shape[2] * share), round(images.shape[1] * share))
    return np.stack([np.asarray(Image.fromarray(one).resize(size)) for one in images])

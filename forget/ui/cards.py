"""The cards of a result: proof, the people who left, everybody else, the map, and the cost."""

import json
import math
from functools import partial

import numpy as np
import streamlit as st

from forget.charts.people import NO_FRILLS, cost_bars, face_map, others_dots, spoken
from forget.effect import Effect, Sighting
from forget.likeness import Ranked
from forget.linear.archive import model_bytes, without_store
from forget.reenrol import found_again
from forget.runtime import machine, versions
from forget.ui.cached import Bundle
from forget.ui.parts import counted, people_row, photograph, plain
from forget.ui.visit import Visit, made_of_faces, visit
from forget.unlearning.contract import Guarantee, Scope

__all__ = [
    "cost_chart",
    "download_buttons",
    "everyone_card",
    "map_card",
    "proof_card",
    "them_card",
]

CROWD = 100  # dots that can still be told apart in the chart of everyone else
MOST_CHANGED = 40  # of a crowd, those who are drawn
SIGHTINGS, FITTED = 8, 3  # photographs of one person that a card has room for
_FOUND = made_of_faces("found_again")


def proof_card(effect: Effect) -> None:
    """Digest after subtraction against digest summed afresh, verdict, gap, guarantee, cost."""
    proof, seconds = effect.proof, effect.seconds
    st.header("Proof", anchor="proof")
    if proof.holds and effect.guarantee.caveat:
        st.markdown(":material/check: **Same as never given under this name**")
    elif proof.holds and effect.guarantee.scope is Scope.MODEL:
        st.markdown(":material/check_circle: **Same as never seen**")
    elif proof.holds:
        st.markdown(":material/check: **Readout same as never fitted**")
    else:
        st.error("The sums differ from those of the remaining people.")
    sign = "=" if proof.digest == proof.afresh else "≠"
    st.code(f"{_short(proof.digest)} {sign} {_short(proof.afresh)}", language=None)
    st.caption(
        "Left, the digest of the sums after subtraction; right, of sums made afresh from the "
        f"features of everybody who stays. Largest difference between the two heads: "
        f"{proof.head_gap:g}."
    )
    _promise(effect.guarantee)
    st.markdown(
        f"{spoken(seconds['subtract'])} to subtract and solve "
        f"(refit from features {spoken(seconds['refit from features'])})"
    )


def them_card(effect: Effect, bundle: Bundle) -> None:
    """Held-out photographs of one forgotten person, before and now, beside a stranger."""
    st.header("Them")
    person = effect.people[0]
    if len(effect.people) > 1:
        person = st.selectbox(
            "Whose photographs", effect.people, format_func=bundle.faces.title, key="them_person"
        )
    seen = [sighting for sighting in effect.them if sighting.person == person]
    digits = _decimals(effect)
    if not seen:
        st.caption("No photograph of this person was held out.")
    for sighting in seen[:SIGHTINGS]:
        _sighting(sighting, bundle, digits)
    if not any(sighting.said_before == person for sighting in seen):
        st.caption(
            "The original model knew this person on none of those. On photographs that it was "
            "fitted on:"
            if seen
            else "On photographs that the original model was fitted on:"
        )
        for sighting in [one for one in effect.fitted if one.person == person][:FITTED]:
            _sighting(sighting, bundle, digits)
    st.caption(_reading(effect))
    if np.isfinite(effect.again).all():
        st.markdown(_again(effect, visit()))
    # Thirty pictures: drawn when they are asked for, not with every result.
    guesses = st.expander("Five best guesses, before and now", on_change="rerun", key="guesses")
    if guesses.open:
        with guesses:
            for sighting in seen:
                _guesses(sighting, bundle, digits)


def everyone_card(effect: Effect, bundle: Bundle) -> None:
    """Recognition of those who stay, and who changed most."""
    st.header("Everyone else")
    before, after = effect.others_recognised
    st.markdown(f"**{before:.1%} → {after:.1%}** of held-out photographs recognised")
    others = effect.others
    change = (others["score after"] - others["score before"]).to_numpy()
    most, digits = int(np.abs(change).argmax()), _decimals(effect) + 1
    st.caption(
        f"{counted(int(others['photographs'].sum()), 'photograph')} of "
        f"{counted(len(others), 'person', 'people')}. Nobody's "
        f"score changed by more than {abs(change[most]):.{digits}f}; most changed: "
        f"{plain(bundle.titles[others['person'].iloc[most]])} ({change[most]:+.{digits}f})."
    )
    drawn, words = others, "each remaining person"
    if len(others) > CROWD:
        drawn = others.iloc[np.argsort(-np.abs(change), kind="stable")[:MOST_CHANGED]]
        words = f"the {MOST_CHANGED} remaining people who changed most"
        st.caption(f"Drawn: {words}.")
    st.plotly_chart(
        others_dots(drawn, bundle.titles),
        key="others_dots",
        config=NO_FRILLS,
        alt=f"Score of {words} before against now"
        + (": all lie near the diagonal" if abs(change[most]) < 0.1 else ""),
    )


def map_card(effect: Effect, bundle: Bundle, word: str) -> None:
    """Everybody's photographs in the plane, the forgotten marked with a word."""
    st.header("Map of faces")
    places = bundle.places
    st.plotly_chart(
        face_map(places.positions, places.labels, effect.people, bundle.titles, word),
        key="face_map",
        config=NO_FRILLS,
        alt=f"{places.what} in the plane, alike ones close together; the {word} are crosses",
    )
    st.caption(places.says)


def cost_chart(seconds: dict[str, float], key: str) -> None:
    """Bars of what each way costs."""
    words = ", ".join(f"{way} {spoken(value)}" for way, value in seconds.items())
    st.plotly_chart(cost_bars(seconds), key=key, config=NO_FRILLS, alt=f"Cost: {words}")


def download_buttons(now: Visit, effect: Effect) -> None:
    """Report as JSON, and the model with or without everybody's features."""
    report = {
        "data": now.bundle.faces.name,
        **effect.to_json(),
        "machine": machine(),
        "versions": versions("torch", "numpy", "scipy"),
    }
    st.download_button(
        "Download report",
        json.dumps(report, indent=2),
        "forget-report.json",
        "application/json",
        icon=":material/description:",
        on_click="ignore",
    )
    for label, name, model in (
        ("Download model with feature store", "model-with-store", now.model),
        ("Download model without", "model-without-store", without_store(now.model)),
    ):
        st.download_button(
            label,
            partial(model_bytes, model),
            f"{name}.safetensors",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(
        "With feature store: can forget further; biometric data of everybody in it, photograph by "
        "photograph. Without: recognises the same people and cannot forget further; it still "
        "holds a mean template of everybody, which is biometric data too."
    )


def _short(digest: str) -> str:
    """The first eight characters of a digest, in two groups."""
    return f"{digest[:4]} {digest[4:8]}"


def _decimals(effect: Effect) -> int:
    """How many decimals of a score tell it from the threshold, where scores crowd near 1."""
    room = 1 - effect.threshold[1]
    return max(2, math.ceil(-math.log10(room)) + 1) if 0 < room < 1 else 2


def _promise(guarantee: Guarantee) -> None:
    """States guarantee and scope in one sentence; a readout-only one as a warning."""
    if guarantee.scope is Scope.MODEL:
        st.markdown(f"**Exact, whole model.** {plain(guarantee.reason)}")
    else:
        said = f"**Exact, readout only.** {plain(guarantee.reason)}"
        st.warning(said, icon=":material/warning:")
    if guarantee.caveat:
        st.warning(plain(guarantee.caveat), icon=":material/warning:")


def _reading(effect: Effect) -> str:
    """How to read the scores."""
    if not np.isfinite(effect.threshold[1]):
        return (
            "Nobody is left to find out how strangers score, so the model names nobody: keep at "
            "least two people whose photographs calibrate it."
        )
    digits = _decimals(effect)
    return (
        f"Scores are cosines; below {effect.threshold[1]:.{digits}f} the model says nobody. Of "
        "the strangers it was calibrated on, the typical photograph scores "
        f"{effect.stranger:.{digits}f} and one in twenty is taken for somebody."
    )


def _sighting(sighting: Sighting, bundle: Bundle, digits: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        photograph(bundle, sighting.photograph)
        before = _said(sighting.said_before, sighting.before, bundle, digits)
        now = _said(sighting.said_after, sighting.after, bundle, digits)
        st.markdown(f"before {before}  \nnow {now}", width="stretch")


def _again(effect: Effect, now: Visit) -> str:
    """What becomes of them when they come back: where the two goals part."""
    before, again = effect.again
    said = (
        f"**If they enrol again**, {again:.0%} of their held-out photographs are recognised "
        f"({before:.0%} before): "
    )
    if not effect.suppresses:
        return said + "it takes them in like anybody whom it never met."
    named = "none of theirs is named" if again == 0 else "the others of theirs are not named"
    return (
        f"{said}at the present threshold {named}. Whoever compares faces by this model's features "
        f"and uses neither readout nor threshold still finds **{_found(now):.0%}**."
    )


def _found(now: Visit) -> float:
    """The share that is found by features alone, computed once for each visit."""
    if st.session_state.get(_FOUND, (None,))[0] is not now:
        of = now.bundle
        share = found_again(now.model, of.model, of.split, now.forgotten, of.rows)
        st.session_state[_FOUND] = (now, share)
    return st.session_state[_FOUND][1]


def _said(who: str | None, ranked: Ranked, bundle: Bundle, digits: int) -> str:
    name = plain(bundle.faces.title(who)) if who else "nobody"
    return f"**{name}** {ranked[0][1]:.{digits}f}" if ranked else f"**{name}**"


def _guesses(sighting: Sighting, bundle: Bundle, digits: int) -> None:
    for when, ranked in (("Before", sighting.before), ("Now", sighting.after)):
        st.caption(when)
        people_row(bundle, ranked, digits)

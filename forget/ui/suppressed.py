"""What a suppressing model still tells about those whom it hides."""

import numpy as np
import streamlit as st

from forget.effect import Effect
from forget.likeness import Ranked, exposed_people
from forget.linear.erasing.features import Erased
from forget.linear.model import LinearModel
from forget.ui.cached import Bundle
from forget.ui.parts import people_row, plain

__all__ = ["betrayed", "hidden_card", "template_of"]

SHOWN = 5  # people beyond the hidden ones


def betrayed(model: LinearModel, bundle: Bundle) -> Ranked:
    """Whom the directions that a model erases betray, the most exposed first."""
    directions = _erased(model).eraser.directions
    return exposed_people(directions, bundle.features, bundle.faces.labels)


def template_of(model: LinearModel, bundle: Bundle) -> np.ndarray | None:
    """The feature (d,) that an eraser of one person points at; None where it mixes several.

    It is the strongest direction that is taken out, at the length and on the side of ordinary
    features: the model alone gives it away.
    """
    eraser, rows = _erased(model).eraser, bundle.features
    spare = len(set(bundle.model.people) - set(model.people))
    if spare != 1:
        return None
    direction = eraser.removed[:, 0] / np.linalg.norm(eraser.removed[:, 0])
    along = np.sign(rows.mean(0) @ direction) or 1.0
    return along * float(np.linalg.norm(rows, axis=1).mean()) * direction


def hidden_card(model: LinearModel, effect: Effect, bundle: Bundle) -> None:
    """In the place of a proof: that there is none, and whom the model betrays."""
    st.header("No proof", anchor="proof")
    st.markdown(":material/visibility_off: **Hidden, not forgotten**")
    st.warning(plain(effect.guarantee.reason), icon=":material/warning:")
    ranked = betrayed(model, bundle)
    hidden = [one for one in ranked if one[0] in effect.people][:SHOWN]
    others = [one for one in ranked if one[0] not in effect.people][: max(SHOWN - len(hidden), 1)]
    st.markdown("**Whom does it hide?** Read off the model and a pile of photographs:")
    people_row(bundle, (*hidden, *others))
    worst, best = min(score for who, score in ranked if who in effect.people), others[0][1]
    st.caption(
        f"{plain(effect.guarantee.caveat)} The numbers are how much of each person's mean feature "
        "lies in the directions that were taken out (cosine): those who are hidden at least "
        f"{worst:.2f}, of the others {best:.2f} at most."
    )


def _erased(model: LinearModel) -> Erased:
    assert isinstance(model.feature_map, Erased), "only a suppressing model is asked"
    return model.feature_map

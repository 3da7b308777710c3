"""What a study tells of somebody who was forgotten: the proof, and who was looked at."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.effect import Effect, measure_effect
from forget.linear.model import LinearModel, all_rows
from forget.progress import OnStep, silent
from forget.recognition.embedding import as_read
from forget.unlearning.contract import Unlearned

__all__ = ["WATCHED", "effect_on", "spoken", "told"]

WATCHED = 300  # others, at most, whose held-out photographs are looked at before and after


def effect_on(
    before: LinearModel,
    found: Unlearned,
    faces: FaceDataset,
    people: Sequence[str],
    on_step: OnStep = silent,
) -> Effect:
    """Compares the model before and after, on those who left and on some who stay.

    Of many others some are watched, evenly spread, since each photograph is scored against
    everybody who is enrolled.

    Arguments:
        before: The model that knew them.
        found: What the method gave.
        faces: The photographs.
        people: Who left.
        on_step: Told of photographs.
    """
    stay = [one for one in faces.identities if one not in set(people)]
    step = max(len(stay) // WATCHED, 1)
    some = faces.only([*people, *stay[::step][:WATCHED]])
    split = split_by_identity(some).forgetting(people)
    needed = np.union1d(split.test, split.forget)
    images = as_read(before.feature_map, some.images)
    rows = all_rows(before.feature_map, images, on_step, needed)
    return measure_effect(before, found.model, split, rows, found.guarantee)


def told(method: str, found: Unlearned, effect: Effect) -> dict[str, Any]:
    """Plain values for a report."""
    about = {"method": method, "seconds_of_the_method": found.seconds}
    return about | {"watched": len(effect.others), **effect.to_json()}


def spoken(method: str, found: Unlearned, effect: Effect) -> list[str]:
    """The same in a few lines for a terminal."""
    promise, proof = effect.guarantee, effect.proof
    before, after = effect.others_recognised
    word = "Suppressed" if effect.suppresses else "Forgotten"
    lines = [
        f"{word} by {method}: {', '.join(effect.people)}, in {found.seconds * 1000:.1f} ms.",
        f"Guarantee: {promise.kind}, {promise.scope}. {promise.reason}",
        *([f"But: {promise.caveat}"] if promise.caveat else []),
    ]
    if not effect.suppresses:
        lines.append(
            f"Proof {'holds' if proof.holds else 'FAILS'}: {proof.digest[:16]} after subtraction, "
            f"{proof.afresh[:16]} summed afresh; largest difference of heads {proof.head_gap:g}."
        )
    was, again = effect.again
    lines += [
        f"Their held-out photographs recognised: {was:.1%} before"
        + (f"; {again:.1%} once they are enrolled again." if np.isfinite(again) else "."),
        f"Held-out photographs of {len(effect.others)} others recognised: {before:.1%} before, "
        f"{after:.1%} after.",
    ]
    return lines

"""What a visitor should know before forgetting somebody: twins, both sides, who looks alike."""

from collections.abc import Sequence

import numpy as np

from forget.likeness import mean_features
from forget.ui.cached import Bundle
from forget.ui.parts import plain

__all__ = ["warnings"]

ALIKE = 0.99  # quantile, over all pairs of people, of how alike two of them are
MOST = 3  # names in a sentence


def warnings(bundle: Bundle, staying: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Sentences in Markdown; none where there is nothing to warn of.

    Arguments:
        bundle: The photographs.
        staying: Who is enrolled.
        chosen: Who is about to be forgotten.
    """
    others = frozenset(staying) - frozenset(chosen)
    return [*_twins(bundle, others, chosen), *_alike(bundle, others, chosen)]


def _twins(bundle: Bundle, others: frozenset[str], chosen: Sequence[str]) -> list[str]:
    """Pictures of the chosen that stay under another name, or in the network's own training."""
    groups, core = bundle.hygiene.groups, frozenset(bundle.faces.core)
    if groups.empty:
        return []
    said = []
    for person in chosen:
        mine = groups[groups["group"].isin(groups.loc[groups["person"] == person, "group"])]
        elsewhere = mine[mine["person"] != person]
        stay = sorted({one for one in elsewhere["person"] if one in others})
        if stay:
            title = plain(bundle.faces.title(person))
            count = mine.loc[mine["person"] == person, "index"].nunique()
            kind = "the same" if (mine["kind"] == "identical").all() else "nearly the same"
            said.append(
                f"**{count}** of the pictures of **{title}** are there, {kind}, as "
                f"{_names(bundle, stay)}, who would stay: choose them too."
            )
        if person not in core and (trained := sorted(set(elsewhere["person"]) & core)):
            said.append(
                f"Pictures of **{plain(bundle.faces.title(person))}** also taught the network, as "
                f"{_names(bundle, trained)}: what the network learned stays."
            )
    return said


def _alike(bundle: Bundle, others: frozenset[str], chosen: Sequence[str]) -> list[str]:
    """People so like a chosen one that they are the first whom it could hurt."""
    people, means = mean_features(bundle.features, bundle.faces.labels)
    units = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    similar = units @ units.T
    limit = np.quantile(similar[np.triu_indices(len(people), 1)], ALIKE)
    place = {person: row for row, person in enumerate(people)}
    said = []
    for person in chosen:
        near = [
            people[j]
            for j in np.argsort(-similar[place[person]])
            if people[j] in others and similar[place[person], j] >= limit
        ]
        if near:
            said.append(
                f"**{plain(bundle.faces.title(person))}** looks much like {_names(bundle, near)}: "
                "look there first for who is hurt."
            )
    return said


def _names(bundle: Bundle, people: Sequence[str]) -> str:
    titles = [f"**{plain(bundle.faces.title(one))}**" for one in people[:MOST]]
    more = len(people) - len(titles)
    return ", ".join(titles) + (f" and {more} more" if more else "")

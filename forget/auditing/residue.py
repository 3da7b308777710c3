"""What an edit leaves behind: directions that a matrix sends to nothing, traces inside, pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.likeness import exposed_people
from forget.linear.erasing.features import Erased
from forget.linear.erasing.leak import Leak, eraser_leak
from forget.linear.recall import held
from forget.metrics.detection import auc
from forget.metrics.probes import PROBES, probe

__all__ = [
    "EDITED",
    "Betrayal",
    "betrayed",
    "difference_attack",
    "erased",
    "probe_table",
    "probed",
]

EDITED = 1e6  # ratio of neighbouring singular values above which a matrix was edited
PROBED = 5  # people of a group
FEWEST = 2  # photographs on a side, without which nothing can be told apart
OTHERS = 200  # photographs, at most, that a probe tells somebody from

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Betrayal:
    """An edited matrix, and whom its null space points at.

    Arguments:
        matrix: Its name.
        leak: The gap in its singular values, and the directions below it.
        people: Everybody whose features can be compared, the most exposed first, with the cosine
            of their mean feature and the directions, in [0, 1].
    """

    matrix: str
    leak: Leak
    people: tuple[tuple[str, float], ...] = field(repr=False)


def erased(subject: Subject) -> dict[str, Leak]:
    """Matrices that send some directions to nothing, by name, as no training leaves them."""
    found = {name: eraser_leak(matrix) for name, matrix in subject.matrices.items()}
    return {name: leak for name, leak in found.items() if leak.gap > EDITED}


def betrayed(subject: Subject, evidence: Evidence) -> list[Betrayal]:
    """Whom edited matrices betray: the null space beside every person's mean feature.

    Reads the features before the edit, as anybody can who holds the model.
    """
    found = []
    for name, leak in erased(subject).items():
        features = _before_the_edit(subject, evidence)
        if features is None or features.shape[1] != len(leak.directions):
            found.append(Betrayal(name, leak, ()))
            continue
        ranked = exposed_people(leak.directions, features, evidence.faces.labels)
        found.append(Betrayal(name, leak, ranked))
    return found


def probed(
    subject: Subject, evidence: Evidence, person: str, kind: str, seed: int = 0
) -> dict[str, float]:
    """How well a probe tells somebody's photographs from others', layer by layer: AUC in [0, 1].

    Empty where there are no layers, or fewer than two photographs on a side.

    Arguments:
        subject: With layers.
        evidence: The photographs.
        person: Forgotten, or never there: the same for both is what forgetting should give.
        kind: A name in `forget.metrics.probes.PROBES`.
        seed: Of the folds.
    """
    if subject.layers is None or kind not in PROBES:
        return {}
    theirs = np.asarray(evidence.faces.of(person))
    parts = [evidence.held_out(p) for p in evidence.staying if p != person]
    others = np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)
    others = others[:: max(len(others) // OTHERS, 1)][:OTHERS]
    if min(len(theirs), len(others)) < FEWEST:
        return {}
    near, far = (subject.layers(evidence.images(some)) for some in (theirs, others))
    return {name: probe(kind, near[name], far[name], seed) for name in near}


def probe_table(subject: Subject, evidence: Evidence, seed: int = 0) -> pd.DataFrame:
    """What all probes say of five forgotten people, at most, and of five who were never there.

    Returns:
        Columns `probe`, `layer`, `group`, `person` and `auc`; empty where nothing could be probed.
    """
    rows = []
    for kind in PROBES:
        for group, people in (("forgotten", evidence.forgotten), ("never there", evidence.never)):
            for person in people[:PROBED]:
                for layer, value in probed(subject, evidence, person, kind, seed).items():
                    row = {"probe": kind, "layer": layer, "group": group, "person": person}
                    rows.append(row | {"auc": value})
    return pd.DataFrame(rows)


def difference_attack(before: Subject, after: Subject, evidence: Evidence) -> dict[str, float]:
    """Who left, from two published models: how far each person's answers moved.

    Sums give the answer away at once: the classes that are in one and not in the other, and the
    mean feature of each. Otherwise the change of a person's features between the two.

    Returns:
        "auc": of the change, the forgotten against everybody else, nan where two networks have
        no features to compare; "cosine": of the recovered mean feature and the true one, nan where
        sums are not there.
    """
    people = evidence.faces.identities
    moved = []
    for person in people:
        images = evidence.images(np.asarray(evidence.faces.of(person)))
        moved.append(_change(before, after, images))
    gone = np.isin(people, evidence.forgotten)
    change = np.array(moved)
    compared = not np.isnan(change).any()
    area = auc(change[gone], change[~gone]) if compared else float("nan")
    found = {"auc": area, "cosine": float("nan")}
    if before.linear is not None and after.linear is not None:
        left = set(before.linear.statistics.classes) - set(after.linear.statistics.classes)
        cosines = [_recovered(before, evidence, person) for person in sorted(left)]
        found["cosine"] = float(np.mean(cosines)) if cosines else float("nan")
    return found


def _change(before: Subject, after: Subject, images: Sequence) -> float:
    if before.answer is not None and after.answer is not None:
        scores = [one.answer(images).best for one in (before, after)]  # type: ignore[misc]
        return float(np.abs(scores[0] - scores[1]).mean())
    one, other = before.embed(images), after.embed(images)
    if one.shape != other.shape:
        return float("nan")
    return float(1 - (one * other).sum(1).mean())


def _recovered(before: Subject, evidence: Evidence, person: str) -> float:
    """Cosine of the mean that the sums give away with that of the photographs."""
    model, rows = before.linear, before.rows
    assert model is not None and rows is not None
    given = held(model.statistics, person)
    if given is None:
        return 0.0
    real = model.feature_map.grid.real(rows(evidence.images(evidence.fitted(person)))).mean(0)
    return float(given @ real / max(np.linalg.norm(given) * np.linalg.norm(real), 1e-300))


def _before_the_edit(subject: Subject, evidence: Evidence) -> Reals | None:
    model = subject.linear
    if model is None or not isinstance(model.feature_map, Erased):
        return None
    base = model.feature_map.base
    return base.grid.real(base.rows(evidence.faces.images))

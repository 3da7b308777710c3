"""The people of MUFAC: every picture of the training part once, under one id for each person.

Ids of MUFAC are families and roles, and families overlap: one person has up to seven ids, and one
picture lies under several of them. People who share a picture are one here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from forget.data.dataset import FaceDataset, Indices, natural_key
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import load_mufac
from forget.errors import ForgetError, IdentityError
from forget.progress import OnStep, silent

if TYPE_CHECKING:
    from forget.data.twins.report import Hygiene

__all__ = ["MufacPeople", "load_mufac_people", "mufac_people"]

NAMED = 3  # ids in the title of a person who has several; of more the first one and a count


@dataclass(frozen=True, eq=False)
class MufacPeople:
    """Holds the people of the training part, and where their photographs came from.

    Arguments:
        faces: Each different picture of the training part once, in the order of the data set.
        indices: Which image of the data set each photograph is, (n,).
        joined: The identity of every id of the data set, of all its parts.
    """

    faces: FaceDataset
    indices: Indices = field(repr=False)
    joined: Mapping[str, str] = field(repr=False)


def load_mufac_people(source: Path | None = None, on_step: OnStep = silent) -> FaceDataset:
    """Reads MUFAC as photographs of people: of the official archive 6,561 of 577 people.

    The first time all images are decoded (see `load_mufac`), and each time twins are looked for.

    Arguments:
        source: The official zip, or the folder it was unpacked to; by default in app_data.
        on_step: Gets images done and their total; may raise `Cancelled`.

    Returns:
        Photographs (n, 128, 128, 3) of the training part; nobody is core. People are called by
        the first of their ids, such as "F0046/D"; their other ids are `aliases`.

    Raises:
        ForgetError: As for `load_mufac`.
        PhotographError: The zip is broken or could do harm.
    """
    return mufac_people(load_mufac(source, on_step), on_step=on_step).faces


def mufac_people(
    data: ImageDataset, report: "Hygiene | None" = None, on_step: OnStep = silent
) -> MufacPeople:
    """Joins the ids of each person, and takes each picture of the training part once.

    People are joined by pictures of all parts; photographs are those of the training part, of
    twins the first.

    Arguments:
        data: Images whose people are known.
        report: Of `forget.hygiene(data)`, where it is there already.
        on_step: Gets images done and their total; may raise `Cancelled`.

    Raises:
        ForgetError: The report is on another data set.
        IdentityError: The data set names nobody.
    """
    if not data.people:
        raise IdentityError("images whose people are known", "none", f"Not with {data.name}.")
    if report is None:
        from forget.data.twins.find import hygiene  # pandas and scipy, which no other loader needs

        report = hygiene(data, on_step=on_step)
    elif report.images is not data.images:
        raise ForgetError("a report on the same data set", "one on another", "Leave it out.")
    _, first = np.unique(report.pictures[data.train], return_index=True)
    indices = data.train[np.sort(first)]
    labels = tuple(report.people[data.people[i]] for i in indices)
    several = _several(report.people, set(labels))
    faces = FaceDataset(
        name=data.name,
        images=data.images[indices],
        labels=labels,
        skipped=data.notes,
        titles={person: _title(ids) for person, ids in several.items()},
        aliases={person: tuple(ids[1:]) for person, ids in several.items()},
    )
    return MufacPeople(faces, indices, dict(report.people))


def _several(joined: Mapping[str, str], people: set[str]) -> dict[str, list[str]]:
    """All ids of those people who have several, in natural order: the one in use comes first."""
    ids: dict[str, list[str]] = {}
    for one in sorted(joined, key=natural_key):
        if joined[one] in people:
            ids.setdefault(joined[one], []).append(one)
    return {person: mine for person, mine in ids.items() if len(mine) > 1}


def _title(ids: list[str]) -> str:
    if len(ids) <= NAMED:
        return " = ".join(ids)
    return f"{ids[0]} and {len(ids) - 1} more"

"""Whose pictures are also somebody else's: nearly the same ones, which no hash finds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from forget.data.dataset import FaceDataset
from forget.data.twins.report import Hygiene
from forget.data.twins.similar import SIDE, SIMILARITY, thumbnails
from forget.errors import ForgetError

__all__ = ["SharedPictures", "people_shown_in"]


@dataclass(frozen=True)
class SharedPictures:
    """What hygiene knows of people's pictures under other names.

    Arguments:
        others: By person, who else of the data set has one of their pictures, or nearly.
        trained: People who have, nearly, a picture that trained the feature map as somebody else.
    """

    others: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    trained: frozenset[str] = frozenset()

    @classmethod
    def of(cls, found: Hygiene, core: Collection[str] = ()) -> "SharedPictures":
        """Reads them off a report.

        Arguments:
            found: On the people's data set.
            core: Who of them trained the feature map.
        """
        groups, others = found.groups, dict[str, frozenset[str]]()
        for _, group in groups.groupby("group"):
            people = frozenset(group["person"])
            for person in people if len(people) > 1 else ():
                others[person] = others.get(person, frozenset()) | people - {person}
        known = frozenset(core)
        trained = (p for p, them in others.items() if p not in known and them & known)
        return cls(others, frozenset(trained))


def people_shown_in(faces: FaceDataset, pictures: FaceDataset) -> frozenset[str]:
    """People who have a photograph that is, nearly, one of other pictures.

    Arguments:
        faces: The people's photographs.
        pictures: The others, perhaps of another size: thumbnails are compared.

    Raises:
        ForgetError: One of the two is so small that its thumbnails are smaller.
    """
    if not len(faces.images) or not len(pictures.images):
        return frozenset()
    one, other = (
        thumbnails(each.images, np.arange(len(each.images))) for each in (faces, pictures)
    )
    if one.shape[1] != other.shape[1]:
        got = f"{faces.images.shape[1:3]} and {pictures.images.shape[1:3]}"
        raise ForgetError(f"photographs of at least {SIDE} pixels", got, "Give larger ones.")
    near = (one @ other.T).max(axis=1) >= SIMILARITY
    return frozenset(faces.labels[i] for i in np.flatnonzero(near))

"""Which people of a data set may train a feature map, so that all others can be taken out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from forget.data.dataset import Indices, natural_key
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError, IdentityError

__all__ = ["Core", "draw_core"]


@dataclass(frozen=True, eq=False)
class Core:
    """The people who train everything that is frozen, and those who are added to it.

    Arguments:
        people: Ids of the core, in natural order; every id of a person who has several.
        images: Their training images, sorted.
        added: The training images of everybody else, sorted.
        share: Core people among all.
    """

    people: tuple[str, ...] = field(repr=False)
    images: Indices = field(repr=False)
    added: Indices = field(repr=False)
    share: float


def draw_core(
    data: ImageDataset,
    share: float,
    joined: Mapping[str, str] | None = None,
    never: Indices | None = None,
    seed: int = 0,
) -> Core:
    """Draws the core among the people of the training part.

    Larger shares of the same draw contain the smaller ones. People with an image in `never` come
    last: they are in the core only if the others do not suffice.

    Arguments:
        data: Images whose people are known.
        share: Of the people, above 0 and below 1.
        joined: The id under which people who share a picture are one (`Hygiene.people`).
        never: Images of people who shall be added if that is possible.
        seed: Of the draw.

    Raises:
        ForgetError: A share that leaves nobody in the core or nobody beside it.
        IdentityError: The data set names nobody.
    """
    if not data.people:
        raise IdentityError("images whose people are known", "none", f"Not with {data.name}.")
    known = joined or {}
    person = np.array([known.get(one, one) for one in data.people])
    everybody = sorted({str(one) for one in person[data.train]}, key=natural_key)
    count = round(share * len(everybody))
    if not 0 < count < len(everybody):
        raise ForgetError(
            f"a share that leaves some of {len(everybody)} people on both sides",
            f"{share:g}",
            "Shares between 0.3 and 0.8 are usual.",
        )
    last = set(person[never].tolist()) if never is not None else set()
    order = np.random.default_rng(seed).permutation(len(everybody))
    drawn = sorted((everybody[i] for i in order), key=lambda one: one in last)  # a stable sort
    core = np.isin(person, drawn[:count])
    train = np.zeros(len(person), dtype=bool)
    train[data.train] = True
    ids = {data.people[i] for i in np.flatnonzero(core)}
    return Core(
        tuple(sorted(ids, key=natural_key)),
        np.flatnonzero(core & train),
        np.flatnonzero(~core & train),
        count / len(everybody),
    )

"""Search of one person among many: ranks, and an open set where some are not enrolled."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forget.errors import ForgetError
from forget.metrics.cosines import directions
from forget.metrics.retrieval import threshold_at

__all__ = ["Identification", "identify", "judge_search"]

Reals = NDArray[np.float64]
BLOCK = 2**26  # bytes of scores held at a time


@dataclass(frozen=True, eq=False)
class Identification:
    """Probes looked up among enrolled people; each person counts with their best photograph.

    Arguments:
        rank: 1 plus the number of other people who score at least as high as the right one, (m,),
            of the m probes whose person is enrolled. A tie is never taken for knowledge.
        mate: The right person's score, (m,).
        strangers: Best score of each of the n probes whose person is not enrolled, (n,).
    """

    rank: NDArray[np.int64] = field(repr=False)
    mate: Reals = field(repr=False)
    strangers: Reals = field(repr=False)

    def within(self, k: int = 1) -> float:
        """Share of enrolled people's probes, in [0, 1], with the right person among the first k.

        nan where no probe's person is enrolled; 1 where k is the number of people enrolled.

        Raises:
            ForgetError: A k below 1.
        """
        if k < 1:
            raise ForgetError("a rank of at least 1", f"{k}", "Rank 1 is the best match.")
        return float((self.rank <= k).mean()) if len(self.rank) else float("nan")

    def tpir_at(self, fpir: float, k: int = 1) -> float:
        """True positive identification rate at a false positive one; nan without enrolled probes.

        The share of enrolled people's probes with the right person among the first k and above
        the lowest threshold that no more than a share `fpir` of strangers exceed.

        References:
            | Face Recognition Vendor Test Part 2: Identification (Grother, Ngan and Hanaoka,
            | 2019): 1 - FNIR(N, R, T) at FPIR(N, T)

        Arguments:
            fpir: Share of strangers who may be taken for somebody, in (0, 1).
            k: The last rank that counts.

        Raises:
            ForgetError: Fewer strangers than 1 / fpir, or a k below 1.
        """
        bar = threshold_at(self.strangers, fpir)
        if k < 1:
            raise ForgetError("a rank of at least 1", f"{k}", "Rank 1 is the best match.")
        found = (self.rank <= k) & (self.mate > bar)
        return float(found.mean()) if len(found) else float("nan")


def identify(
    probes: NDArray[np.floating],
    people: Sequence[str],
    gallery: NDArray[np.floating],
    enrolled: Sequence[str],
    block: int = BLOCK,
) -> Identification:
    """Looks probes up by cosine, some at a time, so that memory stays bounded.

    Arguments:
        probes: Features, (n, d).
        people: Who is on each, n ids; those who are not enrolled make the open set.
        gallery: Features, (g, d), of other photographs or of templates.
        enrolled: Who is on each, g ids.
        block: Bytes of scores held at a time.

    Raises:
        ForgetError: No probe, an empty gallery, shapes that do not fit, or a feature of length 0
            or that is no number.
    """
    x, y = np.asarray(probes), directions(gallery)
    if x.ndim != 2 or not len(x) or x.shape[1] != y.shape[1] or len(people) != len(x):
        raise ForgetError(
            f"probes (n, {y.shape[1]}), at least one, with an id for each",
            f"{x.shape} and {len(people)} ids",
            "Say who is on each probe, and embed them with the model of the gallery.",
        )
    rows = max(1, block // (8 * len(y)))
    parts = []
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        parts.append(judge_search(directions(x[part]) @ y.T, people[part], enrolled))
    return Identification(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in ("rank", "mate", "strangers")
        )
    )


def judge_search(
    scores: NDArray[np.floating], people: Sequence[str], enrolled: Sequence[str]
) -> Identification:
    """Reads a table of scores as ranks.

    Arguments:
        scores: Similarity of each probe to each enrolled photograph, (n, g).
        people: Who is on each probe, n ids.
        enrolled: Who is on each photograph, g ids.

    Raises:
        ForgetError: Shapes that do not fit, nobody enrolled, or a score that is no number.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.shape != (len(people), len(enrolled)) or not table.size or np.isnan(table).any():
        raise ForgetError(
            f"scores of {len(people)} probes and {len(enrolled)} photographs, at least 1 each",
            f"shape {table.shape}, {int(np.isnan(table).sum())} not a number",
            "Give an id to each row and column, and leave out what has no score.",
        )
    names, of_column = np.unique(np.asarray(enrolled, dtype=object), return_inverse=True)
    order = np.argsort(of_column, kind="stable")
    starts = np.searchsorted(of_column[order], np.arange(len(names)))
    best = np.maximum.reduceat(table[:, order], starts, axis=1)
    place = {name: i for i, name in enumerate(names)}
    column = np.array([place.get(person, -1) for person in people])
    known = column >= 0
    mate = best[known, column[known]]
    # The right person is among those who score at least as high, which makes the 1.
    rank = (best[known] >= mate[:, None]).sum(1)
    return Identification(rank, mate, best[~known].max(1))

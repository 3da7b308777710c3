"""A linear model: feature map, store, statistics and head, fitted once and then a value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import (
    Images,
    Indices,
    known_identities,
    natural_key,
    photograph_hash,
)
from forget.data.recognition.lazy_photographs import LazyPhotographs
from forget.data.split import Split
from forget.errors import StatisticsError
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.heads import Head, HeadRule
from forget.linear.statistics import Statistics
from forget.linear.store import Chunk, FeatureStore
from forget.linear.threshold import stranger_scores, threshold_of, turn
from forget.progress import OnStep, silent

__all__ = ["LinearModel", "all_rows"]

BATCH = 128  # photographs per pass through the network
RESERVE = 200  # people, at most, whose held-out features are kept to calibrate on


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Recognises people by a readout that is solved from sums over their features.

    Arguments:
        feature_map: Photographs to features; frozen.
        rule: Statistics to head.
        statistics: Sums over the enrolled people's features.
        store: The features themselves, per person; None when the model was saved without them,
            and then it can recognise but not forget further.
        calibration: Held-out features of people whom the threshold may be calibrated on; None
            like `store`.
        fixed_threshold: The threshold of a model without store.

    Example:
        >>> import forget
        >>> model = forget.load_model("orl")
        >>> model.predict(forget.load_faces("orl").images[:2]).shape
        (2, 40)
    """

    feature_map: FeatureMap
    rule: HeadRule
    statistics: Statistics
    store: FeatureStore | None
    calibration: FeatureStore | None
    fixed_threshold: float | None = field(default=None, repr=False)

    @classmethod
    def fit(
        cls,
        feature_map: FeatureMap,
        split: Split,
        rule: HeadRule,
        on_step: OnStep = silent,
        rows: Rows | None = None,
    ) -> "LinearModel":
        """Enrols everybody of a split who is not to be forgotten.

        The threshold is calibrated on held-out photographs of the core people, or of everybody
        where the data set has no core; of many people 20 are taken, since each costs a solution
        of the head. Those of 200 are kept, so that it is the threshold of a model that never met
        the people who left, as long as 20 of these are there.

        Arguments:
            feature_map: Photographs to features.
            split: Photographs to learn and to hold out.
            rule: Statistics to head.
            on_step: Told after each batch of photographs, or after each person where the rows
                are known.
            rows: Features on the grid of all photographs of the data set, (n, d), where they are
                known already; by default those that are needed are computed.

        Raises:
            IdentityError: Nobody is left to enrol.
        """
        leaving, core = set(split.leaving), set(split.core)
        people = [p for p in split.faces.identities if p not in leaving]
        known_identities(people, split.faces.identities)
        pool = [p for p in people if p in core] if core else people
        able = (p for p in sorted(pool, key=turn) if len(split.test_of([p])))
        kept = set(islice(able, RESERVE))
        strangers = [p for p in people if p in kept]
        images, space = split.faces.images, feature_map.space
        known, hashes = rows is not None, dict[int, str]()
        if rows is None:
            needed = np.union1d(split.train_of(people), split.test_of(strangers))
            rows = all_rows(feature_map, images, on_step, needed, hashes)

        def chunk(indices: Indices) -> Chunk:
            each = indices.tolist()
            digests = tuple(hashes.get(i) or photograph_hash(images[i]) for i in each)
            targets = feature_map.targets(images[indices]) if space.targets else None
            return Chunk(rows[indices], digests, targets=targets)

        def chunks() -> Iterator[tuple[str, Chunk]]:
            for done, person in enumerate(people, start=1):
                yield person, chunk(split.train_of([person]))
                if known:
                    on_step(done, len(people), "people")

        held_out = ((person, chunk(split.test_of([person]))) for person in strangers)
        calibration = FeatureStore.of(space, held_out)
        store = FeatureStore.of(space, chunks())
        return cls(feature_map, rule, store.statistics(), store, calibration)

    @property
    def classes(self) -> tuple[str, ...]:
        """Identity ids in the order of the columns of `predict`."""
        return self.head.classes

    @property
    def people(self) -> list[str]:
        """What can be forgotten, in natural order: enrolled identity ids, or names of images."""
        if self.store is not None:
            return self.store.people
        return sorted(self.statistics.classes, key=natural_key)

    @cached_property
    def head(self) -> Head:
        """The readout, solved from the statistics on first use."""
        return self.rule(self.statistics)

    @cached_property
    def strangers(self) -> tuple[float, ...]:
        """Best scores of the calibration photographs, each while its person is left out.

        Raises:
            StatisticsError: The model was saved without its store.
        """
        return stranger_scores(self.rule, self.statistics, *self.parts())

    @property
    def threshold(self) -> float:
        """Below this score: nobody I know. Computed from what the model holds now.

        inf, so that nobody is named, when nobody is left to calibrate on.
        """
        if self.fixed_threshold is not None:
            return self.fixed_threshold
        return threshold_of(self.strangers)

    def predict(self, images: Images) -> NDArray[np.float64]:
        """Scores (n, c) of photographs (n, height, width); `classes` names the columns."""
        return self.score(self.feature_map.rows(images))

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """Scores (n, c) of features on the grid (n, d)."""
        return self.head.scores(self.feature_map.grid.real(rows))

    def parts(self) -> tuple[FeatureStore, FeatureStore]:
        """Store and calibration part.

        Raises:
            StatisticsError: The model was saved without them.
        """
        if self.store is None or self.calibration is None:
            raise StatisticsError(
                "a model with its feature store",
                "one that was saved without",
                "Load the file that was saved with the store; forgetting reads it.",
            )
        return self.store, self.calibration

    def holding(self, statistics: Statistics, people: Iterable[str]) -> "LinearModel":
        """The model with other statistics, whose store and calibration lost some people."""
        store, calibration = self.parts()
        gone = tuple(people)
        return replace(
            self,
            statistics=statistics,
            store=store.drop(gone),
            calibration=calibration.drop(gone),
        )


def all_rows(
    feature_map: FeatureMap,
    images: Images | LazyPhotographs,
    on_step: OnStep = silent,
    only: Indices | None = None,
    hashes: dict[int, str] | None = None,
) -> Rows:
    """Features on the grid of a data set's photographs, (n, d), computed batch by batch.

    Arguments:
        feature_map: Photographs to features.
        images: Photographs, (n, height, width).
        on_step: Told after each batch.
        only: Indices of the photographs that are needed; the rows of the others stay zero.
        hashes: Takes up the SHA-256 of these photographs by index, so that none that has to be
            decoded is decoded twice.
    """
    needed = np.arange(len(images)) if only is None else only
    rows = np.zeros((len(images), feature_map.space.dimension), dtype=np.int16)
    for start in range(0, len(needed), BATCH):
        some = needed[start : start + BATCH]
        shown = images[some]
        rows[some] = feature_map.rows(shown)
        if hashes is not None:
            hashes.update(zip(some.tolist(), map(photograph_hash, shown), strict=True))
        on_step(start + len(some), len(needed), "photographs")
    return rows

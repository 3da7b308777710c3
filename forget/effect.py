"""What a deletion changed: for the people who left, and for everybody else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.data.split import Split
from forget.insiders import insiders
from forget.likeness import TOP, Ranked
from forget.linear.erasing.features import rows_in
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.linear.proof import Proof, prove
from forget.metrics.recognition import Recognition, recognise
from forget.reenrol import recognised_again
from forget.unlearning.contract import Guarantee, Kind
from forget.unlearning.guarantees import guarantee_for

__all__ = ["Effect", "Sighting", "measure_effect"]

ROUNDS = 5
PATIENCE = 0.1  # seconds after which no further round begins


@dataclass(frozen=True)
class Sighting:
    """What two models say about one photograph of somebody who left.

    Arguments:
        photograph: Its index in the data set.
        person: Who is in it.
        before: The five best guesses of the model that knew the person.
        after: The five best guesses of the model that does not.
        said_before: Whom the first model names; None for nobody.
        said_after: Whom the second model names; None for nobody.
    """

    photograph: int
    person: str
    before: Ranked
    after: Ranked
    said_before: str | None
    said_after: str | None


@dataclass(frozen=True, eq=False)
class Effect:
    """A deletion, seen from all sides.

    Arguments:
        people: Who was forgotten, all requests together.
        guarantee: What is promised about them.
        proof: The digests; of a model that suppresses, those of the edited features, which prove
            that nobody else is in its sums and no more.
        seconds: What it cost, by step. "subtract" and "refit from features" both begin with the
            model that knew them all and end with the head solved; medians of up to 5 runs in
            turn, fewer where they are slow.
        threshold: Below it "nobody I know", before and after.
        stranger: Median best score of photographs of people who are not enrolled, after.
        again: Share of the held-out photographs of the forgotten named rightly, in [0, 1]: before,
            and by the new model once they are enrolled again with the same photographs.
        them: The held-out photographs of the forgotten.
        fitted: The photographs of them that the original model was fitted on.
        others: One row per remaining person: `recognised` (held-out photographs named rightly),
            `photographs`, and `score` (mean score for themselves), before and after.
    """

    people: tuple[str, ...]
    guarantee: Guarantee
    proof: Proof
    seconds: dict[str, float]
    threshold: tuple[float, float]
    stranger: float
    again: tuple[float, float]
    them: tuple[Sighting, ...] = field(repr=False)
    fitted: tuple[Sighting, ...] = field(repr=False)
    others: pd.DataFrame = field(repr=False)

    @property
    def suppresses(self) -> bool:
        """Whether the answers changed and nothing was unlearned."""
        return self.guarantee.kind is Kind.NONE

    @property
    def others_recognised(self) -> tuple[float, float]:
        """Share of the others' held-out photographs named rightly, before and after."""
        total = self.others["photographs"].sum()
        before, after = (self.others[f"recognised {when}"].sum() for when in ("before", "after"))
        return float(before / total), float(after / total)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report. The digest of the model that knew them is left out: with
        their features it would prove that they were in it.
        """
        proof = {
            "holds": self.proof.holds,
            "digest_after_subtraction": self.proof.digest,
            "digest_summed_afresh": self.proof.afresh,
            "largest_head_difference": self.proof.head_gap,
        }
        return {
            "suppressed" if self.suppresses else "forgotten": list(self.people),
            "guarantee": {
                "kind": str(self.guarantee.kind),
                "scope": str(self.guarantee.scope),
                "reason": self.guarantee.reason,
            },
            "proof": None if self.suppresses else proof,
            "seconds": self.seconds,
            "threshold": {
                "before": _finite(self.threshold[0]),
                "after": _finite(self.threshold[1]),
            },
            "median_stranger_score": _finite(self.stranger),
            "share_of_their_held_out_photographs_recognised": {
                "before": _finite(self.again[0]),
                "enrolled_again": _finite(self.again[1]),
            },
            "held_out_photographs_of_the_forgotten": [
                {
                    "person": sighting.person,
                    "named_before": sighting.said_before,
                    "named_after": sighting.said_after,
                    "best_before": dict(sighting.before),
                    "best_after": dict(sighting.after),
                }
                for sighting in self.them
            ],
            "others": self.others.to_dict(orient="records"),
        }


def measure_effect(
    before: LinearModel,
    after: LinearModel,
    split: Split,
    rows: Rows,
    promised: Guarantee | None = None,
) -> Effect:
    """Compares the model that knew `split.leaving` with the one that does not.

    Arguments:
        before: The original model.
        after: The model without them.
        split: Held-out photographs, and who left.
        rows: Features on the grid of all photographs in the data set, (n, d).
        promised: What the method promised; by default what exact forgetting promises.
    """
    people = split.leaving
    start = perf_counter()
    strangers = after.strangers
    seconds = {"threshold": perf_counter() - start, **_seconds(before, people)}
    pair = _Pair(before, after, split, rows)
    held_out = pair.sightings(split.test_of(people))
    knew = [sighting.said_before == sighting.person for sighting in held_out]
    return Effect(
        people,
        promised or guarantee_for(before, split, people),
        prove(after),
        seconds,
        (before.threshold, after.threshold),
        float(np.median(strangers)) if strangers else float("nan"),
        (
            float(np.mean(knew)) if knew else float("nan"),
            recognised_again(after, before, split, people, rows),
        ),
        held_out,
        pair.sightings(split.train_of(people)),
        pair.others(),
    )


def _seconds(before: LinearModel, people: Sequence[str]) -> dict[str, float]:
    store, _ = before.parts()

    def subtract() -> None:
        theirs = store.sum_of(people)
        before.rule(before.statistics - theirs)

    def refit() -> None:
        before.rule(store.drop(people).statistics())

    times: dict[str, list[float]] = {"subtract": [], "refit from features": []}
    began = perf_counter()
    while len(times["subtract"]) < ROUNDS and perf_counter() - began < PATIENCE:
        for run, spent in zip((subtract, refit), times.values(), strict=True):
            start = perf_counter()
            run()
            spent.append(perf_counter() - start)
    return {way: median(spent) for way, spent in times.items()}


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two models shown the same photographs; the features are those of the first one's map."""

    before: LinearModel
    after: LinearModel
    split: Split
    rows: Rows

    def seen(self, indices: NDArray) -> Iterator[tuple[LinearModel, NDArray, Recognition]]:
        """Of each model: its scores (n, c) of some photographs, and what they say."""
        labels = [self.split.faces.labels[i] for i in indices]
        for model in (self.before, self.after):
            scores = model.score(self.shown_to(model, indices))
            yield model, scores, recognise(scores, model.classes, labels, model.threshold)

    def shown_to(self, model: LinearModel, indices: NDArray) -> Rows:
        """Features of some photographs, (n, d), by the map of one of both."""
        return rows_in(model.feature_map, self.before.feature_map, self.rows[indices])

    def sightings(self, indices: NDArray) -> tuple[Sighting, ...]:
        """What both say of photographs of people who left."""
        said, ranked = [], []
        for model, scores, seen in self.seen(indices):
            named = zip(seen.who, seen.known, strict=True)
            said.append([who if known else None for who, known in named])
            ranked.append([_ranked(row, model.classes) for row in scores])
        return tuple(
            Sighting(int(i), self.split.faces.labels[i], b, a, sb, sa)
            for i, b, a, sb, sa in zip(indices, *ranked, *said, strict=True)
        )

    def others(self) -> pd.DataFrame:
        """The table of the people who stay."""
        indices = self.split.test_of(self.after.people)
        labels = [self.split.faces.labels[i] for i in indices]
        table = pd.DataFrame({"person": labels, "photographs": 1})
        for when, model in (("before", self.before), ("after", self.after)):
            seen = insiders(model, self.shown_to(model, indices), labels)
            table[f"recognised {when}"] = seen.recognised
            table[f"score {when}"] = seen.own
        sums = {"photographs": "sum", "recognised before": "sum", "recognised after": "sum"}
        means = {"score before": "mean", "score after": "mean"}
        return table.groupby("person", sort=False).agg(sums | means).reset_index()


def _ranked(scores: NDArray[np.float64], classes: Sequence[str]) -> Ranked:
    return tuple((classes[j], float(scores[j])) for j in np.argsort(-scores)[:TOP])


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None

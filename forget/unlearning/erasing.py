"""What all methods share that take people's directions out of every feature."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter

from forget.data.split import Split
from forget.linear.erasing.capacity import capacity
from forget.linear.erasing.eraser import RANK, RIDGE, Eraser
from forget.linear.erasing.features import Erased
from forget.linear.heads import Wccn
from forget.linear.model import LinearModel
from forget.linear.store import Chunk, FeatureStore
from forget.models.checkpoint import TrainingRecord
from forget.progress import OnStep, silent
from forget.unlearning.contract import Guarantee, Kind, Scope, Unlearned, whom

__all__ = ["Erasing"]


@dataclass(frozen=True)
class Erasing(ABC):
    """Suppression: the model cannot recognise the people any more, whoever shows their pictures.

    Features lose the directions that the people live in, before they are stored, summed and
    compared; those of everybody else lose them too. Nothing is unlearned, and the directions that
    were taken out can be read off the result.

    Arguments:
        rank: Directions a person.
    """

    rank: int = RANK

    def __call__(
        self, model: LinearModel, split: Split, seed: int = 0, on_step: OnStep = silent
    ) -> Unlearned:
        """Erases `split.leaving`; needs no randomness: `seed` changes nothing.

        Raises:
            IdentityError: Nobody is to be erased, somebody is not in the model, or nobody stays.
            StatisticsError: The model was saved without its feature store, or no direction would
                be left.
        """
        start = perf_counter()
        store, calibration = model.parts()
        people = whom(model, split)
        features = Erased(model.feature_map, self.eraser(model, people), _record(model))
        kept = _edited(store.drop(people), features, on_step)
        held_out = _edited(calibration.drop(people), features)
        after = LinearModel(features, model.rule, kept.statistics(), kept, held_out)
        room = capacity(model.statistics, self.rank, ridge_of(model))
        detail = {"directions erased": features.eraser.rank, "capacity": asdict(room)}
        return Unlearned(after, _promise(people, split), perf_counter() - start, detail)

    @abstractmethod
    def eraser(self, model: LinearModel, people: Sequence[str]) -> Eraser:
        """What takes the people out of features."""


def ridge_of(model: LinearModel) -> float:
    """The ridge of the within-class whitening that the model itself uses, if it uses one."""
    return model.rule.ridge if isinstance(model.rule, Wccn) else RIDGE


def _record(model: LinearModel) -> TrainingRecord | None:
    """Whose photographs made the eraser: everybody's who is in the sums or made the features."""
    record = model.feature_map.record
    if record is None:
        return None
    store, _ = model.parts()
    theirs = (digest for chunk in store.chunks.values() for digest in chunk.photographs)
    return TrainingRecord(record.people.union(model.people), record.photographs.union(theirs))


def _edited(store: FeatureStore, features: Erased, on_step: OnStep = silent) -> FeatureStore:
    def edited() -> Iterator[tuple[str, Chunk]]:
        for done, person in enumerate(store.people, start=1):
            chunk = store[person]
            yield person, replace(chunk, rows=features.edited(chunk.rows))
            on_step(done, len(store.people), "people")

    return FeatureStore.of(features.space, edited())


def _promise(people: Sequence[str], split: Split) -> Guarantee:
    names = ", ".join(split.faces.title(person) for person in people)
    return Guarantee(
        Kind.NONE,
        Scope.MODEL,
        f"The directions of {names} were taken out of every feature, so that they are not "
        "recognised. Nothing was unlearned.",
        caveat="The eraser is a template: whoever holds the model can read from it whom it hides.",
    )

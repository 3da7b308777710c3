"""The linear part fitted again without some people: what forgetting is compared with."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from forget.data.dataset import FaceDataset, known_identities
from forget.data.split import Split, split_by_identity
from forget.errors import IdentityError
from forget.linear.model import LinearModel
from forget.progress import OnStep, silent
from forget.unlearning.contract import Unlearned
from forget.unlearning.guarantees import guarantee_for

__all__ = ["refit", "refit_method"]


def refit(
    model: LinearModel,
    faces: FaceDataset,
    without: Sequence[str] = (),
    from_photographs: bool = False,
    on_step: OnStep = silent,
) -> LinearModel:
    """Fits the linear part again, on the same feature map, without some people.

    Arguments:
        model: The model to fit again; it stays as it is.
        faces: The photographs.
        without: Identities to leave out.
        from_photographs: Compute every feature again from its photograph. That gives the same
            decisions but not the same bits, because a network's last digits depend on batch size
            and machine; from the stored features the bits are equal too.
        on_step: Told of progress.

    Raises:
        IdentityError: Somebody is not in the model, or nobody would be left.
        StatisticsError: The model was saved without its store and photographs were not asked for.
    """
    people = known_identities(without, model.people) if without else ()
    if len(people) == len(model.people):
        raise IdentityError("somebody to fit", "nobody left", "Keep at least one person.")
    if from_photographs:
        kept = known_identities(set(model.people) - set(people), faces.identities)
        absent = tuple(person for person in faces.identities if person not in kept)
        split = replace(split_by_identity(faces), leaving=absent)
        return LinearModel.fit(model.feature_map, split, model.rule, on_step)
    store, _ = model.parts()
    statistics = store.drop(people).statistics()
    on_step(1, 1)
    return model.holding(statistics, people)


def refit_method(
    model: LinearModel, split: Split, seed: int = 0, on_step: OnStep = silent
) -> Unlearned:
    """Forgets by fitting the linear part again from the stored features of everybody else.

    Needs no randomness: `seed` changes nothing.

    Raises:
        IdentityError: Nobody is to be forgotten, somebody is not in the model, or nobody stays.
        StatisticsError: The model was saved without its feature store.
    """
    start = perf_counter()
    people = known_identities(split.leaving, model.people)
    after = refit(model, split.faces, people, on_step=on_step)
    return Unlearned(after, guarantee_for(model, split, people), perf_counter() - start)

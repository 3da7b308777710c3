"""Forgetting as a subtraction: the method this project exists for."""

from time import perf_counter

from forget.data.partition import Partition
from forget.data.split import Split
from forget.linear.model import LinearModel
from forget.progress import OnStep, silent
from forget.unlearning.contract import Unlearned, whom
from forget.unlearning.guarantees import guarantee_for

__all__ = ["subtract"]


def subtract(
    model: LinearModel, split: Split | Partition, seed: int = 0, on_step: OnStep = silent
) -> Unlearned:
    r"""Subtracts people's rows from the sums that the model is a function of.

    .. math:: S(all) - \sum_{p \in forget} S(p) = S(all \setminus forget) \quad \text{bit for bit}

    Costs k d^2 for k photographs of dimension d, and one factorisation when the head is first
    used, whatever the number of people enrolled. Needs no randomness: `seed` changes nothing.

    Raises:
        IdentityError: Nobody is to be forgotten, somebody is not in the model, or nobody stays.
        StatisticsError: The model was saved without its feature store.
    """
    start = perf_counter()
    store, _ = model.parts()
    people = whom(model, split)
    theirs = store.sum_of(people, on_step)
    after = model.holding(model.statistics - theirs, people)
    guarantee = guarantee_for(model, split, people)
    return Unlearned(after, guarantee, perf_counter() - start, {"rows subtracted": theirs.count})

"""Can a stranger tell what a model was trained on? The benchmark's attack, and its score."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from forget.errors import ForgetError

__all__ = ["FEWEST", "LossAttack", "loss_attack", "nomus"]

SPLITS = 10
SURPLUS = 0.05  # non-members beyond the number of members that are let be; the benchmark has 0.003
FEWEST = 10  # images a side: each of the ten splits tests on a tenth, at least one of each kind


@dataclass(frozen=True, eq=False)
class LossAttack:
    """What the attack achieved.

    Arguments:
        accuracies: Share of held-out images told rightly, in [0, 1], one for each of 10 splits.
        threshold: The loss, nats, at which the attacker is undecided when fitted on all images;
            None where the loss tells nothing.
    """

    accuracies: NDArray[np.float64] = field(repr=False)
    threshold: float | None

    @property
    def accuracy(self) -> float:
        """Mean over the splits; 0.5 is guessing. Read it against the retrained model's."""
        return float(self.accuracies.mean())

    @property
    def gap(self) -> float:
        """Distance of the accuracy from guessing, in [0, 0.5]."""
        return abs(self.accuracy - 0.5)


def loss_attack(
    members: NDArray[np.floating], non_members: NDArray[np.floating], seed: int = 0
) -> LossAttack:
    """Membership inference from the loss, as the MUFAC benchmark does it.

    Logistic regression on the cross-entropy of each image, 10 stratified shuffle splits with
    random state 0 that hold out a tenth; the members are shuffled with seed 42 and cut to the
    number of non-members first. Beyond the benchmark, which has about as many of both: where
    non-members outnumber members by more than a twentieth, they are shuffled and cut likewise,
    since otherwise always saying "not a member" would look like an attack.

    References:
        | Towards Machine Unlearning Benchmarks: Forgetting the Personal Identities in Facial
        | Recognition Systems (Choi and Na, 2023), following the NeurIPS 2023 unlearning challenge

    Arguments:
        members: Losses of images that were to be forgotten, (m,), nats.
        non_members: Losses of images like them that were never trained on, (n,), nats.
        seed: Added to the benchmark's random states.

    Raises:
        ForgetError: Fewer than 10 losses on a side, or a loss that is not finite.
    """
    for name, losses in (("members", members), ("non-members", non_members)):
        finite = int(np.isfinite(losses).sum())
        if finite < len(losses) or finite < FEWEST:
            raise ForgetError(
                f"at least {FEWEST} finite losses of {name}",
                f"{finite} finite of {len(losses)}",
                "Attack a larger set, or mend the model: a loss that is not finite is broken.",
            )
    shuffled, others = (np.array(losses, dtype=np.float64) for losses in (members, non_members))
    random = np.random.RandomState(42 + seed)
    random.shuffle(shuffled)
    shuffled = shuffled[: len(others)]
    if len(others) > (1 + SURPLUS) * len(shuffled):
        random.shuffle(others)
        others = others[: len(shuffled)]
    losses = np.concatenate([others, shuffled]).reshape(-1, 1)
    member = np.repeat([0, 1], [len(others), len(shuffled)])
    splits = StratifiedShuffleSplit(n_splits=SPLITS, random_state=seed)
    accuracies = cross_val_score(
        LogisticRegression(), losses, member, cv=splits, scoring="accuracy"
    )
    attacker = LogisticRegression().fit(losses, member)
    slope, offset = float(attacker.coef_[0, 0]), float(attacker.intercept_[0])
    return LossAttack(accuracies, -offset / slope if abs(slope) > 1e-9 else None)


def nomus(test_accuracy: float, attack_accuracy: float) -> float:
    r"""The benchmark's score, in [0, 1].

    .. math:: \tfrac12 acc(test) + \tfrac12 (1 - 2 |MIA - \tfrac12|)

    It rewards more than forgetting: methods score above the model that was trained again without
    the images, whose attack accuracy is not exactly one half either. Read it beside that model's.
    """
    return 0.5 * test_accuracy + 0.5 * (1 - 2 * abs(attack_accuracy - 0.5))

"""How well a score tells two groups of images apart: members from others, mostly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, rankdata
from sklearn.metrics import roc_curve

from forget.errors import ForgetError

__all__ = [
    "FEW_GROUPS",
    "Detection",
    "auc",
    "bootstrap",
    "chance_half_width",
    "checked_scores",
    "detect",
    "epsilon",
    "tpr_at",
    "worst_case",
]

Reals = NDArray[np.float64]
LOW = (1e-3, 1e-2, 0.1)  # false positive rates at which the true ones are told
ENDLESS = 1e300  # stands for an infinite score
ROUNDS = 1000  # of the bootstrap
FEW_GROUPS = 5  # such as people, below which what is in them is drawn again as well


@dataclass(frozen=True, eq=False)
class Detection:
    """What a score achieves.

    Arguments:
        auc: Probability that a member scores above another one, ties counted half; 0.5 is
            guessing.
        interval: Of it, 95 % unless told otherwise.
        tpr: Share of members found, by false positive rate; nan where there are too few others
            for such a rate.
        members: Scores of members, (m,).
        others: Scores of the others, (n,).
    """

    auc: float
    interval: tuple[float, float]
    tpr: dict[float, float]
    members: Reals = field(repr=False)
    others: Reals = field(repr=False)

    @classmethod
    def of(cls, members: Reals, others: Reals, interval: tuple[float, float]) -> "Detection":
        """What scores (m,) and (n,), checked already, achieve; the interval is another's work."""
        tpr = {rate: tpr_at(members, others, rate) for rate in LOW}
        return cls(auc(members, others), interval, tpr, members, others)

    @property
    def scored(self) -> bool:
        """Whether every image has a score: none is infinite, as where nobody is enrolled."""
        return all(bool((np.abs(one) < ENDLESS).all()) for one in (self.members, self.others))

    @property
    def curve(self) -> tuple[Reals, Reals]:
        """False and true positive rates at every threshold, from (0, 0) to (1, 1)."""
        false, true, _ = roc_curve(*_joined(self.members, self.others))
        return false, true


def detect(
    members: NDArray[np.floating],
    others: NDArray[np.floating],
    member_people: Sequence[str] | None = None,
    other_people: Sequence[str] | None = None,
    seed: int = 0,
    share: float = 0.95,
) -> Detection:
    """Judges a score.

    Arguments:
        members: Scores, (m,); higher means member.
        others: Scores, (n,).
        member_people: Who is on each; by default everybody is somebody else.
        other_people: The same of the others.
        seed: Of the bootstrap.
        share: Of the interval.

    Raises:
        ForgetError: Nobody on a side, or scores that are no numbers.
    """
    inside, outside = (checked_scores(one) for one in (members, others))
    groups = [
        np.arange(len(scores)) if people is None else np.unique(people, return_inverse=True)[1]
        for scores, people in ((inside, member_people), (outside, other_people))
    ]
    interval = bootstrap(auc, (inside, outside), groups, seed, share=share)
    return Detection.of(inside, outside, interval)


def auc(members: Reals, others: Reals) -> float:
    """Area under the curve, in [0, 1]; ties count half (Mann and Whitney's statistic)."""
    member, scores = _joined(members, others)
    m, n = int(member.sum()), int((member == 0).sum())
    return float((rankdata(scores)[member == 1].sum() - m * (m + 1) / 2) / (m * n))


def tpr_at(members: Reals, others: Reals, rate: float) -> float:
    """Share of members above the lowest threshold that at most `rate` of the others exceed.

    nan where one of the others alone is a larger share.
    """
    if len(others) * rate < 1:
        return float("nan")
    allowed = int(np.floor(rate * len(others) + 1e-9))
    threshold = np.sort(others)[len(others) - allowed - 1] if allowed < len(others) else -np.inf
    return float((members > threshold).mean())


def chance_half_width(members: int, others: int, deviations: float = 1.96) -> float:
    r"""How far from one half the AUC of a score that tells nothing is, without ties.

    .. math:: z \sqrt{\frac{m + n + 1}{12 \, m \, n}}

    References:
        | On a test of whether one of two random variables is stochastically larger than the other
          (Mann and Whitney, 1947)
    """
    return float(deviations * np.sqrt((members + others + 1) / (12 * members * others)))


def bootstrap(
    statistic: Callable[..., float],
    samples: Sequence[Reals],
    groups: Sequence[NDArray[np.integer]],
    seed: int = 0,
    rounds: int = ROUNDS,
    share: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of a statistic, by drawing whole groups again, such as people.

    Photographs of one person are alike, so drawing photographs would promise too much. Of fewer
    than five people the photographs are drawn again as well, since all of one person's would be
    there every time; it is an interval of these people then, not of people.

    Arguments:
        statistic: Of the samples.
        samples: Values, each (n,) or (n, k).
        groups: The group of each value, from 0, (n,).
        seed: Of the draws.
        rounds: How many.
        share: Of the draws inside the interval.
    """
    draw = np.random.default_rng(seed)
    members = [
        [np.flatnonzero(one == group) for group in range(int(one.max()) + 1)] for one in groups
    ]
    found = np.empty(rounds)
    for k in range(rounds):
        again = []
        for values, places in zip(samples, members, strict=True):
            chosen = [places[i] for i in draw.integers(len(places), size=len(places))]
            if len(places) < FEW_GROUPS:
                chosen = [draw.choice(one, len(one)) for one in chosen]
            again.append(values[np.concatenate(chosen)])
        found[k] = statistic(*again)
    tail = (1 - share) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return float(low), float(high)


def epsilon(false_positive: float, false_negative: float, delta: float = 0.0) -> float:
    r"""The privacy loss that an attack with these error rates shows.

    .. math:: \max \left( \log \frac{1 - \delta - FPR}{FNR}, \log \frac{1 - \delta - FNR}{FPR}, 0
              \right)

    References:
        | The Composition Theorem for Differential Privacy (Kairouz, Oh and Viswanath, 2015)
    """
    rates = np.clip([false_positive, false_negative], 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = [np.log((1 - delta - a) / b) for a, b in (rates, rates[::-1])]
    return float(max([0.0, *(way for way in ways if not np.isnan(way))]))


def worst_case(members: Reals, others: Reals, seed: int = 0, confidence: float = 0.95) -> float:
    """The epsilon that the best threshold shows with some confidence.

    The threshold is chosen on one half and its error rates bounded on the other (Clopper and
    Pearson), since a threshold looks too good on what it was chosen on.

    Arguments:
        members: Scores, (m,), at least 2.
        others: Scores, (n,), at least 2.
        seed: Of the halves.
        confidence: Of both bounds together.
    """
    draw = np.random.default_rng(seed)
    halves = []
    for scores in (checked_scores(members), checked_scores(others)):
        if len(scores) < 2:
            raise ForgetError("at least 2 scores on each side", f"{len(scores)}", "Take more.")
        mixed = draw.permutation(scores)
        halves.append((mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]))
    (choose_in, test_in), (choose_out, test_out) = halves
    tail = (1 - confidence) / 2
    levels = np.unique(np.concatenate([choose_in, choose_out]))
    shown = [_bounded(choose_in, choose_out, threshold, tail) for threshold in levels]
    return _bounded(test_in, test_out, levels[int(np.argmax(shown))], tail)


def _bounded(members: Reals, others: Reals, threshold: float, tail: float) -> float:
    """The epsilon of a threshold, by upper bounds of both error rates."""
    rates = []
    for wrong, of in (
        (int((others >= threshold).sum()), len(others)),
        (int((members < threshold).sum()), len(members)),
    ):
        rates.append(1.0 if wrong == of else float(beta.ppf(1 - tail, wrong + 1, of - wrong)))
    return epsilon(*rates)


def _joined(members: Reals, others: Reals) -> tuple[NDArray[np.int64], Reals]:
    inside, outside = (checked_scores(one) for one in (members, others))
    return np.repeat([1, 0], [len(inside), len(outside)]), np.concatenate([inside, outside])


def checked_scores(values: NDArray[np.floating]) -> Reals:
    """Scores (n,) as float64, infinite ones made finite: 1e300 and -1e300.

    Raises:
        ForgetError: None at all, another shape, or one that is no number.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores) or np.isnan(scores).any():
        raise ForgetError(
            "scores (n,), at least one, all of them numbers",
            f"shape {scores.shape}, {int(np.isnan(scores).sum())} not a number",
            "Leave out what the model cannot answer, and say so.",
        )
    return np.clip(scores, -ENDLESS, ENDLESS)

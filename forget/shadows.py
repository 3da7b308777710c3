"""U-LiRA for any contender: worlds that learned images and forgot them, beside ones without.

A method is attacked, not one result of it: each pair of worlds trains networks of its own on
another half of the images that stay.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from lightning_fabric import Fabric
from numpy.typing import NDArray
from scipy.special import log_softmax

from forget.contenders import READY, STANDARD, Contender, Trial, never_learned
from forget.data.partition import Partition, thinned
from forget.errors import ForgetError
from forget.metrics.detection import Detection
from forget.metrics.lira import LEAST_PAIRS, attack_pairs
from forget.metrics.report import published_attack
from forget.metrics.signals import signals
from forget.networks import train_networks
from forget.problems import Problem
from forget.progress import OnStep, silent, within

__all__ = ["Shadow", "attack_shadows", "cast_shadows", "summary"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shadow:
    """What a pair of worlds says of the images to forget.

    Arguments:
        learned: Margin of each image where it was learned and forgotten, (n,).
        never: Where it was never learned from, (n,).
        attack: Accuracy of the MUFAC benchmark's attack on the world that forgot.
        attack_never: On the one that never learned.
    """

    learned: Reals = field(repr=False)
    never: Reals = field(repr=False)
    attack: float
    attack_never: float

    def save(self, path: Path) -> None:
        """Writes it atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            np.savez(
                file,
                learned=self.learned,
                never=self.never,
                attacks=np.array([self.attack, self.attack_never]),
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Shadow":
        """Reads what `save` wrote.

        Raises:
            ForgetError: Another kind of file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                learned, never, attacks = (file[name] for name in ("learned", "never", "attacks"))
        except (OSError, ValueError, KeyError) as error:
            raise ForgetError(f"a pair of shadows in {path}", str(error), "Delete it.") from error
        return cls(learned, never, float(attacks[0]), float(attacks[1]))


def cast_shadows(
    problem: Problem,
    split: Partition,
    wanted: Mapping[str, Contender],
    pairs: int,
    fabric: Fabric,
    folder: Path,
    networks: Path | None = None,
    on_step: OnStep = silent,
) -> dict[str, list[Shadow]]:
    """Makes pairs of worlds, and in each lets every contender forget.

    Arguments:
        problem: Network and recipe.
        split: The images.
        wanted: Contenders by name.
        pairs: How many.
        fabric: Where.
        folder: Keeps what was found, a file per contender and pair; these are not made again.
        networks: Keeps networks; None keeps none.
        on_step: Told of pairs and contenders.

    Raises:
        ForgetError: Fewer than 3 pairs.
    """
    if pairs < LEAST_PAIRS:
        raise ForgetError(f"at least {LEAST_PAIRS} pairs of shadows", f"{pairs}", "Ask for more.")
    total, found = pairs * len(wanted), {name: [] for name in wanted}
    asked = np.union1d(split.forget, split.unseen)
    for number in range(pairs):
        world, trained = thinned(split, 0.5, number), None
        reference: NDArray | None = None  # what it says, read once for all methods
        for place, (name, contender) in enumerate(wanted.items()):
            path = folder / f"{name}-{number}.npz"
            if path.is_file():
                found[name].append(Shadow.load(path))
                continue
            done = number * len(wanted) + place
            told = within(on_step, done, total, f"pair {number + 1} of {pairs}, {name}")
            if trained is None:
                share = 0.5 if READY in wanted else 0.0
                trained = train_networks(problem, world, number, fabric, share, told, networks)
            trial = Trial(trained, world, asked, fabric, number, told)
            forgot = contender(trial).logits
            if name in (STANDARD, READY):
                never = never_learned(name, trial)
            else:
                if reference is None:
                    reference = trial.logits(trained.reference)
                never = reference
            shadow = _shadow(world, forgot, never)
            shadow.save(path)
            found[name].append(shadow)
            on_step(done + 1, total, f"pair {number + 1} of {pairs}, {name}")
    return found


def attack_shadows(
    shadows: Sequence[Shadow], people: Sequence[str] | None = None, share: float = 0.95
) -> Detection:
    """Attacks each pair with the Gaussians of all others, see `forget.metrics.lira.attack_pairs`.

    Arguments:
        shadows: Pairs, at least 3.
        people: Who is on each image, for the interval; by default everybody is somebody else.
        share: Of the interval.
    """
    learned, never = (
        np.stack([getattr(one, name) for one in shadows]) for name in ("learned", "never")
    )
    return attack_pairs(learned, never, people, share)


def summary(
    shadows: Mapping[str, Sequence[Shadow]], people: Sequence[str] | None = None
) -> pd.DataFrame:
    """A row per contender: the attack by shadows beside the published one.

    "auc", "low" and "high" (95 %, over worlds and people), "tpr 0.01", and the mean margin (the
    logit of the right class's probability) of what forgot, "margin", and of what never learned,
    "margin, never learned", all nan where a model broke; "published" and "published, never
    learned": accuracy of the benchmark's attack, mean over worlds; "pairs".
    """
    rows = []
    for name, found in shadows.items():
        whole = all(np.isfinite([*one.learned, *one.never]).all() for one in found)
        row: dict[str, object] = {"method": name}
        if whole:
            one = attack_shadows(found, people)
            low, high = one.interval
            row |= {"auc": one.auc, "low": low, "high": high, "tpr 0.01": one.tpr[0.01]}
            row["margin"] = float(np.mean([pair.learned for pair in found]))
            row["margin, never learned"] = float(np.mean([pair.never for pair in found]))
        row["published"] = float(np.mean([one.attack for one in found]))
        row["published, never learned"] = float(np.mean([one.attack_never for one in found]))
        rows.append(row | {"pairs": len(found)})
    return pd.DataFrame(rows)


def _shadow(world: Partition, forgot: NDArray, never: NDArray) -> Shadow:
    labels, sets = world.data.labels, world.sets
    margins = [_margins(logits[world.forget], labels[world.forget]) for logits in (forgot, never)]
    return Shadow(*margins, *(published_attack(one, labels, sets) for one in (forgot, never)))


def _margins(logits: NDArray, labels: NDArray) -> Reals:
    """Nan where a model broke, whose logits are no numbers."""
    if not np.isfinite(logits).all():
        return np.full(len(labels), np.nan)
    return signals(log_softmax(logits.astype(np.float64), axis=1), labels)["margin"]

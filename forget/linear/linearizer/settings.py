"""How the two maps of a Linearizer are built and trained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from forget.errors import ForgetError
from forget.linear.linearizer.checks import is_real, is_whole
from forget.linear.linearizer.features import LEVELS

__all__ = ["LinearizerSettings"]

MOST_SEED = 10**15  # blocks multiply it by 1,000; generators take 64 bits
BOUNDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "dimension": (lambda n: is_whole(n, 1), "a whole number from 1"),
    "rate": (lambda rate: is_real(rate) and rate > 0, "a number above 0"),
    "warm": (lambda share: is_real(share) and 0 <= share <= 1, "a share from 0 to 1"),
    "every": (lambda n: is_whole(n, 1), "a whole number from 1"),
    "bank": (lambda n: is_whole(n, 2), "a whole number from 2"),
    "ridge": (lambda ridge: is_real(ridge) and ridge > 0, "a number above 0"),
    "latent": (lambda weight: is_real(weight) and weight >= 0, "a number from 0"),
    "noise": (lambda size: is_real(size) and size >= 0, "a number from 0"),
    "seed": (
        lambda n: is_whole(n, 0) and n <= MOST_SEED,
        f"a whole number from 0 to {MOST_SEED:,}",
    ),
}


@dataclass(frozen=True)
class LinearizerSettings:
    """How the two maps are built and trained.

    Arguments:
        level: "embedding": from one view's embedding to the teacher's; "image": from the image.
        couplings: Of each map between vectors, from 1 to 8.
        kind: Of the couplings: "additive", whose inverse is as exact far from the core as near
            it, or "affine".
        keep: Channels after each halving of an image; () for the usual ones, `KEEP`.
        dimension: Latent numbers of an image.
        rate: Highest learning rate of AdamW.
        warm: Share of the steps in which it rises; then it falls to 0.
        every: Steps between two solutions of the operator.
        bank: Images that the operator is solved on, and the gauge in the end.
        ridge: Of that solution and of the gauge, relative to the mean eigenvalue; above 0.
        latent: Weight of the error between latents.
        noise: Size of the latent noise under which the inverse must stay near, in standard
            deviations; its error has the same weight.
        seed: Of the weights and of the noise.

    Raises:
        ForgetError: A setting out of its bounds.
    """

    level: str = "embedding"
    couplings: int = 4
    kind: str = "additive"
    keep: tuple[int, ...] = ()
    dimension: int = 512
    rate: float = 2e-3
    warm: float = 0.2
    every: int = 20
    bank: int = 2_048
    ridge: float = 1e-2
    latent: float = 0.1
    noise: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            known = " or ".join(repr(level) for level in LEVELS)
            raise ForgetError(f"the level {known}", repr(self.level), "Choose one of them.")
        for name, (fits, words) in BOUNDS.items():
            if not fits(value := getattr(self, name)):
                raise ForgetError(f"{words} as `{name}`", repr(value), "Correct the settings.")

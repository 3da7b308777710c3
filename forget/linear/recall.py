"""What a model holds of a person, drawn as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky

from forget.data.dataset import Images
from forget.errors import PhotographError
from forget.linear.backbone import Backbone, FaceNetwork
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.model import LinearModel
from forget.linear.statistics import Statistics
from forget.runtime import one_blas_thread

__all__ = [
    "Drawer",
    "InverseDrawer",
    "PixelDecoder",
    "average",
    "held",
    "main_directions",
    "shares",
]

Reals = NDArray[np.float64]
# Of the decoder, relative to the mean squared length of a feature: with less of it, core people
# who are left out of the fit are drawn worse.
RIDGE = 1.0
# Errors of drawings, as a share of the average face's: from this on they are hardly smaller.
HARDLY = 0.9


class Drawer(Protocol):
    """Draws features."""

    @property
    def says(self) -> str:
        """What draws, in words."""
        ...

    def __call__(self, features: Reals) -> Images:
        """Pictures (n, height, width) or (n, height, width, 3), uint8, of real features (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class PixelDecoder:
    r"""The best linear guess at a photograph from its feature.

    .. math:: x = \bar x + B (z - \bar z), \quad
              B = \arg\min \sum_i |x_i - \bar x - B (z_i - \bar z)|^2 + \rho |B|^2

    It is fitted on core photographs only, so it knows nobody else's face: what it draws of
    somebody else comes from the feature.

    Arguments:
        centre: Mean feature of the core, (d,).
        picture: Mean photograph of the core, (height, width) or (height, width, 3).
        weights: B, (height * width, d), or three times as many rows.
        errors: Root mean square error, levels of 255, of drawings of core people, each left out
            of the fit in turn: of the decoder, and of the others' mean photograph in its stead.
    """

    centre: Reals = field(repr=False)
    picture: Reals = field(repr=False)
    weights: Reals = field(repr=False)
    errors: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def says(self) -> str:
        """What draws, and how well."""
        drawn = "drawn by a linear decoder that was fitted on core people alone. "
        if np.isnan(self.errors[0]):
            return f"{drawn}How well it draws others was not measured: it was fitted on one person"
        return drawn + _how_well("of core people whom it was not fitted on", *self.errors)

    @classmethod
    def fit(cls, features: Reals, images: Images, labels: Sequence[str]) -> "PixelDecoder":
        """Fits the decoder, and judges it on each person when fitted on the others.

        Arguments:
            features: Real features of core photographs, (n, d).
            images: The photographs, (n, height, width) or (n, height, width, 3).
            labels: Who is on each, n ids.

        Raises:
            PhotographError: None, or not one feature and one label for each.
        """
        if not len(images) or not len(images) == len(features) == len(labels):
            raise PhotographError(
                "core photographs, each with its feature and a label",
                f"{len(images)} photographs, {len(features)} features, {len(labels)} labels",
                "Give all three of the same people.",
            )
        return replace(cls._solve(features, images), errors=_judged(features, images, labels))

    def leaving_out(
        self, features: Reals, images: Images, labels: Sequence[str], label: str
    ) -> "PixelDecoder":
        """The decoder fitted on the rest of the same photographs; it was judged in this way too.

        So it draws a core person from the feature alone, as it draws everybody else.

        Arguments:
            features: As for `fit`.
            images: As for `fit`.
            labels: As for `fit`.
            label: Whose photographs it must not see; somebody else has to be there.
        """
        others = np.asarray(labels) != label
        return replace(self._solve(features[others], images[others]), errors=self.errors)

    @classmethod
    def _solve(cls, features: Reals, images: Images) -> "PixelDecoder":
        pixels = images.reshape(len(images), -1).astype(np.float64)
        centre, picture = features.mean(0), pixels.mean(0)
        z, x = features - centre, pixels - picture
        ridge = RIDGE * max(float((z**2).sum(1).mean()), np.finfo(np.float64).tiny)
        with one_blas_thread():  # few photographs: the dual problem is the smaller one
            factor = cholesky(z @ z.T + ridge * np.eye(len(z)), lower=True)
            weights = (z.T @ cho_solve((factor, True), x)).T
        return cls(centre, picture.reshape(images.shape[1:]), weights)

    def __call__(self, features: Reals) -> Images:
        """Pictures of the shape of the photographs, of real features (n, d)."""
        pixels = self.picture.ravel() + (features - self.centre) @ self.weights.T
        return _to_bytes(pixels.reshape(len(features), *self.picture.shape))


@dataclass(frozen=True, eq=False)
class InverseDrawer:
    r"""The model's own inverse: what of a feature its operator lets through, as an image.

    .. math:: x = g_x^+ (A^+ A z)

    Arguments:
        model: With a Linearizer of images.
        size: Height and width of the pictures, which the latents have extended.
        errors: Root mean square error, levels of 255, of drawings of photographs, and of the
            mean of everybody else's in their stead; nan where nobody measured it.
    """

    model: LinearModel
    size: tuple[int, int]
    errors: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def says(self) -> str:
        """What draws, and how well."""
        drawn = "drawn by the model's own inverse"
        if np.isnan(self.errors[0]):
            return drawn
        return f"{drawn}. {_how_well('of photographs that it is shown', *self.errors)}"

    def judged(self, images: Images, labels: Sequence[str]) -> "InverseDrawer":
        """The same with its errors on photographs; of one person alone they are not measured.

        Arguments:
            images: Photographs, (n, height, width) or (n, height, width, 3).
            labels: Who is on each, n ids.
        """
        others = _by_others(labels)
        if not others:
            return self
        latents: LinearizerFeatures = self.model.feature_map  # type: ignore[assignment]
        read = latents.backbone.prepare(images).double()
        seen = _levels(latents.backbone, read).numpy()
        drawn = self(latents.features(images).astype(np.float64))
        squares = [
            [((one - seen[theirs]) ** 2).mean() for one in (drawn[theirs], seen[rest].mean(0))]
            for theirs, rest in others
        ]
        counts = [np.count_nonzero(theirs) for theirs, _ in others]
        return replace(self, errors=_root_mean(squares, counts))

    def __call__(self, features: Reals) -> Images:
        """Pictures (n, height, width), or (n, height, width, 3), of real features (n, d)."""
        latents: LinearizerFeatures = self.model.feature_map  # type: ignore[assignment]
        f = latents.linearizer(self.model.head)
        z = torch.from_numpy(features).float()
        with torch.inference_mode():
            seen = z @ f.operator.T @ torch.linalg.pinv(f.operator).T
            found = f.g_x.inverse(seen)[..., : self.size[0], : self.size[1]]
        return _to_bytes(_levels(latents.backbone, found.double()).numpy())


def _levels(backbone: Backbone, view: torch.Tensor) -> torch.Tensor:
    """Grey levels (n, height, width), or (n, height, width, 3), of what a network reads."""
    if isinstance(backbone, FaceNetwork):
        return backbone.backbone.convention.levels(view)
    return 255 * (view[:, 0] if view.shape[1] == 1 else view.movedim(1, -1))


def _judged(features: Reals, images: Images, labels: Sequence[str]) -> tuple[float, float]:
    squares, counts = [], []
    for theirs, rest in _by_others(labels):
        decoder = PixelDecoder._solve(features[rest], images[rest])
        drawn = decoder(features[theirs]).astype(np.float64)
        squares.append([((one - images[theirs]) ** 2).mean() for one in (drawn, decoder.picture)])
        counts.append(np.count_nonzero(theirs))
    return _root_mean(squares, counts)


def _by_others(labels: Sequence[str]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Each person's photographs and everybody else's, (n,) each; none of a single person."""
    who = np.asarray(labels)
    people = sorted(set(labels))
    return [(who == one, who != one) for one in people] if len(people) > 1 else []


def _root_mean(squares: Sequence[Sequence[float]], counts: Sequence[int]) -> tuple[float, float]:
    """Roots of two mean squares over people, weighted by their photographs; nan of nobody."""
    if not counts:
        return float("nan"), float("nan")
    ours, plain = np.sqrt(np.average(squares, axis=0, weights=counts))
    return float(ours), float(plain)


def _how_well(whose: str, ours: float, plain: float) -> str:
    off = f"{whose} its drawings are off by {ours:.1f} levels of 255"
    if ours < HARDLY * plain:
        return f"It hints, no more: {off}, where the average face is off by {plain:.1f}"
    better = "hardly" if ours < plain else "no"
    return (
        f"Take it as an illustration: {off}, {better} better than the average face, which is off "
        f"by {plain:.1f}"
    )


def held(statistics: Statistics, person: str) -> Reals | None:
    """The mean feature (d,) that a model holds of a person; None if it holds nothing."""
    sums = statistics.classes.get(person)
    if sums is None:
        return None
    return _real(statistics, sums.total / sums.count)


def average(statistics: Statistics) -> Reals:
    """The mean feature (d,) of all rows: what is left to say of somebody unknown."""
    total = sum(sums.total for sums in statistics.classes.values())
    return _real(statistics, total / max(statistics.count, 1))


def main_directions(rows: Reals, most: int) -> Reals:
    """The main directions (r, d), orthonormal, of one person's features (n, d), uncentred."""
    with one_blas_thread():
        return np.linalg.svd(rows, full_matrices=False)[2][:most]


def shares(statistics: Statistics, rows: Reals, directions: Reals) -> Reals:
    r"""How much of what a model holds along some directions is one person's, (r,), in [0, 1].

    .. math:: |Z v|^2 / v^T G v

    Arguments:
        statistics: The sums, with the person in them.
        rows: Those of the person's features that are in the sums, Z (n, d); none gives 0.
        directions: Unit vectors v, (r, d).
    """
    step = statistics.space.grid.scale / 2**statistics.space.grid.bits
    gram = statistics.gram * step**2
    whole = np.einsum("rd,de,re->r", directions, gram, directions)
    theirs = ((rows @ directions.T) ** 2).sum(0)
    return theirs / np.maximum(whole, np.finfo(np.float64).tiny)


def _real(statistics: Statistics, total: Reals) -> Reals:
    grid = statistics.space.grid
    return total * (grid.scale / 2**grid.bits)


def _to_bytes(pixels: Reals) -> Images:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)

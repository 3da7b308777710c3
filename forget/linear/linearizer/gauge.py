"""An invertible map in coordinates that are fixed: white on the core."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from forget.errors import ForgetError
from forget.linear.linearizer.algebra import Latent

__all__ = ["Gauge"]

ENOUGH = 4  # core latents for each of their numbers, from which on their covariance is believed
SHRINKING = 0.1  # on ORL: with less, added people's latents are clipped; with more, all are small


@dataclass(frozen=True, eq=False)
class Gauge:
    r"""A map followed by constants that make its latents white on the core.

    .. math:: z = T (g(x) - \mu), \quad T = (\Sigma + (\rho + \sigma) \bar\lambda I)^{-1/2}, \quad
              \sigma = 0.1 \max(0, d / n - 1 / 4)

    (M g, A M^{-1}) is the same Linearizer for every invertible M: without a rule for M, singular
    values of A mean nothing. Here latents of the core have mean 0 and covariance near I, so the
    singular values of a regression are canonical correlations, in [0, 1] up to the ridge. A small
    core shows no variance in directions in which others vary: sigma keeps their latents within
    the grid.

    Arguments:
        g: The map.
        mean: mu, (d,).
        whitener: T, (d, d).
        clipped: Share of the core's latents that lie outside of the grid, for the record.
    """

    g: Latent
    mean: Tensor = field(repr=False)
    whitener: Tensor = field(repr=False)
    clipped: float = 0.0

    @classmethod
    def fit(cls, g: Latent, latents: Tensor, ridge: float = 1e-2) -> "Gauge":
        """The gauge of a map on latents of core photographs.

        Arguments:
            g: The map.
            latents: What it makes of the core, (n, d).
            ridge: rho, relative to the mean eigenvalue of the covariance; above 0, so that
                directions in which the core does not vary stay finite.

        Raises:
            ForgetError: Fewer than 2 latents, a ridge that is not above 0, or latents that do not
                differ or are not finite.
        """
        if len(latents) < 2 or not 0 < ridge < float("inf"):
            got = f"{len(latents)} latents, ridge {ridge}"
            raise ForgetError("at least 2 core latents and a ridge above 0", got, "Add some.")
        wide = latents.detach().double()
        mean, spread = wide.mean(0), wide.var(0).mean()
        rounding = torch.finfo(latents.dtype).eps * wide.abs().max()
        if not rounding**2 < spread < float("inf"):  # nor if either is no number
            raise ForgetError(
                "finite core latents that differ",
                f"{len(latents)} with the variance {spread:.1e}",
                "Take photographs of different people, and check the weights of the map.",
            )
        values, vectors = torch.linalg.eigh(torch.cov(wide.T))
        n, d = latents.shape
        shrunk = ridge + SHRINKING * max(0.0, d / n - 1 / ENOUGH)
        root = (values.clamp(min=0) + shrunk * spread).sqrt()
        whitener = (vectors / root) @ vectors.T
        return cls(g, mean.to(latents.dtype), whitener.to(latents.dtype))

    @property
    def bijective(self) -> bool:
        """Whether the map is."""
        return self.g.bijective

    @property
    def output_dimension(self) -> int:
        """Length of a latent, d."""
        return len(self.mean)

    def __call__(self, x: Tensor) -> Tensor:
        """White latents (n, d) of points (n, ...)."""
        return (self.g(x) - self.mean) @ self.whitener

    def inverse(self, latents: Tensor) -> Tensor:
        """Points (n, ...) of white latents (n, d)."""
        return self.g.inverse(latents @ self._colourer + self.mean)

    @cached_property
    def _colourer(self) -> Tensor:
        """The inverse of the whitener as it is stored: one that was rounded by itself is none."""
        with torch.inference_mode(False):  # else gradients could not pass through it later
            return torch.linalg.inv(self.whitener.double()).to(self.whitener.dtype)

    def to(self, dtype: torch.dtype) -> "Gauge":
        """A copy that computes in another precision.

        Raises:
            ForgetError: The map is none that can be copied so.
        """
        if not isinstance(self.g, nn.Module):
            raise ForgetError("a map of torch modules", type(self.g).__name__, "Convert it first.")
        copied = deepcopy(self.g).to(dtype)
        return replace(self, g=copied, mean=self.mean.to(dtype), whitener=self.whitener.to(dtype))

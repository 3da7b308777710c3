"""An invertible map in coordinates that are fixed: white on the core."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from forget.errors import ForgetError
from forget.linear.linearizer.algebra import Latent

__all__ = ["Gauge"]


@dataclass(frozen=True, eq=False)
class Gauge:
    r"""A map followed by constants that make its latents white on the core.

    .. math:: z = T (g(x) - \mu), \quad T = (\Sigma + \rho \bar\lambda I)^{-1/2}

    (M g, A M^{-1}) is the same Linearizer for every invertible M: without a rule for M, singular
    values of A mean nothing. Here latents of the core have mean 0 and covariance near I, so the
    singular values of a regression are canonical correlations, in [0, 1] up to the ridge.

    Arguments:
        g: The map.
        mean: mu, (d,).
        whitener: T, (d, d), symmetric.
        colourer: Its inverse.
    """

    g: Latent
    mean: Tensor = field(repr=False)
    whitener: Tensor = field(repr=False)
    colourer: Tensor = field(repr=False)

    @classmethod
    def fit(cls, g: Latent, latents: Tensor, ridge: float = 1e-2) -> "Gauge":
        """The gauge of a map on latents of core photographs.

        Arguments:
            g: The map.
            latents: What it makes of the core, (n, d).
            ridge: rho, relative to the mean eigenvalue of the covariance; above 0, so that
                directions in which the core does not vary stay finite.

        Raises:
            ForgetError: Fewer than 2 latents, or a ridge that is not above 0.
        """
        if len(latents) < 2 or not ridge > 0:
            got = f"{len(latents)} latents, ridge {ridge}"
            raise ForgetError("at least 2 core latents and a ridge above 0", got, "Add some.")
        wide = latents.detach().double()
        mean = wide.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(wide.T))
        root = (values.clamp(min=0) + ridge * values.clamp(min=0).mean()).sqrt()
        whitener, colourer = ((vectors * r) @ vectors.T for r in (1 / root, root))
        return cls(g, *(part.to(latents.dtype) for part in (mean, whitener, colourer)))

    @property
    def bijective(self) -> bool:
        """Whether the map is."""
        return self.g.bijective

    def __call__(self, x: Tensor) -> Tensor:
        """White latents (n, d) of points (n, ...)."""
        return (self.g(x) - self.mean) @ self.whitener

    def inverse(self, latents: Tensor) -> Tensor:
        """Points (n, ...) of white latents (n, d)."""
        return self.g.inverse(latents @ self.colourer + self.mean)

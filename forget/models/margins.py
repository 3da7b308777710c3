"""Softmax over people with a margin, which turns a classifier into an embedder."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CosFace"]


class CosFace(nn.Module):
    r"""Scores embeddings against learned class centres and handicaps the right class.

    .. math:: \ell_{ij} = s (\cos(z_i, c_j) - m [j = y_i])

    With cross-entropy on the result, an embedding must be nearer to its own centre than to any
    other by the margin m.

    References:
        | CosFace: Large Margin Cosine Loss for Deep Face Recognition (Wang et al., 2018), eq. 4

    Arguments:
        dimension: Length d of the embeddings.
        classes: Number of centres c.
        scale: s, the inverse temperature of the softmax.
        margin: m, in units of cosine.
        generator: Source of the random centres; the global one if None.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 16.0,
        margin: float = 0.3,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin
        self.centres = nn.Parameter(torch.randn(classes, dimension, generator=generator))

    def forward(self, z: Tensor, labels: Tensor, share: float = 1.0) -> Tensor:
        """Logits (n, c) of embeddings (n, d) with labels (n,), under `share` of the margin."""
        cosines = functional.normalize(z) @ functional.normalize(self.centres).T
        handicap = functional.one_hot(labels, len(self.centres)).to(z.dtype)
        return self.scale * (cosines - share * self.margin * handicap)

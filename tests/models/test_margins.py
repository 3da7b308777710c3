"""The margin head against its formula, written naively."""

import numpy as np
import torch

from forget.models.margins import CosFace


def naive(
    z: np.ndarray, centres: np.ndarray, labels: list[int], scale: float, margin: float
) -> np.ndarray:
    logits = np.empty((len(z), len(centres)))
    for i, label in enumerate(labels):
        for j, centre in enumerate(centres):
            cosine = z[i] @ centre / np.sqrt(z[i] @ z[i]) / np.sqrt(centre @ centre)
            logits[i, j] = scale * (cosine - margin * (j == label))
    return logits


def test_cosface_is_its_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    head = CosFace(5, 4, scale=20.0, margin=0.35, generator=generator).double()
    z = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    labels = [0, 3, 2, 2, 1, 0]
    for share in (0.0, 0.5, 1.0):
        logits = head(z, torch.tensor(labels), share).detach().numpy()
        expected = naive(z.numpy(), head.centres.detach().numpy(), labels, 20.0, share * 0.35)
        np.testing.assert_allclose(logits, expected, rtol=1e-12)


def test_lengths_do_not_matter() -> None:
    head = CosFace(5, 4, generator=torch.Generator().manual_seed(0))
    z, labels = torch.randn(3, 5, generator=torch.Generator().manual_seed(1)), torch.arange(3)
    torch.testing.assert_close(head(z, labels), head(7 * z, labels))


def test_gradients_reach_centres_and_embeddings() -> None:
    head = CosFace(5, 4, generator=torch.Generator().manual_seed(0))
    z = torch.randn(3, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
    torch.nn.functional.cross_entropy(head(z, torch.arange(3)), torch.arange(3)).backward()
    assert z.grad is not None
    assert head.centres.grad is not None
    assert z.grad.abs().sum() > 0
    assert head.centres.grad.abs().sum() > 0

"""Pairs of images that show the same picture though their files differ.

Two images are alike when the correlation of their grey thumbnails reaches a threshold. A
correlation does not change with brightness and contrast, hardly with compression or scaling; it
does with cropping. Measured on thumbnails of 32 x 32: copies of a photograph saved again as JPEG
of quality 10 keep at least 0.992, of quality 30 or at half the size 0.998. Of two different
photographs, even of one person in one sitting, the closest reach 0.986 among the 400 of ORL and
0.982 among 6,000 of CIFAR-10. In MUFAC every pair across two persons' files lies above 0.998 or
below 0.952, so the threshold 0.99 splits an empty gap; mirrored copies were looked for there, and
none was found.
"""

import numpy as np
from numpy.typing import NDArray

from forget.data.twins.grouping import Numbers
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["SIDE", "SIMILARITY", "similar_pairs", "thumbnails"]

SIMILARITY = 0.99  # correlation of two thumbnails, in [-1, 1]
SIDE = 32  # pixels
COARSE = 16  # pixels, for the search
MAX_PAIRS = 2_000_000  # more means that the images have hardly anything to compare
BLOCK = 1 << 24  # correlations at once, 64 MB
AT_ONCE = 256  # images made small at once
ROUNDING = 1e-5
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as Pillow


def thumbnails(
    images: NDArray[np.uint8], indices: Numbers, on_step: OnStep = silent
) -> NDArray[np.float32]:
    """Grey thumbnails of some images as vectors of mean 0 and length 1; a flat image gives zeros.

    Arguments:
        images: (n, height, width) or (n, height, width, channels), uint8.
        indices: Which of them, (m,).
        on_step: Gets the images done and their total.

    Returns:
        (m, side * side), averaged over areas, column by column; the side is 32, or less where the
        images have fewer pixels.
    """
    side = min(SIDE, *images.shape[1:3])
    height, width = images.shape[1:3]
    colours = GREY if images.shape[3:] == (3,) else np.ones(1, dtype=np.float32)
    down, across = _areas(height, side), np.kron(_areas(width, side), colours).T
    made = np.empty((len(indices), side * side), dtype=np.float32)
    for start in range(0, len(indices), AT_ONCE):
        some = images[indices[start : start + AT_ONCE]].astype(np.float32)
        # Two large products: BLAS spends more on sharing many small ones than on computing them.
        narrow = some.reshape(len(some) * height, -1) @ across  # (m * height, side)
        turned = narrow.reshape(len(some), height, side).transpose(0, 2, 1).reshape(-1, height)
        made[start : start + len(some)] = _unit((turned @ down.T).reshape(len(some), -1))
        on_step(start + len(some), len(indices), "Making images small")
    return made


def similar_pairs(
    vectors: NDArray[np.float32], similarity: float = SIMILARITY, on_step: OnStep = silent
) -> Numbers:
    """All pairs whose correlation reaches a threshold, (m, 2), the smaller index first, sorted.

    Nothing is missed. With P the averages over areas, an orthogonal projection, and R what they
    leave out, x . y = P x . P y + R x . R y <= P x . P y + |R x| |R y|; the right-hand side is
    the product of two vectors of 257 entries instead of 1,024, and only where it reaches the
    threshold is the left-hand side computed.

    Arguments:
        vectors: Thumbnails, (n, side * side).
        similarity: The threshold, in (0, 1].
        on_step: Gets the images compared and their total.

    Raises:
        ForgetError: The threshold is none, or millions of pairs reach it.
    """
    if not 0 < similarity <= 1:
        raise ForgetError("a similarity above 0, at most 1", f"{similarity}", "Such as 0.99.")
    bound = _bounds(vectors)
    found, total = [np.zeros((0, 2), dtype=np.int64)], 0
    step = max(1, BLOCK // max(1, len(vectors)))
    for start in range(0, len(vectors), step):
        near = bound[start : start + step] @ bound[start:].T >= similarity - ROUNDING
        one, other = np.nonzero(np.triu(near, 1))
        one, other = one + start, other + start
        total += len(one)
        if total > MAX_PAIRS:
            raise ForgetError(
                "images that differ",
                f"more than {MAX_PAIRS:,} pairs that look alike",
                "Raise the similarity, or compare the files only (similarity=None).",
            )
        exact = np.concatenate(
            [
                np.einsum("nd,nd->n", vectors[one[at : at + 4096]], vectors[other[at : at + 4096]])
                for at in range(0, len(one) or 1, 4096)
            ]
        )
        alike = exact >= similarity - ROUNDING
        found.append(np.stack([one[alike], other[alike]], axis=1))
        on_step(min(start + step, len(vectors)), len(vectors), "Comparing images")
    return np.concatenate(found)


def _bounds(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors whose products are never below those of the thumbnails, (n, 257)."""
    side = round(vectors.shape[1] ** 0.5)
    coarse = min(COARSE, side)
    if side % coarse:  # the areas would overlap, and P be no orthogonal projection
        return vectors
    parts = vectors.reshape(-1, coarse, side // coarse, coarse, side // coarse)
    rough = parts.mean((2, 4)).reshape(len(vectors), -1) * (side / coarse)
    left = np.sqrt(np.maximum(0, (vectors**2).sum(1) - (rough**2).sum(1)))
    return np.concatenate([rough, left[:, None]], axis=1)


def _areas(length: int, side: int) -> NDArray[np.float32]:
    """Weights that average `length` pixels over `side` equal areas, (side, length)."""
    edges = np.linspace(0, length, side + 1)
    pixels = np.arange(length)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.maximum(0, covered) * (side / length)).astype(np.float32)


def _unit(small: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = small - small.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = length < 1e-2  # rounding of one grey, far below the noise of any photograph
    return np.where(flat, 0, centred / np.where(flat, 1, length))

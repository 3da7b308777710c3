"""Two models against each other: where their answers differ, and how they see the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from torch import Tensor, nn

from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.metrics.accuracy import judge
from forget.metrics.similarity import linear_cka
from forget.models.classifier import Classifier
from forget.recipe import EVALUATION_BATCH, to_input

__all__ = ["Contrast", "contrast", "stage_similarity", "turned_alike"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contrast:
    """What two models say about the same images.

    Arguments:
        accuracy: Of each class, model A and model B, (2, c); nan without images.
        answers: How many images A takes for class i and B for class j, (c, c).
        differ: Indices of the images that they take for different classes.
    """

    accuracy: Reals = field(repr=False)
    answers: NDArray[np.int64] = field(repr=False)
    differ: Indices = field(repr=False)


def contrast(
    logits: Sequence[NDArray[np.floating]], labels: NDArray[np.int64], indices: Indices
) -> Contrast:
    """Compares the answers of two models.

    Arguments:
        logits: Of A and B for all images, each (n, c).
        labels: The class of each image, (n,).
        indices: The images to compare on.

    Raises:
        ForgetError: A model's answers are no numbers.
    """
    if not all(np.isfinite(one[indices]).all() for one in logits):
        raise ForgetError(
            "answers that are numbers", "others", "The model broke: choose another one."
        )
    judged = [judge(one[indices], labels[indices]) for one in logits]
    said = [one.log_probability.argmax(1) for one in judged]
    classes = logits[0].shape[1]
    answers = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(answers, tuple(said), 1)
    accuracy = np.stack([one.class_accuracy for one in judged])
    return Contrast(accuracy, answers, np.asarray(indices)[said[0] != said[1]])


def stage_similarity(
    network: Classifier, reference: Classifier, data: ImageDataset, indices: Indices
) -> list[float]:
    """Linear CKA of each stage of two networks of one architecture, on some images.

    What a stage says of an image is its mean over places.
    """
    seen = [_stages(one, data, indices) for one in (network, reference)]
    return [linear_cka(x, y) for x, y in zip(*seen, strict=True)]


def turned_alike(places: Reals, like: Reals) -> Reals:
    """Points (n, 2), of size 1, turned and mirrored to lie as near as can be to others."""
    x, y = (one - one.mean(0) for one in (places, like))
    x, y = (one / max(np.linalg.norm(one), 1e-12) for one in (x, y))
    return x @ orthogonal_procrustes(x, y)[0]


def _stages(network: Classifier, data: ImageDataset, indices: Indices) -> list[Reals]:
    stages = network.eval().stages
    seen: list[list[NDArray]] = [[] for _ in stages]

    def keep(number: int, stage: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[number].append((output.mean((2, 3)) if output.ndim == 4 else output).cpu().numpy())

    # A part of a sequence is not called as a whole, its last module is.
    ends = [stage[-1] if isinstance(stage, nn.Sequential) else stage for stage in stages]
    handles = [end.register_forward_hook(partial(keep, i)) for i, end in enumerate(ends)]
    device = next(network.parameters()).device
    try:
        with torch.inference_mode():
            for start in range(0, len(indices), EVALUATION_BATCH):
                some = indices[start : start + EVALUATION_BATCH]
                network(to_input(data.images[some]).to(device))
    finally:
        for handle in handles:
            handle.remove()
    return [np.concatenate(one).astype(np.float64) for one in seen]

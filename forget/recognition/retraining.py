"""Training a face network from scratch with a margin: the slow way to forget, to compare with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from forget.data.dataset import FaceDataset, Indices
from forget.errors import ForgetError
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone
from forget.models.iresnet import IResNet
from forget.models.margins import AdaFace, ArcFace, CosFace, MagFace, MarginHead
from forget.models.mobilefacenet import MobileFaceNet
from forget.progress import OnStep, silent
from forget.recognition.settings import ModelSettings, Settings
from forget.training import Batch, Keeper, Phase, accelerate, train

__all__ = ["DIMENSION", "margin_head", "new_network", "train_backbone"]

DIMENSION = 512  # of the embedding where the settings leave it open


def new_network(model: ModelSettings) -> IResNet | MobileFaceNet:
    """A network of the kind that settings name, with random weights.

    Raises:
        ForgetError: The embedder, which has a training of its own.
    """
    size = model.embedding_size or DIMENSION
    if model.backbone == "mobilefacenet":
        return MobileFaceNet(size)
    if model.backbone.startswith("iresnet"):
        return IResNet(int(model.backbone.removeprefix("iresnet")), size)
    raise ForgetError(
        "model.backbone: an iresnet or mobilefacenet", model.backbone, "Choose one to train."
    )


def margin_head(model: ModelSettings, classes: int, generator: torch.Generator) -> MarginHead:
    """The head that settings name; margin and scale are those of `model.arcface`.

    MagFace and AdaFace take the scale from there and keep the margins of their papers.
    """
    size, keys = model.embedding_size or DIMENSION, model.arcface
    match model.loss_type:
        case "arcface":
            return ArcFace(size, classes, keys.scale, keys.margin, generator=generator)
        case "cosface":
            return CosFace(size, classes, keys.scale, keys.margin, generator)
        case "magface":
            return MagFace(size, classes, keys.scale, generator=generator)
        case "adaface":
            return AdaFace(size, classes, keys.scale, generator=generator)


def train_backbone(
    settings: Settings,
    faces: FaceDataset,
    indices: Indices,
    fabric: Fabric | None = None,
    on_step: OnStep = silent,
    keeper: Keeper | None = None,
) -> FaceBackbone:
    """Trains a network of the settings' kind on some aligned crops, half of them mirrored.

    SGD with momentum; the rate rises over a fifth of the steps and falls to 0. Same photographs,
    seed, processes and threads give the same weights.

    Arguments:
        settings: Of the study; `model`, `training` and `seed` count.
        faces: Aligned crops.
        indices: Which of them to learn from, (n,).
        fabric: The processes that share every batch; the best device there is if None.
        on_step: Told of each step.
        keeper: Holds an unfinished training; None keeps nothing.

    Raises:
        ForgetError: Settings out of range, or photographs of fewer than 2 people.
    """
    fabric = fabric or accelerate()
    keys = settings.training
    people = sorted({faces.labels[i] for i in indices})
    _check(settings, people)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = new_network(settings.model)
    draw = torch.Generator().manual_seed(settings.seed)
    both = _Recogniser(network, margin_head(settings.model, len(people), draw))
    height, width = network.size
    convention = Convention(height=height, width=width)
    optimiser = torch.optim.SGD(
        both.parameters(), keys.learning_rate, keys.momentum, weight_decay=keys.weight_decay
    )
    steps = -(-len(indices) // keys.batch_size)
    schedule = OneCycleLR(
        optimiser, keys.learning_rate, total_steps=steps * keys.num_epochs, pct_start=0.2
    )
    order = _Order(faces, indices, people, convention, settings, fabric)
    phase = Phase("train", order, steps, _objective, optimiser, schedule)
    train(both, [phase], keys.num_epochs, fabric, keeper=keeper, on_step=on_step)
    frozen = network.cpu().eval().requires_grad_(False)
    return FaceBackbone(frozen, convention, "forget")


class _Recogniser(nn.Module):
    """Network and head as one module, so that several processes average the gradients of both."""

    def __init__(self, network: nn.Module, head: MarginHead) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.head.loss(self.network(images), labels)


def _objective(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    return network(batch.images, batch.labels)


@dataclass(frozen=True, eq=False)
class _Order:
    """The batches of an epoch: an order that depends on seed and epoch, shared by the ranks."""

    faces: FaceDataset
    indices: Indices
    people: Sequence[str]
    convention: Convention
    settings: Settings
    fabric: Fabric

    def __call__(self, epoch: int) -> Iterator[Batch]:
        rank, world = self.fabric.global_rank, self.fabric.world_size
        place = {person: k for k, person in enumerate(self.people)}
        draw = np.random.default_rng([self.settings.seed, epoch])
        order = draw.permutation(self.indices)
        turned = draw.random(len(order)) < 0.5
        parts = -(-len(order) // self.settings.training.batch_size)
        for chosen in np.array_split(np.arange(len(order)), parts):
            mine = chosen[rank::world] if rank < len(chosen) else chosen[:1]
            view = self.convention.input(self.faces.images[order[mine]])
            flip = torch.from_numpy(turned[mine])[:, None, None, None]
            labels = [place[self.faces.labels[i]] for i in order[mine]]
            yield Batch(torch.where(flip, view.flip(-1), view), torch.tensor(labels))


def _check(settings: Settings, people: Sequence[str]) -> None:
    keys = settings.training
    if keys.batch_size < 2 or keys.num_epochs < 1 or not keys.learning_rate > 0:
        raise ForgetError(
            "training.batch_size from 2, num_epochs from 1, learning_rate above 0",
            f"{keys.batch_size}, {keys.num_epochs}, {keys.learning_rate:g}",
            "Correct the settings.",
        )
    if len(people) < 2:
        raise ForgetError("photographs of 2 people", f"of {len(people)}", "Forget fewer people.")

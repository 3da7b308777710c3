"""How a classifier is trained from scratch: images in, batches, optimiser, network out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from forget.augment import Augment
from forget.data.dataset import Indices
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError
from forget.models.classifier import Classifier, build
from forget.progress import OnStep, silent
from forget.training import Batch, Keeper, Objective, OnEpoch, Phase, train

__all__ = [
    "EVALUATION_BATCH",
    "Recipe",
    "changed_views",
    "cross_entropy",
    "fit",
    "hidden_of",
    "logits_of",
    "pixels_hidden",
    "sgd",
    "shuffled",
    "to_input",
]

EVALUATION_BATCH = 128  # images per pass without gradients


@dataclass(frozen=True)
class Recipe:
    """Settings of a training from scratch.

    Arguments:
        epochs: Passes over the training images.
        batch: Images per step.
        rate: Highest learning rate of SGD with Nesterov momentum; it rises, then falls to 0.
        momentum: Of SGD.
        decay: Weight decay of matrices and kernels.
        warm: Share of the steps in which the rate rises.
        smoothing: Share of the target that is spread over all classes.
        average: Decay per step of the moving average of the weights that is kept; 0 for none.
        sides: Side of the images in pixels, epoch by epoch, each for an equal share of the
            epochs; empty for the images as they are. Small images first cost less.
        augment: Random changes of the images; None for none.
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 0.05
    momentum: float = 0.9
    decay: float = 5e-4
    warm: float = 0.2
    smoothing: float = 0.0
    average: float = 0.0
    sides: tuple[int, ...] = ()
    augment: Augment | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise ForgetError(
                "at least 1 epoch, 1 image a batch and a learning rate above 0",
                f"{self.epochs} epochs, batches of {self.batch}, rate {self.rate}",
                "Correct the settings.",
            )

    def side(self, epoch: int) -> int | None:
        """Side of the images in an epoch, counted from 0; None for the images as they are."""
        return self.sides[epoch * len(self.sides) // self.epochs] if self.sides else None


def to_input(images: NDArray[np.uint8], side: int | None = None) -> Tensor:
    """Pixels (n, h, w, c), grey (n, h, w), uint8, as networks read them: (n, c, side, side)."""
    images = images if images.ndim == 4 else images[..., None]
    x = torch.from_numpy(np.require(images, requirements="CW")).permute(0, 3, 1, 2).float() / 255
    if side is None or side == x.shape[2]:
        return x
    if x.shape[2] % side == 0 and x.shape[3] % side == 0:
        return functional.adaptive_avg_pool2d(x, side)
    size = (side, side)
    return functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)


def cross_entropy(smoothing: float = 0.0) -> Objective:
    """The usual objective of classification."""

    def objective(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        logits = network(batch.images).float()
        loss = functional.cross_entropy(logits, batch.labels, label_smoothing=smoothing)
        return loss, logits

    return objective


def shuffled(
    data: ImageDataset,
    indices: Indices,
    batch: int,
    seed: int,
    fabric: Fabric,
    augment: Augment | None = None,
    side: Callable[[int], int | None] = lambda epoch: None,
) -> tuple[Callable[[int], Iterator[Batch]], int]:
    """All images in random order, in batches as even as possible; and how many batches.

    The order and the changes of an epoch depend on seed and epoch alone, so an epoch that was
    interrupted can be repeated. On several devices each takes its share of every batch.
    """
    steps = -(-len(indices) // batch)
    rank, world = fabric.global_rank, fabric.world_size

    def batches(epoch: int) -> Iterator[Batch]:
        numbers = np.random.SeedSequence([seed, epoch, rank]).generate_state(1)
        changes = torch.Generator().manual_seed(int(numbers[0]))
        order = np.random.default_rng([seed, epoch]).permutation(indices)
        for chosen in np.array_split(order, steps):
            mine = np.sort(chosen[rank::world] if rank < len(chosen) else chosen[:1])
            images = to_input(data.images[mine], side(epoch))
            if augment:
                images = augment(images, changes)
            images = images.contiguous(memory_format=torch.channels_last)
            yield Batch(images, torch.from_numpy(data.labels[mine]))

    return batches, steps


def changed_views(
    images: NDArray[np.uint8],
    only: Indices,
    side: int | None,
    steps: int,
    batch: int,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Batches (batch, c, side, side) of images, drawn and changed at random.

    Arguments:
        images: Pixels (n, h, w, c).
        only: Which of them to draw from.
        side: Height and width to scale them to, pixels; None for as they are.
        steps: How many batches.
        batch: Images in each, at most.
        seed: Of draws and changes.
    """
    draws, changes = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    augment = Augment()
    for _ in range(steps):
        chosen = np.sort(draws.choice(only, min(batch, len(only)), replace=False))
        view = augment(to_input(images[chosen], side), changes)
        yield view.contiguous(memory_format=torch.channels_last)


def fit(
    config: dict[str, object],
    data: ImageDataset,
    indices: Indices,
    recipe: Recipe,
    fabric: Fabric,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    keeper: Keeper | None = None,
    on_step: OnStep = silent,
) -> Classifier:
    """Trains a classifier from scratch on some images.

    Same settings, seed, device and number of threads give the same weights, also after an
    interruption; the global random state of the caller stays as it was.

    Arguments:
        config: Settings of the network, for `forget.models.classifier.build`.
        data: The images.
        indices: Which of them to train on.
        recipe: How.
        fabric: Where.
        seed: Of weights, order and changes.
        on_epoch: Told of each epoch.
        keeper: Holds what is needed to go on after a kill.
        on_step: Told of each batch.

    Raises:
        ForgetError: No image to train on.
    """
    if not len(indices):
        raise ForgetError("images to train on", "none", "Choose fewer images to forget.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(config)
    batches, steps = shuffled(
        data, indices, recipe.batch, seed, fabric, recipe.augment, recipe.side
    )
    optimiser = sgd(network, recipe.rate, recipe.momentum, recipe.decay, nesterov=True)
    total = steps * recipe.epochs
    warm = recipe.warm if abs(recipe.warm * total - 1) > 1e-6 else 1.5 / total  # 1 divides by 0
    schedule = OneCycleLR(
        optimiser,
        recipe.rate,
        total_steps=total,
        pct_start=min(warm, 1.0),
        div_factor=10,
        final_div_factor=200,
        cycle_momentum=False,
    )
    phase = Phase("train", batches, steps, cross_entropy(recipe.smoothing), optimiser, schedule)
    trained = train(
        network, [phase], recipe.epochs, fabric, on_epoch, keeper, recipe.average, on_step
    )
    return trained.cpu()  # type: ignore[return-value]


def sgd(
    network: nn.Module,
    rate: float,
    momentum: float = 0.9,
    decay: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.SGD:
    """SGD that decays matrices and kernels only."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov)


def logits_of(
    network: Classifier,
    data: ImageDataset,
    indices: Indices,
    device: torch.device | str = "cpu",
    on_step: OnStep = silent,
    side: int | None = None,
) -> NDArray[np.float32]:
    """Logits (n, classes) of some images, in float32; the network comes back as it was."""
    hidden = hidden_of(network, data, indices, device, on_step, side)
    home = next(network.parameters()).device
    with torch.inference_mode():
        return network.classify(torch.from_numpy(hidden).to(home)).cpu().numpy()


def hidden_of(
    network: Classifier,
    data: ImageDataset,
    indices: Indices,
    device: torch.device | str = "cpu",
    on_step: OnStep = silent,
    side: int | None = None,
) -> NDArray[np.float32]:
    """The last hidden layer (n, d) of some images, float32; the network comes back as it was.

    Arguments:
        network: Any classifier.
        data: The images.
        indices: Which of them, (n,).
        device: Where to compute.
        on_step: Told of each batch.
        side: Height and width to scale the images to, pixels; None for as they are.
    """
    was_training = network.training
    home = next(network.parameters()).device
    network.eval().to(device)
    found = np.zeros((len(indices), network.dimension), dtype=np.float32)
    for start in range(0, len(indices), EVALUATION_BATCH):
        some = indices[start : start + EVALUATION_BATCH]
        found[start : start + len(some)] = pixels_hidden(network, data.images[some], side)
        on_step(start + len(some), len(indices), "images")
    network.train(was_training).to(home)
    return found


def pixels_hidden(
    network: Classifier,
    images: NDArray[np.uint8],
    side: int | None = None,
    mirror: bool = False,
) -> NDArray[np.float32]:
    """The last hidden layer (n, d) of images (n, h, w, channels) that fit into memory at once.

    With `mirror` it is the mean over the images and their mirror images.
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        x = to_input(images, side).contiguous(memory_format=torch.channels_last).to(device)
        hidden = network.features(x).float()
        if mirror:
            hidden = (hidden + network.features(x.flip(-1)).float()) / 2
        return hidden.cpu().numpy()

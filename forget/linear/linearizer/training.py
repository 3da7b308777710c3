"""Trains the two maps of a Linearizer on core images; its operator is solved, never trained."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import torch
from lightning_fabric import Fabric
from torch import Tensor

from forget.errors import ForgetError
from forget.linear.backbone import Backbone
from forget.linear.linearizer.blocks import ActNorm, Shape
from forget.linear.linearizer.features import (
    LinearizerFeatures,
    student_input,
    teacher_output,
)
from forget.linear.linearizer.flows import Chain, image_surjection, vector_flow
from forget.linear.linearizer.gauge import Gauge
from forget.linear.linearizer.objective import Maps, Objective, Share, in_parts, shares
from forget.linear.linearizer.settings import LinearizerSettings
from forget.models.checkpoint import TrainingRecord
from forget.processes import alone, from_first
from forget.progress import OnStep, silent
from forget.training import Keeper, Phase, train

__all__ = ["KEEP", "LinearizerSettings", "train_linearizer"]

KEEP = {1: (3, 8, 16), 3: (6, 12, 16)}  # of grey images, of coloured ones


def train_linearizer(
    backbone: Backbone,
    batches: Callable[[int], Iterable[Tensor]],
    steps: int,
    record: TrainingRecord | None,
    settings: LinearizerSettings = LinearizerSettings(),  # noqa: B008 - frozen
    on_step: OnStep = silent,
    fabric: Fabric | None = None,
    epochs: int = 1,
    keeper: Keeper | None = None,
) -> LinearizerFeatures:
    r"""Trains g_x and g_y so that a linear operator between them imitates the teacher.

    .. math:: \min_{g_x, g_y} \; |g_y^{-1}(A g_x(x)) - t|^2 + (1 - \cos)
              + \lambda |A g_x(x) - g_y(t)|^2 + \lambda |g_y^{-1}(g_y(t) + \epsilon) - t|^2
              + |g_x^+(g_x(x)) - x|^2

    with A the ridge regression between the latents of a bank of images, solved again now and
    then. In the end both latents are put into their gauge, and A is left to the sums.

    On several processes each takes its share of every batch, and the gradients are averaged over
    all its images; bank, noise, operator and gauges are the same on all of them, and so is what
    they return. One process gives the same bits as without `fabric`, two give the same weights up
    to rounding, which AdamW magnifies where gradients are near 0: on a small network, after 4
    steps the difference was 2e-9 of their norm ("embedding") and 2e-7 ("image"), after 8 and 16
    steps up to 4e-8 and 3e-4.

    References:
        | Linearizer (Berman, Hallak and Shocher, 2025), section 4; the noise keeps the inverse
        | stable as there. A is solved instead of trained.

    Arguments:
        backbone: The frozen teacher.
        batches: Gives the batches of an epoch, counted from 0: prepared core images (n, c, h, w),
            changed at random, `steps` at least. The first epoch's make the bank, too.
        steps: Optimisation steps in an epoch; 0 leaves both maps as they begin, orthogonal.
        record: The core.
        settings: How.
        on_step: Told of each step; what it raises passes through.
        fabric: Where to train, from `forget.training.accelerate`; by default one CPU and no other
            process. All of its processes call this, with the same arguments.
        epochs: How many.
        keeper: Holds an unfinished training; None keeps nothing.

    Raises:
        ForgetError: No core images, or fewer in a batch than there are processes.
    """
    fabric = fabric or alone()
    with _at(backbone, fabric.device):
        inputs, teacher = _bank(backbone, batches(0), settings, fabric.device)
        g_x, g_y = _maps(backbone, settings, tuple(inputs.shape[1:]))
        maps = Maps(g_x, g_y).to(fabric.device).train()
        _set_scales(g_x, inputs), _set_scales(g_y, teacher)
        if steps:
            objective = Objective(backbone, maps, settings, (inputs, teacher), fabric)
            optimiser = torch.optim.AdamW(maps.parameters(), lr=settings.rate, weight_decay=0.0)
            total = steps * epochs
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, settings.rate, total_steps=total, pct_start=_rise(settings.warm, total)
            )

            def numbered(epoch: int) -> Iterator[Share]:
                objective.begin()
                return shares(backbone, islice(batches(epoch), steps), settings, fabric, epoch)

            phase = Phase("train", numbered, steps, objective, optimiser, schedule)
            train(maps, [phase], epochs, fabric, keeper=keeper, on_step=on_step)
    maps.eval().requires_grad_(False)
    # Other kinds of processors round differently, and all have to hold one and the same map.
    from_first(fabric, maps.state_dict().values())
    maps.cpu()
    pairs = (g_x, inputs.cpu()), (g_y, teacher.cpu())
    gauges = [_gauge(g, x, settings.ridge, fabric) for g, x in pairs]
    return LinearizerFeatures(backbone, record, settings.level, *gauges)


@contextmanager
def _at(backbone: Backbone, device: torch.device) -> Iterator[None]:
    """Lends the network to a device."""
    home = next(backbone.network.parameters()).device
    backbone.network.to(device)
    try:
        yield
    finally:
        backbone.network.to(home)


@torch.no_grad()
def _bank(
    backbone: Backbone,
    batches: Iterable[Tensor],
    settings: LinearizerSettings,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Inputs (n, ...) and the teacher's embeddings (n, m) of the first images of some batches."""
    found: list[Tensor] = []
    for images in batches:
        found.append(images)
        if sum(map(len, found)) >= settings.bank:
            break
    if not found:
        raise ForgetError("core images", "none", "Name the core people.")
    bank = torch.cat(found)[: settings.bank].to(device)
    inputs = in_parts(lambda part: student_input(backbone, settings.level, part), bank)
    return inputs, in_parts(lambda part: teacher_output(backbone, part), bank)


@torch.no_grad()
def _set_scales(g: Chain, x: Tensor) -> None:
    """Lets every ActNorm of a map in training mode see all of x (n, ...), as its first batch."""
    for block in g.blocks:
        # The others look at each point by itself, and need far more memory than they give back.
        x = block(x) if isinstance(block, ActNorm) else in_parts(block, x)


def _rise(warm: float, steps: int) -> float:
    """Share of the steps in which the rate rises, but none by which OneCycleLR divides by 0."""
    share = min(warm, 1 - 0.5 / steps)
    return share if abs(share * steps - 1) > 1e-6 else 1.5 / steps


@torch.no_grad()
def _gauge(g: Chain, x: Tensor, ridge: float, fabric: Fabric) -> Gauge:
    """The gauge of a map on its side of the bank, the same on all processes."""
    latents = in_parts(g, x)
    gauge = Gauge.fit(g, latents, ridge)
    from_first(fabric, [gauge.mean, gauge.whitener])
    white = (latents - gauge.mean) @ gauge.whitener
    clipped = torch.tensor(LinearizerFeatures.grid.clipped_share(white))
    from_first(fabric, [clipped])
    return replace(gauge, clipped=float(clipped))


def _maps(backbone: Backbone, settings: LinearizerSettings, shape: Shape) -> tuple[Chain, Chain]:
    m, seed = backbone.dimension, settings.seed
    g_y = vector_flow(m, settings.couplings, kind=settings.kind, seed=seed + 1)
    if settings.level == "embedding":
        return vector_flow(m, settings.couplings, kind=settings.kind, seed=seed), g_y
    keep = settings.keep or KEEP[shape[0]]
    g_x = image_surjection(*shape, keep, settings.dimension, kind=settings.kind, seed=seed)
    return g_x, g_y

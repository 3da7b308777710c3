"""Trains the two maps of a Linearizer on core images; its operator is solved, never trained."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from forget.errors import ForgetError
from forget.linear.backbone import Backbone
from forget.linear.linearizer.features import (
    LEVELS,
    LinearizerFeatures,
    student_input,
    teacher_output,
)
from forget.linear.linearizer.flows import Chain, image_surjection, vector_flow
from forget.linear.linearizer.gauge import Gauge
from forget.models.checkpoint import TrainingRecord
from forget.progress import OnStep, silent
from forget.training import Batch, Phase, accelerate, train

__all__ = ["KEEP", "LinearizerSettings", "train_linearizer"]

KEEP = {1: (3, 8, 16), 3: (6, 12, 16)}  # of grey images, of coloured ones


@dataclass(frozen=True)
class LinearizerSettings:
    """How the two maps are built and trained.

    Arguments:
        level: "embedding": from one view's embedding to the teacher's; "image": from the image.
        couplings: Of each map between vectors, from 1 to 8.
        kind: Of the couplings: "additive", whose inverse is as exact far from the core as near
            it, or "affine".
        keep: Channels after each halving of an image; () for the usual ones, `KEEP`.
        dimension: Latent numbers of an image.
        rate: Highest learning rate of AdamW.
        warm: Share of the steps in which it rises; then it falls to 0.
        every: Steps between two solutions of the operator.
        bank: Images that the operator is solved on, and the gauge in the end.
        ridge: Of that solution and of the gauge, relative to the mean eigenvalue.
        latent: Weight of the error between latents.
        noise: Size of the latent noise under which the inverse must stay near, in standard
            deviations; its error has the same weight.
        seed: Of the weights and of the noise.
    """

    level: str = "embedding"
    couplings: int = 4
    kind: str = "additive"
    keep: tuple[int, ...] = ()
    dimension: int = 512
    rate: float = 2e-3
    warm: float = 0.2
    every: int = 20
    bank: int = 2_048
    ridge: float = 1e-2
    latent: float = 0.1
    noise: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            known = " or ".join(repr(level) for level in LEVELS)
            raise ForgetError(f"the level {known}", repr(self.level), "Choose one of them.")


def train_linearizer(
    backbone: Backbone,
    batches: Callable[[], Iterable[Tensor]],
    steps: int,
    record: TrainingRecord | None,
    settings: LinearizerSettings = LinearizerSettings(),  # noqa: B008 - frozen
    on_step: OnStep = silent,
) -> LinearizerFeatures:
    r"""Trains g_x and g_y so that a linear operator between them imitates the teacher.

    .. math:: \min_{g_x, g_y} \; |g_y^{-1}(A g_x(x)) - t|^2 + (1 - \cos)
              + \lambda |A g_x(x) - g_y(t)|^2 + \lambda |g_y^{-1}(g_y(t) + \epsilon) - t|^2
              + |g_x^+(g_x(x)) - x|^2

    with A the ridge regression between the latents of a bank of images, solved again now and
    then. In the end both latents are put into their gauge, and A is left to the sums.

    References:
        | Linearizer (Berman, Hallak and Shocher, 2025), section 4; the noise keeps the inverse
        | stable as there. A is solved instead of trained.

    Arguments:
        backbone: The frozen teacher.
        batches: Gives batches of prepared core images (n, c, h, w), `steps` at least, changed at
            random; asked twice, for the training and for the bank.
        steps: Optimisation steps; 0 leaves both maps as they begin, orthogonal.
        record: The core.
        settings: How.
        on_step: Told of each step; what it raises passes through.
    """
    bank = _bank(batches(), settings.bank)
    g_x, g_y = _maps(backbone, settings, bank[:1])
    maps = nn.ModuleDict({"g_x": g_x, "g_y": g_y})
    with torch.no_grad():
        inputs = torch.cat([student_input(backbone, settings.level, x) for x in bank.split(256)])
        teacher = torch.cat([teacher_output(backbone, x) for x in bank.split(256)])
        maps.train()
        g_x(inputs), g_y(teacher)  # sets the scales of both
    if steps:
        objective = _Objective(backbone, maps, settings, inputs, teacher)
        optimiser = torch.optim.AdamW(maps.parameters(), lr=settings.rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.rate, total_steps=steps, pct_start=settings.warm
        )

        def numbered(epoch: int) -> Iterator[Batch]:
            for _, images in zip(range(steps), batches(), strict=False):
                yield Batch(images, torch.arange(len(images)))

        phase = Phase("train", numbered, steps, objective, optimiser, schedule)
        train(maps, [phase], 1, accelerate("cpu"), on_step=on_step)
    maps.eval().requires_grad_(False)
    with torch.no_grad():
        gauges = [Gauge.fit(g, g(x), settings.ridge) for g, x in ((g_x, inputs), (g_y, teacher))]
    return LinearizerFeatures(backbone, record, settings.level, *gauges)


class _Objective:
    """The loss of a batch; the operator is solved again every few steps."""

    def __init__(
        self,
        backbone: Backbone,
        maps: nn.ModuleDict,
        settings: LinearizerSettings,
        inputs: Tensor,
        teacher: Tensor,
    ) -> None:
        self.backbone, self.maps, self.settings = backbone, maps, settings
        self.inputs, self.teacher = inputs, teacher
        self.spread = teacher.var(0).mean()
        self.noise = torch.Generator().manual_seed(settings.seed)
        self.steps = 0

    def __call__(self, _: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        g_x, g_y = self.maps["g_x"], self.maps["g_y"]
        if self.steps % self.settings.every == 0:
            with torch.no_grad():
                self.solved = _regression(g_x(self.inputs), g_y(self.teacher), self.settings.ridge)
        self.steps += 1
        with torch.no_grad():
            x = student_input(self.backbone, self.settings.level, batch.images)
            t = teacher_output(self.backbone, batch.images)
        operator, offset, size = self.solved
        u, z = g_y(t), g_x(x)
        guess = z @ operator + offset
        found = g_y.inverse(guess)
        noise = torch.randn(u.shape, generator=self.noise) * size * self.settings.noise
        near = g_y.inverse(u + noise)
        unlike = 1 - functional.cosine_similarity(found, t).mean()
        errors = [((one - t) ** 2).mean() / self.spread for one in (found, near)]
        latent = ((guess - u) ** 2).mean() / size.square().mean()
        loss = errors[0] + unlike + self.settings.latent * (latent + errors[1])
        if not g_x.bijective:  # what it drops, its pseudo-inverse has to guess
            loss = loss + ((g_x.inverse(z) - x) ** 2).mean() / x.var()
        # Which of the teacher's embeddings in the batch is nearest: an accuracy to follow.
        return loss, functional.normalize(found) @ functional.normalize(t).T


def _bank(batches: Iterable[Tensor], count: int) -> Tensor:
    found: list[Tensor] = []
    for images in batches:
        found.append(images)
        if sum(map(len, found)) >= count:
            break
    if not found:
        raise ForgetError("core images", "none", "Name the core people.")
    return torch.cat(found)[:count]


def _maps(backbone: Backbone, settings: LinearizerSettings, image: Tensor) -> tuple[Chain, Chain]:
    m, seed = backbone.dimension, settings.seed
    g_y = vector_flow(m, settings.couplings, kind=settings.kind, seed=seed + 1)
    if settings.level == "embedding":
        return vector_flow(m, settings.couplings, kind=settings.kind, seed=seed), g_y
    shape = student_input(backbone, settings.level, image).shape[1:]
    keep = settings.keep or KEEP[shape[0]]
    g_x = image_surjection(*shape, keep, settings.dimension, kind=settings.kind, seed=seed)
    return g_x, g_y


def _regression(z: Tensor, u: Tensor, ridge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Operator (d, k) and offset (k,) of the ridge regression, and the spread of u, (k,)."""
    means = z.mean(0), u.mean(0)
    centred = z - means[0]
    gram = centred.T @ centred
    gram.diagonal().add_(ridge * gram.diagonal().mean())
    operator = torch.linalg.solve(gram, centred.T @ (u - means[1]))
    return operator, means[1] - means[0] @ operator, u.std(0)

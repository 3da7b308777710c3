"""Random changes of images that leave their class as it is, each image differently."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augment", "poses"]


@dataclass(frozen=True)
class Augment:
    """Moves, colours and hides parts of images; the defaults suit upright faces.

    Arguments:
        flip: Probability of a mirror image.
        turn: Rotation, degrees either way.
        zoom: Scale, log units either way.
        stretch: Aspect ratio, log units either way.
        shift: Translation, share of half the side either way.
        colour: Brightness, contrast and saturation, relative change either way.
        hide: Probability of a grey rectangle of up to an eighth of the image.
    """

    flip: float = 0.5
    turn: float = 12.0
    zoom: float = 0.2
    stretch: float = 0.1
    shift: float = 0.1
    colour: float = 0.2
    hide: float = 0.25

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Changed images of the same shape (n, c, h, w); draws come from the CPU generator."""
        images = self._move(images, generator)
        if self.colour:
            images = self._tint(images, generator)
        return self._cover(images, generator) if self.hide else images

    def _move(self, images: Tensor, generator: torch.Generator) -> Tensor:
        pose = poses(images.shape, self.turn, self.zoom, self.stretch, self.shift, generator)
        mirrored = torch.rand(len(images), generator=generator) < self.flip
        # The first column of the matrix multiplies x: its sign mirrors the picture.
        pose[:, :, 0] *= torch.where(mirrored, -1.0, 1.0)[:, None]
        grid = functional.affine_grid(pose, list(images.shape), align_corners=False)
        return functional.grid_sample(
            images, grid.to(images), padding_mode="reflection", align_corners=False
        )

    def _tint(self, images: Tensor, generator: torch.Generator) -> Tensor:
        draw = 1 + self.colour * (2 * torch.rand((3, len(images)), generator=generator) - 1)
        bright, contrast, saturation = draw[:, :, None, None, None].to(images)
        images = images * bright
        images = images.mean((1, 2, 3), keepdim=True).lerp(images, contrast)
        return images.mean(1, keepdim=True).lerp(images, saturation)

    def _cover(self, images: Tensor, generator: torch.Generator) -> Tensor:
        n, _, height, width = images.shape
        place = 2 * torch.rand((2, n, 1, 1, 1), generator=generator) - 1
        half = 0.1 + 0.25 * torch.rand((2, n, 1, 1, 1), generator=generator)
        chosen = torch.rand((n, 1, 1, 1), generator=generator) < self.hide
        down = (torch.linspace(-1, 1, height)[:, None] - place[0]).abs() < half[0]
        across = (torch.linspace(-1, 1, width) - place[1]).abs() < half[1]
        return images.masked_fill((down & across & chosen).to(images.device), 0.5)


def poses(
    shape: torch.Size,
    turn: float,
    zoom: float,
    stretch: float,
    shift: float,
    generator: torch.Generator,
) -> Tensor:
    """Random affine matrices (n, 2, 3) for `torch.nn.functional.affine_grid`.

    Arguments:
        shape: Of the images, (n, c, h, w).
        turn: Rotation, degrees either way.
        zoom: Scale, log units either way.
        stretch: Aspect ratio, log units either way.
        shift: Translation, share of half the side either way.
        generator: Draws five numbers for each image.
    """
    n, _, height, width = shape
    draw = torch.rand((5, n), generator=generator) * 2 - 1
    angle, scale = draw[0] * math.radians(turn), (draw[1] * zoom).exp()
    ratio, (right, down) = (draw[2] * stretch).exp(), 2 * shift * draw[3:]
    cosine, sine, aspect = angle.cos() / scale, angle.sin() / scale, height / width
    rows = [
        torch.stack([cosine * ratio, -sine * aspect / ratio, right], 1),
        torch.stack([sine / aspect * ratio, cosine / ratio, down], 1),
    ]
    return torch.stack(rows, 1)

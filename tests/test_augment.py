"""Laws of the random changes: repeatable, of the same shape, none where none is asked for."""

from dataclasses import replace

import pytest
import torch

from forget.augment import Augment, poses

STILL = Augment(flip=0, turn=0, zoom=0, stretch=0, shift=0, colour=0, hide=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> torch.Tensor:
    """Eight images of 12 x 16 pixels."""
    return torch.rand((8, 3, 12, 16), generator=generator(5))


def test_same_draws_same_images(images: torch.Tensor) -> None:
    one, other, third = (Augment()(images, generator(s)) for s in (1, 1, 2))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)
    assert one.shape == images.shape
    assert torch.isfinite(one).all()


def test_without_changes_images_stay(images: torch.Tensor) -> None:
    assert torch.allclose(STILL(images, generator()), images, atol=1e-5)


def test_a_certain_flip_mirrors(images: torch.Tensor) -> None:
    flipped = replace(STILL, flip=1.0)(images, generator())
    assert torch.allclose(flipped, images.flip(-1), atol=1e-5)


def test_hidden_parts_are_grey_and_bounded(images: torch.Tensor) -> None:
    covered = replace(STILL, hide=1.0)(images, generator()) == 0.5
    share = covered.all(1).float().mean((1, 2))
    assert (share > 0).any()
    assert share.max() < 0.25


def test_tints_leave_grey_images_grey() -> None:
    grey = torch.rand((4, 1, 6, 6), generator=generator()).expand(4, 3, 6, 6)
    tinted = replace(STILL, colour=0.3)(grey, generator())
    assert torch.allclose(tinted[:, 0], tinted[:, 2], atol=1e-5)
    assert not torch.allclose(tinted, grey, atol=1e-3)


def test_poses_without_motion_are_the_identity() -> None:
    still = poses(torch.Size((5, 3, 8, 8)), 0, 0, 0, 0, generator())
    assert torch.allclose(still, torch.eye(2, 3).expand(5, 2, 3))

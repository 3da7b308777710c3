"""Drawing a core: people stay whole, shares are nested, and some come last."""

import numpy as np
import pytest

from forget.data.core import Core, draw_core
from forget.data.image_dataset import ImageDataset
from forget.errors import ForgetError, IdentityError

PEOPLE, EACH = 20, 6


def data(people: bool = True) -> ImageDataset:
    """Twenty people of six images each, the last one of everybody held out."""
    n = PEOPLE * EACH
    images = np.random.default_rng(0).integers(0, 256, (n, 4, 4, 1), np.uint8)
    held_out = np.arange(n) % EACH == EACH - 1
    return ImageDataset(
        name="made up",
        images=images,
        labels=np.arange(n) % 3,
        classes=("a", "b", "c"),
        parts={"train": np.flatnonzero(~held_out), "test": np.flatnonzero(held_out)},
        people=tuple(f"p{i // EACH:02d}" for i in range(n)) if people else (),
    )


def owners(core: Core) -> tuple[set[str], set[str]]:
    names = np.array(data().people)
    return set(names[core.images]), set(names[core.added])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.85])
def test_core_and_added_share_nobody_and_leave_out_nothing(share: float) -> None:
    core = draw_core(data(), share)
    inside, outside = owners(core)
    assert not inside & outside
    assert inside == set(core.people)
    assert len(inside) == round(share * PEOPLE)
    assert np.array_equal(np.union1d(core.images, core.added), data().train)
    assert core.share == len(inside) / PEOPLE


def test_a_larger_share_of_the_same_draw_contains_a_smaller_one() -> None:
    small, large = draw_core(data(), 0.3), draw_core(data(), 0.7)
    assert set(small.people) < set(large.people)
    assert set(draw_core(data(), 0.3, seed=1).people) != set(small.people)


def test_people_who_share_a_picture_stay_together() -> None:
    joined = {"p03": "p01", "p07": "p01"}
    for seed in range(10):
        inside, _ = owners(draw_core(data(), 0.5, joined, seed=seed))
        assert len(inside & {"p01", "p03", "p07"}) in (0, 3)


def test_some_people_are_in_the_core_only_if_the_others_do_not_suffice() -> None:
    late = {"p00", "p01", "p02"}
    never = np.arange(3) * EACH  # the first image of each
    for seed in range(10):
        inside, _ = owners(draw_core(data(), 0.8, {"p05": "p02"}, never, seed))
        assert not inside & {*late, "p05"}
    inside, _ = owners(draw_core(data(), 0.95, never=never))
    assert len(inside & late) == 2


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 0.001])
def test_a_share_that_leaves_nobody_is_refused(share: float) -> None:
    with pytest.raises(ForgetError, match="on both sides"):
        draw_core(data(), share)


def test_images_of_nobody_have_no_core() -> None:
    with pytest.raises(IdentityError, match="whose people are known"):
        draw_core(data(people=False), 0.5)

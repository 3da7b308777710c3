"""Pictures that are nearly somebody else's, which no hash finds."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.data.twins.find import hygiene
from forget.data.twins.shared import SharedPictures, people_shown_in
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.unlearning.contract import Scope
from forget.unlearning.guarantees import guarantee_for


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def faces(orl: FaceDataset) -> FaceDataset:
    """ORL, where s34 has a picture of s35 saved again, and s36 one of s01, who is core."""
    images = orl.images.copy()
    images[orl.of("s34")[0]] = jpeg(images[orl.of("s35")[0]], 70)
    images[orl.of("s36")[0]] = jpeg(images[orl.of("s01")[0]], 70)
    return replace(orl, images=images)


def test_people_who_share_a_picture_are_found(faces: FaceDataset) -> None:
    found = SharedPictures.of(hygiene(faces), faces.core)
    assert found.others == {
        "s34": {"s35"},
        "s35": {"s34"},
        "s36": {"s01"},
        "s01": {"s36"},
    }
    assert found.trained == {"s36"}
    assert SharedPictures.of(hygiene(faces)).trained == frozenset()


def test_what_is_promised_knows_of_them(model: LinearModel, faces: FaceDataset) -> None:
    split = split_by_identity(faces)
    shared = SharedPictures.of(hygiene(faces), faces.core)

    def promised(*people: str) -> tuple[Scope, str, str]:
        found = guarantee_for(model, split, people, shared)
        return found.scope, found.because, found.caveat

    assert promised("s30") == (Scope.MODEL, "", "")
    scope, _, caveat = promised("s34")
    assert scope is Scope.MODEL and caveat.startswith("Nearly the same photograph is enrolled as")
    assert promised("s34", "s35") == (Scope.MODEL, "", "")
    scope, because, _ = promised("s36")
    assert scope is Scope.READOUT and "nearly the same as one of somebody" in because


def test_photographs_from_elsewhere_are_recognised_at_any_quality(orl: FaceDataset) -> None:
    known = orl.only(orl.core)
    theirs = orl.only(["s01", "s02", "s34"])
    again = replace(theirs, images=np.stack([jpeg(one, 40) for one in theirs.images]), core=())
    assert people_shown_in(again, known) == {"s01", "s02"}
    assert people_shown_in(orl.only(orl.added), known) == frozenset()
    small = replace(known, images=known.images[:, ::8, ::8])
    with pytest.raises(ForgetError, match="at least 32 pixels"):
        people_shown_in(again, small)

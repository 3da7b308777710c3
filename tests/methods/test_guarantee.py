"""Who gets which scope."""

from dataclasses import replace

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.linear.feature_map import Penultimate
from forget.methods.registry import unlearn
from forget.models.embedder import Embedder
from forget.pretrained import linearize
from forget.unlearning.contract import Scope


def with_newcomer(orl: FaceDataset, images: np.ndarray) -> FaceDataset:
    """Some added ORL people and a newcomer with some photographs."""
    faces = orl.only(["s21", "s22", "s23"])
    return replace(
        faces,
        images=np.concatenate([faces.images, images]),
        labels=(*faces.labels, *["newcomer"] * len(images)),
    )


def test_added_people_get_the_whole_model(orl: FaceDataset, feature_map: Penultimate) -> None:
    faces = with_newcomer(orl, orl.images[orl.of("s33")])
    guarantee = unlearn(linearize(feature_map, faces), faces, ["newcomer"]).guarantee
    assert guarantee.scope is Scope.MODEL


@pytest.mark.parametrize("k", [0, 6, 9], ids=["trained on", "last trained on", "held out"])
def test_a_core_photograph_under_a_new_name_is_noticed(
    k: int, orl: FaceDataset, feature_map: Penultimate
) -> None:
    pictures = np.concatenate([orl.images[orl.of("s33")], orl.images[orl.of("s07")[[k]]]])
    faces = with_newcomer(orl, pictures)
    guarantee = unlearn(linearize(feature_map, faces), faces, ["newcomer"]).guarantee
    assert guarantee.scope is Scope.READOUT
    assert "a photograph of newcomer" in guarantee.because


def test_the_store_remembers_photographs_that_the_caller_leaves_out(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    faces = with_newcomer(orl, orl.images[orl.of("s07")])
    model = linearize(feature_map, faces)
    renamed = with_newcomer(orl, orl.images[orl.of("s33")])
    assert unlearn(model, renamed, ["newcomer"]).guarantee.scope is Scope.READOUT


def test_unknown_training_data_promises_the_readout_only(
    orl: FaceDataset, feature_map: Penultimate
) -> None:
    faces = orl.only(["s21", "s22", "s23"])
    config, tensors = feature_map.parts
    foreign = Penultimate.from_parts(config, tensors, record=None)
    guarantee = unlearn(linearize(foreign, faces), faces, ["s21"]).guarantee
    assert guarantee.scope is Scope.READOUT
    assert "training data unknown" in guarantee.reason


def test_a_network_says_whom_it_was_trained_on(orl: FaceDataset) -> None:
    faces = orl.only(["s21", "s22", "s23", "s24"])
    network = Embedder()
    for core, person, scope in (
        (["s21", "s22"], "s23", Scope.MODEL),
        (["s21", "s22"], "s21", Scope.READOUT),
        ([], "s21", Scope.MODEL),
        (None, "s21", Scope.READOUT),
    ):
        model = linearize(network, faces, core, ridge=1e-3)
        assert unlearn(model, faces, [person]).guarantee.scope is scope

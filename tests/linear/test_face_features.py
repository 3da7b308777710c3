"""Face networks from elsewhere as frozen parts: forgetting is exact, files hold the whole."""

from pathlib import Path

import numpy as np
import pytest
from models.face_networks import mobile
from PIL import Image

import forget
from forget.data.dataset import FaceDataset
from forget.data.recognition.crops import load_crops, open_faces
from forget.data.recognition.lazy_photographs import LazyPhotographs
from forget.data.recognition.record_writer import write_records
from forget.data.split import split_by_identity
from forget.effect import measure_effect
from forget.errors import CheckpointError, ForgetError, PhotographError
from forget.linear.archive import model_bytes, read_model, save_model
from forget.linear.face_features import FaceFeatures
from forget.linear.kinds import read_feature_map
from forget.linear.model import LinearModel, all_rows
from forget.linear.proof import prove
from forget.linearizations import training_part
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone
from forget.pretrained import linearize
from forget.unlearning.contract import Scope

CROP = (112, 112)


@pytest.fixture(scope="module")
def crops(orl: FaceDataset) -> FaceDataset:
    """Six people, scaled to crops in three equal channels."""
    indices = np.concatenate([orl.of(f"s{k:02}") for k in (1, 2, 21, 22, 33, 34)])
    grey = [np.asarray(Image.fromarray(one).resize(CROP)) for one in orl.images[indices]]
    images = np.repeat(np.stack(grey)[..., None], 3, axis=3)
    return FaceDataset("crops", images, tuple(orl.labels[i] for i in indices))


@pytest.fixture(scope="module")
def backbone() -> FaceBackbone:
    """A random MobileFaceNet."""
    return FaceBackbone(mobile(), Convention(scale=128.0, width=96), "random")


@pytest.fixture(scope="module")
def model(backbone: FaceBackbone, crops: FaceDataset) -> LinearModel:
    return linearize(backbone, crops)


def test_forgetting_is_exact_for_the_readout_since_nobody_knows_who_trained_the_network(
    model: LinearModel, crops: FaceDataset
) -> None:
    after = forget.unlearn(model, crops, ["s34"])
    again = forget.refit(model, crops, without=["s34"])
    assert after.model.statistics.digest() == again.statistics.digest()
    assert np.array_equal(after.model.predict(crops.images[:5]), again.predict(crops.images[:5]))
    assert after.guarantee.scope is Scope.READOUT


def test_who_trained_it_may_be_said(backbone: FaceBackbone, crops: FaceDataset) -> None:
    told = linearize(backbone, crops, core=["s01", "s02"])
    assert forget.unlearn(told, crops, ["s34"]).guarantee.scope is Scope.MODEL
    assert forget.unlearn(told, crops, ["s01"]).guarantee.scope is Scope.READOUT


@pytest.mark.parametrize("kind", ["tangent"])
def test_other_linearizations_stand_on_it(
    kind: str, backbone: FaceBackbone, crops: FaceDataset
) -> None:
    model = linearize(backbone, crops, core=["s01", "s02"], kind=kind)
    after = forget.unlearn(model, crops, ["s34"])
    again = forget.refit(model, crops, without=["s34"])
    assert after.model.statistics.digest() == again.statistics.digest()


def test_a_file_holds_network_and_convention(
    model: LinearModel, crops: FaceDataset, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "model.safetensors")
    read = read_model(tmp_path / "model.safetensors")
    assert read.statistics.digest() == model.statistics.digest()
    assert read.feature_map.space == model.feature_map.space
    assert np.array_equal(read.predict(crops.images[:4]), model.predict(crops.images[:4]))
    config, tensors = model.feature_map.parts
    assert config["backbone"]["convention"]["width"] == 96
    with pytest.raises(CheckpointError):
        read_feature_map(
            {"kind": FaceFeatures.kind, "network": {"kind": "face network"}}, tensors, None
        )
    with pytest.raises(CheckpointError):
        FaceFeatures.from_parts({"kind": "embedder"}, {}, None)


@pytest.mark.slow
def test_records_that_are_decoded_on_the_way_give_the_same_file(
    backbone: FaceBackbone, crops: FaceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = crops.only(["s01", "s21", "s33"])
    for k, (person, image) in enumerate(zip(few.labels, few.images, strict=True)):
        (tmp_path / "people" / person).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "people" / person / f"{k}.png")
    write_records(open_faces(tmp_path / "people"), tmp_path / "records")
    eager = load_crops(tmp_path / "records")
    monkeypatch.setattr("forget.data.recognition.crops.MOST", 3)
    lazy = load_crops(tmp_path / "records")
    assert isinstance(lazy.images, LazyPhotographs) and not isinstance(eager.images, type(lazy))
    one, other = (linearize(backbone, faces, core=["0"]) for faces in (eager, lazy))
    assert one.statistics.digest() == other.statistics.digest()
    assert one.threshold == other.threshold and model_bytes(one) == model_bytes(other)
    after = forget.unlearn(other, lazy, ["1"])
    assert after.model.statistics == forget.unlearn(one, eager, ["1"]).model.statistics
    assert after.guarantee.scope is Scope.MODEL and prove(after.model).holds
    again = forget.refit(other, lazy, without=["1"], from_photographs=True)
    assert again.people == after.model.people == ["0", "2"]
    rows = all_rows(one.feature_map, lazy.images)
    split = split_by_identity(lazy).forgetting(["1"])
    effect = measure_effect(other, after.model, split, rows)
    assert effect.proof.holds and len(effect.them) == 3
    assert np.array_equal(other.predict(lazy.images), one.predict(eager.images))
    # What a linearization is chosen on is left undecoded until it is chosen.
    assert isinstance(training_part(lazy, ["0", "2"]).images, LazyPhotographs)
    tangents = [linearize(backbone, faces, core=["0"], kind="tangent") for faces in (eager, lazy)]
    assert tangents[0].statistics.digest() == tangents[1].statistics.digest()


def test_a_convention_of_another_size_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"a convention of \(112, 96\) pixels"):
        FaceBackbone(mobile(), Convention(width=112), "random")


def test_rows_are_those_of_the_backbone_and_uncropped_photographs_are_refused(
    model: LinearModel, backbone: FaceBackbone, crops: FaceDataset, orl: FaceDataset
) -> None:
    own = model.feature_map.grid.real(model.feature_map.rows(crops.images[:3]))
    assert np.allclose(own, backbone.embed(crops.images[:3]), atol=2**-15)
    assert np.allclose(np.linalg.norm(own, axis=1), 1, atol=1e-3)
    with pytest.raises((ForgetError, PhotographError)):
        model.predict(orl.images[:1])

"""Forgetting in a study: older names of methods, their settings, and what is told."""

from pathlib import Path

import numpy as np
import pytest

import forget
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.model import LinearModel
from forget.linear.proof import prove
from forget.methods.registry import LINEAR_METHODS
from forget.recognition.embedding import as_read, linear_features, network_features
from forget.recognition.faces import study_faces
from forget.recognition.forgetting import effect_on, spoken, told
from forget.recognition.linear_part import fit_linear, steps_of
from forget.recognition.methods import OLDER_NAMES, study_method, unlearn_people
from forget.recognition.networks import study_network
from forget.recognition.settings import (
    DataSettings,
    LinearizerKeys,
    ModelSettings,
    ProjectionSettings,
    Settings,
    SvdSettings,
    UnlearningSettings,
)

FEW = LinearizerKeys(kind="linearizer", num_epochs=2, batch_size=8, num_blocks=2)


@pytest.fixture(scope="module")
def settings(crops: Path, weights: Path) -> Settings:
    network = ModelSettings(backbone="mobilefacenet", pretrained_path=str(weights))
    keys = LinearizerKeys(kind="penultimate")
    return Settings(DataSettings(root_dir=str(crops)), network, keys)


@pytest.fixture(scope="module")
def faces(settings: Settings) -> FaceDataset:
    return study_faces(settings)


@pytest.fixture(scope="module")
def model(settings: Settings, faces: FaceDataset) -> LinearModel:
    return fit_linear(settings, faces, study_network(settings.model))


@pytest.mark.parametrize("name", [*LINEAR_METHODS, *OLDER_NAMES])
def test_every_method_runs_by_today_s_name_and_the_older_one(
    name: str, model: LinearModel, faces: FaceDataset
) -> None:
    keys = UnlearningSettings(method=name, svd_update=SvdSettings(rank=3))
    today, _ = study_method(keys)
    found = unlearn_people(model, faces, ["bert"], keys)
    plain = forget.unlearn(model, faces, ["bert"], today)
    assert found.guarantee == plain.guarantee
    assert "bert" not in found.model.people
    assert found.model.statistics.digest() == plain.model.statistics.digest()


def test_the_rank_of_a_projection_is_that_of_the_settings(
    model: LinearModel, faces: FaceDataset
) -> None:
    keys = UnlearningSettings(
        "orthogonal_projection", orthogonal_projection=ProjectionSettings(rank=1)
    )
    assert unlearn_people(model, faces, ["bert"], keys).detail["directions erased"] == 1


def test_a_method_that_is_not_there_is_told() -> None:
    with pytest.raises(
        ForgetError, match="unlearning.method: one of subtract.*linear_combination"
    ):
        study_method(UnlearningSettings("magic"))


def test_what_is_told_of_an_exact_method_is_its_proof(
    model: LinearModel, faces: FaceDataset
) -> None:
    found = unlearn_people(model, faces, ["bert"], UnlearningSettings())
    effect = effect_on(model, found, faces, ["bert"])
    report, lines = told("subtract", found, effect), "\n".join(spoken("subtract", found, effect))
    assert report["forgotten"] == ["bert"]
    assert report["guarantee"]["scope"] == "readout"  # nobody knows who trained the network
    assert report["proof"]["holds"]
    assert report["watched"] == 5
    assert "Proof holds" in lines
    assert "Forgotten by subtract: bert" in lines


def test_suppression_is_never_told_as_forgetting(model: LinearModel, faces: FaceDataset) -> None:
    found = unlearn_people(model, faces, ["bert"], UnlearningSettings("project"))
    effect = effect_on(model, found, faces, ["bert"])
    lines = "\n".join(spoken("project", found, effect))
    assert lines.startswith("Suppressed by project")
    assert "Proof" not in lines
    assert "template" in lines
    assert told("project", found, effect)["suppressed"] == ["bert"]


def test_only_some_of_many_others_are_watched(
    model: LinearModel, faces: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forget.recognition.forgetting.WATCHED", 2)
    found = unlearn_people(model, faces, ["bert"], UnlearningSettings())
    effect = effect_on(model, found, faces, ["bert"])
    assert effect.others["person"].tolist() == ["anna", "dora"]


def test_features_that_are_compared_rank_as_the_head_does(
    model: LinearModel, faces: FaceDataset
) -> None:
    features = linear_features(model)(faces.images)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    means = model.head.whitened(model.head.targets.T)  # type: ignore[attr-defined]
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert np.allclose(units @ means.T, model.predict(faces.images))
    own = network_features(study_network(ModelSettings()))
    assert own(faces.images[:3]).shape == (3, 128)  # colour crops, made grey for the embedder


def test_grey_photographs_and_those_of_other_networks_stay_as_they_are(
    model: LinearModel, faces: FaceDataset
) -> None:
    assert as_read(model.feature_map, faces.images) is faces.images
    grey = np.zeros((2, 112, 92), np.uint8)
    assert as_read(study_network(ModelSettings()), grey) is grey
    assert as_read(study_network(ModelSettings()), faces.images[:0]).shape == (0, 112, 112)


def test_a_linearizer_is_trained_on_the_core_and_goes_on_after_a_kill(
    settings: Settings, faces: FaceDataset, tmp_path: Path
) -> None:
    network = study_network(settings.model)
    own = Settings(settings.data, settings.model, FEW)
    whole = fit_linear(own, faces, network)
    assert isinstance(whole.feature_map, LinearizerFeatures)
    partial = tmp_path / "partial.pt"

    class Killed(Exception): ...

    def kill(done: int, total: int, note: str = "") -> None:
        if "epoch 2" in note:
            raise Killed

    with pytest.raises(Killed):
        fit_linear(own, faces, network, on_step=kill, partial=partial)
    assert partial.is_file()
    steps: list[int] = []

    def count(done: int, total: int, note: str = "") -> None:
        if "epoch" in note:
            steps.append(done)

    again = fit_linear(own, faces, network, on_step=count, partial=partial)
    each = steps_of(FEW, 15)
    assert steps == list(range(each + 1, 2 * each + 1))
    assert not partial.exists()
    assert again.statistics.digest() == whole.statistics.digest()
    assert prove(forget.unlearn(again, faces, ["bert"]).model).holds

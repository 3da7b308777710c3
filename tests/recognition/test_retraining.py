"""Training a face network from scratch, and methods compared with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.models.iresnet import IResNet
from forget.models.margins import AdaFace, ArcFace, CosFace, MagFace
from forget.models.mobilefacenet import MobileFaceNet
from forget.processes import alone
from forget.recognition.comparison import Study, compare_study
from forget.recognition.faces import study_faces
from forget.recognition.linear_part import fit_linear
from forget.recognition.networks import study_network
from forget.recognition.retraining import margin_head, new_network, train_backbone
from forget.recognition.settings import (
    ArcFaceSettings,
    DataSettings,
    EvaluationSettings,
    LinearizerKeys,
    ModelSettings,
    Settings,
    TrainingSettings,
)


@pytest.fixture(scope="module")
def settings(crops: Path, weights: Path) -> Settings:
    return Settings(
        DataSettings(root_dir=str(crops)),
        ModelSettings(backbone="mobilefacenet", pretrained_path=str(weights), embedding_size=8),
        LinearizerKeys(kind="penultimate"),
        evaluation=EvaluationSettings(num_folds=2),
        training=TrainingSettings(batch_size=8, num_epochs=1, learning_rate=0.02),
    )


@pytest.mark.parametrize(
    ("loss", "kind"),
    [("arcface", ArcFace), ("cosface", CosFace), ("magface", MagFace), ("adaface", AdaFace)],
)
def test_the_margin_is_that_of_the_settings(loss: str, kind: type) -> None:
    model = ModelSettings(loss_type=loss, arcface=ArcFaceSettings(0.3, 30.0))  # type: ignore[arg-type]
    head = margin_head(model, 5, torch.Generator().manual_seed(0))
    assert type(head) is kind
    assert head.scale == 30.0
    assert head.centres.shape == (5, 512)
    if loss in ("arcface", "cosface"):
        assert head.margin == 0.3


def test_the_network_is_that_of_the_settings() -> None:
    found = new_network(ModelSettings(backbone="iresnet18", embedding_size=16))
    assert isinstance(found, IResNet)
    assert (found.config["depth"], found.dimension) == (18, 16)
    assert isinstance(new_network(ModelSettings(backbone="mobilefacenet")), MobileFaceNet)
    with pytest.raises(ForgetError, match="an iresnet or mobilefacenet"):
        new_network(ModelSettings())


def test_same_seed_same_network_another_seed_another(settings: Settings) -> None:
    faces = study_faces(settings)
    some = split_by_identity(faces).train[:16]

    def trained(seed: int) -> str:
        return train_backbone(replace(settings, seed=seed), faces, some, alone()).fingerprint

    assert trained(0) == trained(0) != trained(1)


def test_what_cannot_be_trained_on_is_told(settings: Settings) -> None:
    faces = study_faces(settings)
    with pytest.raises(ForgetError, match="photographs of 2 people"):
        train_backbone(settings, faces, faces.of("anna"), alone())
    for wrong in ({"batch_size": 1}, {"num_epochs": 0}, {"learning_rate": 0.0}):
        keys = replace(settings.training, **wrong)  # type: ignore[arg-type]
        with pytest.raises(ForgetError, match="training.batch_size from 2"):
            train_backbone(replace(settings, training=keys), faces, faces.of("anna"), alone())


@pytest.mark.slow
def test_a_network_from_elsewhere_is_read_against_two_that_were_trained_alike(
    settings: Settings,
) -> None:
    faces = study_faces(settings)
    model = fit_linear(settings, faces, study_network(settings.model))
    told: list[str] = []
    table = compare_study(
        Study(settings, model, faces, ["bert"], alone()),
        ["subtract", "refit"],
        lambda done, total, note="": told.append(note),
    ).set_index("method")
    assert table.index.tolist() == ["original", "subtract", "refit", "train", "retrain"]
    assert table["guarantee"].tolist() == ["none", "exact", "exact", "none", "exact"]
    assert table["scope"].tolist() == ["model", "readout", "readout", "model", "model"]
    assert table.loc["retrain", "agree"] == 1.0
    figures = ["forgotten named", "others recognised", "agree", "equal error"]
    assert np.allclose(*(table.loc[one, figures].astype(float) for one in ("subtract", "refit")))
    assert table.loc["subtract", "forgotten recognised"] == 0
    assert told[0].startswith("train, ")
    assert told[-1].startswith("retrain, ")

"""The photographs and the network of a study: what settings mean, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from forget.data.recognition.crops import open_faces
from forget.data.recognition.record_writer import write_records
from forget.errors import CheckpointError, ForgetError
from forget.recognition.faces import people_of, resolved, study_faces
from forget.recognition.networks import study_network
from forget.recognition.settings import (
    DataSettings,
    ModelSettings,
    Ms1mv2Settings,
    Settings,
)

MOBILE = ModelSettings(backbone="mobilefacenet")


def of(root: str | Path, model: ModelSettings = MOBILE, **more: object) -> Settings:
    return Settings(data=DataSettings(root_dir=str(root), **more), model=model)  # type: ignore[arg-type]


def test_a_study_knows_the_core_of_the_demo_and_draws_one_elsewhere(crops: Path) -> None:
    demo = study_faces(Settings())
    assert demo.core
    assert len(demo.core) == 20
    drawn = study_faces(of(crops))
    assert drawn.core == ("anna", "cora", "emil")
    assert study_faces(of(crops, core_share=0.34)).core == ("anna", "dora")
    for share in (0.0, 1.0, -1.0):
        with pytest.raises(ForgetError, match="data.core_share"):
            study_faces(of(crops, core_share=share))


def test_the_embedder_reads_a_folder_in_grey(crops: Path) -> None:
    assert study_faces(of(crops, ModelSettings())).images.shape == (42, 112, 92)
    assert study_faces(of(crops)).images.shape == (42, 112, 112, 3)


def test_records_take_the_place_of_the_folder_and_their_counts_are_checked(
    crops: Path, tmp_path: Path
) -> None:
    write_records(open_faces(crops), tmp_path / "records")
    right = Ms1mv2Settings("records", num_identities=6, num_images=42)
    faces = study_faces(of(tmp_path, ms1mv2=right))
    assert faces.identities == [str(number) for number in range(6)]
    for key in ("num_identities", "num_images"):
        wrong = replace(right, **{key: 41})
        with pytest.raises(ForgetError, match=rf"ms1mv2.{key}: 41"):
            study_faces(of(tmp_path, ms1mv2=wrong))


def test_people_are_named_by_id_or_by_place(crops: Path) -> None:
    faces = study_faces(of(crops))
    assert people_of(faces, ["bert", 0, "5"]) == ["bert", "anna", "fred"]
    assert people_of(faces, ["somebody"]) == ["somebody"]  # whoever looks them up says more
    with pytest.raises(ForgetError, match="places from 0 to 5"):
        people_of(faces, [6])
    with pytest.raises(ForgetError, match="somebody to forget"):
        people_of(faces, [])


def test_sets_lie_beside_the_photographs_or_where_they_are_said_to(tmp_path: Path) -> None:
    (tmp_path / "lfw.bin").touch()
    data = DataSettings(root_dir=str(tmp_path))
    assert resolved("lfw.bin", data) == tmp_path / "lfw.bin"
    assert resolved("other.bin", data) == Path("other.bin")
    assert resolved(str(tmp_path / "x"), data) == tmp_path / "x"


def test_a_network_comes_from_the_file_that_is_named(weights: Path) -> None:
    found = study_network(replace(MOBILE, pretrained_path=str(weights), embedding_size=8))
    assert found.space.dimension == 8
    assert found.record is None
    assert study_network(ModelSettings()).record is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "no model.pretrained_path"),
        ({"pretrained_path": "/nowhere.pth"}, "nothing at"),
        ({"use_insightface": True}, "the pack buffalo_l"),
    ],
)
def test_a_network_that_is_not_there_is_told_with_the_remedy(
    change: dict[str, object], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match=told):
        study_network(replace(MOBILE, **change))  # type: ignore[arg-type]


def test_another_network_than_the_settings_say_is_refused(weights: Path) -> None:
    path = str(weights)
    with pytest.raises(CheckpointError, match="depth 50"):
        study_network(ModelSettings(backbone="iresnet50", pretrained_path=path))
    with pytest.raises(CheckpointError, match="embedding_size: 512"):
        study_network(replace(MOBILE, pretrained_path=path, embedding_size=512))
    with pytest.raises(CheckpointError, match="embedding_size: 512"):
        study_network(ModelSettings(embedding_size=512))

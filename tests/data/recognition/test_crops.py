"""Aligned crops from wherever they lie, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forget.data.recognition.crops import load_crops, open_faces
from forget.data.recognition.record_images import RecordImages
from forget.data.recognition.record_writer import write_records
from forget.errors import ForgetError, PhotographError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with two crops each, as PNG."""
    draw = np.random.default_rng(0)
    for person in ("anna", "bert"):
        (tmp_path / "faces" / person).mkdir(parents=True)
        for k in range(2):
            pixels = draw.integers(0, 256, (112, 112, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / person / f"{k}.png")
    return tmp_path / "faces"


def test_a_folder_and_the_records_made_of_it_are_the_same(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    faces = load_crops(folder, on_step=lambda done, total, note="": told.append((done, total)))
    assert faces.labels == ("anna", "anna", "bert", "bert") and faces.name == "faces"
    assert told[-1] == (4, 4)
    with Image.open(folder / "bert" / "1.png") as image:
        assert np.array_equal(faces.images[3], np.asarray(image))
    write_records(open_faces(folder), tmp_path / "records")
    assert isinstance(open_faces(tmp_path / "records"), RecordImages)
    again = load_crops(tmp_path / "records", name="again")
    assert again.name == "again" and np.array_equal(again.images, faces.images)
    assert len(set(again.labels)) == 2


def test_crops_of_another_size_and_nothing_are_refused(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (96, 112)).save(folder / "bert" / "2.png")
    with pytest.raises(PhotographError, match="got 96 x 112 of image 4"):
        load_crops(folder)
    with pytest.raises(ForgetError):
        load_crops(tmp_path / "nothing")

"""Aligned crops of people in memory, from a folder, a list or records."""

from pathlib import Path

import numpy as np

from forget.data.dataset import FaceDataset
from forget.data.recognition.labelled_faces import LabelledFaces
from forget.data.recognition.lists import read_image_folder, read_image_list
from forget.data.recognition.record_images import RecordImages
from forget.errors import PhotographError
from forget.progress import OnStep, silent

__all__ = ["MOST", "SIDE", "load_crops", "open_faces"]

SIDE = 112  # pixels, height and width
MOST = 100_000  # crops in memory: 3.8 GB


def open_faces(source: str | Path) -> LabelledFaces:
    """Opens faces wherever they lie, without reading their images.

    Arguments:
        source: A folder with train.rec, or of people; a .rec file; or a list of images.

    Raises:
        ForgetError: Nothing of the kind is there.
    """
    path = Path(source).expanduser()
    if path.suffix == ".rec" or (path / "train.rec").is_file():
        return RecordImages(path if path.suffix == ".rec" else path / "train.rec")
    if path.is_file():
        return read_image_list(path)
    return read_image_folder(path)


def load_crops(
    source: str | Path | LabelledFaces, name: str = "", on_step: OnStep = silent
) -> FaceDataset:
    """Reads aligned crops, RGB, 112 x 112 pixels.

    Arguments:
        source: What `open_faces` opens, or what it gave.
        name: What people call the data set; by default the last part of the path.
        on_step: Told of crops.

    Raises:
        PhotographError: A crop of another size, or more than 100,000 of them.
    """
    opened = open_faces(source) if isinstance(source, str | Path) else source
    called = name or (Path(source).name if isinstance(source, str | Path) else "faces")
    if len(opened) > MOST:
        raise PhotographError(
            f"at most {MOST:,} crops in memory",
            f"{len(opened):,} in {called}",
            "Choose some people, or stream them into statistics.",
        )
    crops = np.empty((len(opened), SIDE, SIDE, 3), np.uint8)
    for index in range(len(opened)):
        crop = opened.image(index)
        if crop.shape != crops.shape[1:]:
            raise PhotographError(
                f"aligned crops of {SIDE} x {SIDE} pixels",
                f"{crop.shape[1]} x {crop.shape[0]} of image {index:,} in {called}",
                "Align the faces first: forget.data.recognition.align.",
            )
        crops[index] = crop
        on_step(index + 1, len(opened), "crops")
    labels = tuple(opened.people[int(number)] for number in opened.labels)
    return FaceDataset(called, crops, labels)

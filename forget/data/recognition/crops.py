"""Aligned crops of people from a folder, a list or records, in memory as far as they fit."""

from pathlib import Path

import numpy as np

from forget.data.dataset import FaceDataset, Images
from forget.data.recognition.labelled_faces import LabelledFaces
from forget.data.recognition.lazy_photographs import SIDE, LazyPhotographs
from forget.data.recognition.lists import read_image_folder, read_image_list
from forget.data.recognition.record_images import RecordImages
from forget.progress import OnStep, silent

__all__ = ["MOST", "SIDE", "load_crops", "open_faces"]

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

    Up to 100,000 are decoded into memory; more are opened, and decoded when they are asked for,
    so that a damaged one or one of another size is told then.

    Arguments:
        source: What `open_faces` opens, or what it gave.
        name: What people call the data set; by default the last part of the path.
        on_step: Told of crops.

    Raises:
        PhotographError: A crop of another size.
    """
    opened = open_faces(source) if isinstance(source, str | Path) else source
    called = name or (Path(source).name if isinstance(source, str | Path) else "faces")
    people = opened.people
    labels = tuple(people[number] for number in opened.labels.tolist())
    crops = LazyPhotographs(opened, called)
    return FaceDataset(called, crops if len(crops) > MOST else _decoded(crops, on_step), labels)


def _decoded(crops: LazyPhotographs, on_step: OnStep) -> Images:
    pixels = np.empty(crops.shape, np.uint8)
    for index, crop in enumerate(crops):
        pixels[index] = crop
        on_step(index + 1, len(crops), "crops")
    return pixels

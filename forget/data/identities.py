"""Faces as classes: a data set in which naming somebody is a classification."""

import numpy as np
from PIL import Image

from forget.data.dataset import FaceDataset, Images
from forget.data.image_dataset import ImageDataset
from forget.data.split import split_by_identity

__all__ = ["as_classes"]


def as_classes(faces: FaceDataset, side: int = 48) -> ImageDataset:
    """Photographs of people as square images with a class for each person.

    Train and test are the photographs that `split_by_identity` fits on and holds out, of
    everybody, core or not: this is for networks that are trained on all people.

    Arguments:
        faces: The photographs, grey or in colour.
        side: Height and width that they are scaled to, pixels.
    """
    split = split_by_identity(faces)
    place = {person: number for number, person in enumerate(faces.identities)}
    labels = np.array([place[person] for person in faces.labels], dtype=np.int64)
    parts = {
        "train": np.sort(split.train_of(faces.identities)),
        "test": np.sort(split.test_of(faces.identities)),
    }
    titles = tuple(faces.title(person) for person in faces.identities)
    images = np.stack([_square(image, side) for image in faces.images])
    return ImageDataset(faces.name, images, labels, titles, parts, tuple(faces.labels))


def _square(image: Images, side: int) -> Images:
    small = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BOX))
    return small if small.ndim == 3 else small[..., None]

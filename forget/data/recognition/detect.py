"""Finds faces and their five landmarks with a detector that is installed, if there is one.

None is required: `facenet-pytorch` carries MTCNN with its weights in 2 MB, and asks for old
releases of torch that it works without. So it is installed without what it asks for.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forget.data.recognition.align import align
from forget.errors import ForgetError, PhotographError

__all__ = ["Detector", "Faces", "align_largest", "installed_detector"]

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

INSTALL = "Install one with: pip install --no-deps facenet-pytorch. Or give the landmarks."


class Faces(NamedTuple):
    """The faces in one photograph.

    Arguments:
        boxes: Left, top, right and bottom of each, pixels, (n, 4).
        points: Left eye, right eye, nose, left and right corner of the mouth, (n, 5, 2).
        scores: How sure the detector is, in [0, 1], (n,).
    """

    boxes: Reals
    points: Reals
    scores: Reals


Detector = Callable[[Pixels], Faces]


def installed_detector(device: str = "cpu") -> Detector:
    """Loads the detector of facenet-pytorch.

    Arguments:
        device: Where it runs, such as "cpu" or "cuda".

    Raises:
        ForgetError: It is not installed.

    References:
        | Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks
          (Zhang et al., 2016)
    """
    try:
        from facenet_pytorch import MTCNN
    except ImportError as error:
        raise ForgetError("an installed face detector", "none", INSTALL) from error
    network = MTCNN(keep_all=True, device=device)

    def detect(image: Pixels) -> Faces:
        boxes, scores, points = network.detect(Image.fromarray(image), landmarks=True)
        if boxes is None:
            return Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))
        found = (np.asarray(one, dtype=np.float64) for one in (boxes, points, scores))
        return Faces(*found)

    return detect


def align_largest(image: Pixels, detector: Detector, size: int = 112) -> Pixels:
    """Aligns the largest face in a photograph.

    Arguments:
        image: (height, width, 3), RGB.
        detector: From `installed_detector`, or any other.
        size: Height and width to return, pixels; see `align`.

    Raises:
        PhotographError: No face is found.
        ForgetError: As `align` does.
    """
    faces = detector(image)
    if not len(faces.boxes):
        got = f"none in {image.shape[1]} x {image.shape[0]} pixels"
        remedy = "Take a photograph that shows the face from the front, or give the landmarks."
        raise PhotographError("a face that the detector finds", got, remedy)
    sides = faces.boxes[:, 2:] - faces.boxes[:, :2]
    return align(image, faces.points[int(np.prod(sides, axis=1).argmax())], size)

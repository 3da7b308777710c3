"""Face alignment: a photograph turned, scaled and cut so that landmarks lie where they should.

Points are x and y in pixels, and whole numbers are the centres of pixels, as in OpenCV.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from forget.errors import ForgetError

__all__ = ["TEMPLATE", "align", "crop_96", "five_points", "similarity", "template", "warp"]

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

# Left eye, right eye, nose, left and right corner of the mouth in 112 x 112 pixels; left is where
# x is small.
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
TEMPLATE.flags.writeable = False
EYES = ((36, 39), (42, 45))  # outer and inner corner of both, of 68 points
NOSE, MOUTH = 30, (48, 54)
LANDMARKS = "Give the landmarks of one face, x before y."
MAX_SIDE = 4096  # pixels


def align(image: Pixels, landmarks: ArrayLike, size: int = 112) -> Pixels:
    """Cuts a face out of a photograph as recognition networks are trained on it.

    Arguments:
        image: (height, width, 3), or (height, width).
        landmarks: 5 points, or 68 of which 5 are made, (5, 2) or (68, 2).
        size: Height and width to return, a multiple of 112 or of 128 pixels.

    Returns:
        (size, size, 3) or (size, size); black where the photograph ends.

    Raises:
        ForgetError: Arrays of other shapes, another size, or landmarks that are no face, or none
            inside the photograph.

    References:
        | ArcFace: Additive Angular Margin Loss for Deep Face Recognition (Deng et al., 2019)
    """
    points = np.asarray(landmarks, dtype=np.float64)
    five = five_points(points) if len(points) == 68 else points
    return warp(image, similarity(five, template(size)), (size, size))


def template(size: int = 112) -> Reals:
    """Where the five landmarks shall lie in a square of a multiple of 112 or 128 pixels, (5, 2).

    Raises:
        ForgetError: Another size, or one above 4096.
    """
    if size % 112 == 0 and 0 < size <= MAX_SIDE:
        return TEMPLATE * (size / 112)
    if size % 128 == 0 and 0 < size <= MAX_SIDE:
        return (TEMPLATE + [8.0, 0.0]) * (size / 128)
    raise ForgetError(f"a multiple of 112 or 128 up to {MAX_SIDE}", f"{size}", "Choose 112.")


def five_points(points: ArrayLike) -> Reals:
    """Makes five landmarks of the usual 68: the middle of each eye, nose, corners of the mouth.

    Arguments:
        points: (68, 2), in the order of iBUG 300-W.

    Raises:
        ForgetError: An array of another shape.

    References:
        | 300 Faces in-the-Wild Challenge (Sagonas et al., 2013)
    """
    found = np.asarray(points, dtype=np.float64)
    if found.shape != (68, 2):
        raise ForgetError("landmarks (68, 2)", f"{found.shape}", LANDMARKS)
    eyes = [found[list(corners)].mean(axis=0) for corners in EYES]
    return np.stack([*eyes, found[NOSE], *found[list(MOUTH)]])


def similarity(source: ArrayLike, target: ArrayLike) -> Reals:
    r"""The rotation, scale and shift that bring points closest to others, by least squares.

    With points as complex numbers around their means, a similarity without reflection is a
    factor, and the best one is

    .. math:: a = \frac{\sum_i \bar z_i w_i}{\sum_i |z_i|^2}

    which is Umeyama's solution in the plane.

    Arguments:
        source: At least 2 different points, (k, 2).
        target: Where each shall go, (k, 2).

    Returns:
        The matrix M of :math:`w = M (z_x, z_y, 1)^T`, (2, 3).

    Raises:
        ForgetError: Other shapes, numbers that are not finite, points that are all the same, or
            targets that no turn brings them closer to.

    References:
        | Least-Squares Estimation of Transformation Parameters Between Two Point Patterns
          (Umeyama, 1991)
    """
    z, w = (np.asarray(points, dtype=np.float64) for points in (source, target))
    if z.ndim != 2 or z.shape[1] != 2 or z.shape != w.shape or len(z) < 2:
        raise ForgetError(f"points {w.shape}", f"{z.shape}", LANDMARKS)
    if not (np.isfinite(z).all() and np.isfinite(w).all()):
        raise ForgetError("points with finite coordinates", "others", LANDMARKS)
    middle, goal = z.mean(axis=0), w.mean(axis=0)
    z, w = ((points - mean) @ [1, 1j] for points, mean in ((z, middle), (w, goal)))
    spread = float(np.sum(np.abs(z) ** 2))
    a = np.vdot(z, w) / spread if spread > 0 else 0j
    if not 1e-6 < abs(a) < 1e6:
        raise ForgetError("different points in the shape of their targets", "others", LANDMARKS)
    turn = np.array([[a.real, -a.imag], [a.imag, a.real]])
    return np.column_stack([turn, goal - turn @ middle])


def warp(image: Pixels, matrix: ArrayLike, size: tuple[int, int] = (112, 112)) -> Pixels:
    """Moves an image, with bilinear interpolation between pixels and black around it.

    Arguments:
        image: (height, width, 3), or (height, width).
        matrix: Where each point goes, (2, 3).
        size: Height and width to return, pixels.

    Raises:
        ForgetError: Another shape, a matrix that squeezes the image flat, or nothing to see.
    """
    image, matrix = np.asarray(image), np.asarray(matrix, dtype=np.float64)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        got = f"{image.shape} of {image.dtype}"
        raise ForgetError("an image (height, width, 3) of uint8", got, "Decode it as RGB.")
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all() or not _regular(matrix[:, :2]):
        raise ForgetError("an invertible matrix (2, 3)", f"{matrix.tolist()}", LANDMARKS)
    back = np.linalg.inv(matrix[:, :2])  # from the result to the image, as Pillow wants it
    offset = -back @ matrix[:, 2]
    left, top, right, bottom = _needed(back, offset, size, image.shape[:2])
    # In Pillow the centre of the first pixel is 0.5; the part that is cut out begins at (0, 0).
    shift = offset - [left, top] + 0.5 - back @ [0.5, 0.5]
    steps = (*back[0], shift[0], *back[1], shift[1])
    channels = []
    for channel in np.moveaxis(np.atleast_3d(image), 2, 0):
        # As float, since Pillow cuts the fractions of bytes off instead of rounding them.
        part = Image.fromarray(channel).crop((left, top, right, bottom)).convert("F")
        moved = part.transform(
            size[::-1], Image.Transform.AFFINE, steps, Image.Resampling.BILINEAR
        )
        channels.append(np.rint(np.asarray(moved)).astype(np.uint8))
    return np.stack(channels, axis=2) if image.ndim == 3 else channels[0]


def crop_96(image: Pixels) -> Pixels:
    """The middle 96 columns of an aligned face, as SphereFace and its descendants take it.

    Arguments:
        image: (112, 112, ...).

    Returns:
        (112, 96, ...).

    Raises:
        ForgetError: An image of another size.
    """
    if image.shape[:2] != (112, 112):
        raise ForgetError("an aligned face (112, 112)", f"{image.shape[:2]}", "Align it first.")
    return image[:, 8:104]


def _regular(turn: Reals) -> bool:
    return 1e-12 < abs(float(np.linalg.det(turn))) < 1e12


def _needed(
    back: Reals, offset: Reals, size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is needed of an image and of one black pixel around."""
    height, width = size
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ForgetError(f"a size of 1 to {MAX_SIDE} pixels", f"{size}", "Choose (112, 112).")
    corners = np.array([[x, y] for x in (0, width - 1) for y in (0, height - 1)], dtype=np.float64)
    found = corners @ back.T + offset
    limits = np.array([shape[1], shape[0]])
    low = np.clip(np.floor(found.min(axis=0)) - 1, -1, limits)
    high = np.clip(np.ceil(found.max(axis=0)) + 2, -1, limits + 1)
    if (low >= limits).any() or (high <= 0).any():
        got = f"points around {np.round(found.mean(axis=0)).tolist()}, outside of it"
        raise ForgetError(f"a face in an image of {shape[1]} x {shape[0]} pixels", got, LANDMARKS)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])

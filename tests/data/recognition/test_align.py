"""Alignment against Umeyama's closed form, a dense warp, and transforms that are known."""

import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition.align import (
    TEMPLATE,
    align,
    crop_96,
    five_points,
    similarity,
    template,
    warp,
)
from forget.data.recognition.detect import Faces, align_largest, installed_detector
from forget.errors import ForgetError, PhotographError


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """By singular values, with the sign that keeps it a rotation."""
    z, w = source - source.mean(axis=0), target - target.mean(axis=0)
    left, sizes, right = np.linalg.svd(w.T @ z / len(z))
    sign = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    scale = (sizes * sign).sum() / z.var(axis=0).sum()
    turn = scale * left @ np.diag(sign) @ right
    return np.column_stack([turn, target.mean(axis=0) - turn @ source.mean(axis=0)])


def turned(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[a, -b, x], [b, a, y]])


def moved(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(st.integers(0, 10**6), st.integers(2, 9))
@settings(max_examples=100)
def test_similarity_is_umeyamas(seed: int, count: int) -> None:
    source, target = np.random.default_rng(seed).normal(50, 20, (2, count, 2))
    # Reflections are among these: their best rotation is found too.
    np.testing.assert_allclose(similarity(source, target), umeyama(source, target), atol=1e-7)


@given(
    st.floats(-3.1, 3.1), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500)
)  # fmt: skip
def test_known_transforms_are_recovered(angle: float, scale: float, x: float, y: float) -> None:
    matrix = turned(angle, scale, x, y)
    np.testing.assert_allclose(similarity(TEMPLATE, moved(matrix, TEMPLATE)), matrix, atol=1e-8)


@given(st.integers(0, 10**6))
@settings(max_examples=30)
def test_no_other_similarity_is_closer(seed: int) -> None:
    random = np.random.default_rng(seed)
    source = TEMPLATE + random.normal(0, 5, (5, 2))

    def error(matrix: np.ndarray) -> float:
        return ((moved(matrix, source) - TEMPLATE) ** 2).sum()

    best = similarity(source, TEMPLATE)
    for _ in range(5):
        a, b, x, y = random.normal(0, 0.01, 4)
        other = best + np.array([[a, -b, x], [b, a, y]])
        assert error(other) >= error(best) - 1e-9


def dense(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear interpolation written down: whole numbers are centres, black around."""
    height, width = image.shape[:2]
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    out = np.zeros((*size, *image.shape[2:]))
    for row in range(size[0]):
        for column in range(size[1]):
            x, y, _ = back @ [column, row, 1]
            left, top = int(np.floor(x)), int(np.floor(y))
            for i, j in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                if 0 <= i < height and 0 <= j < width:
                    weight = (1 - abs(y - i)) * (1 - abs(x - j))
                    out[row, column] += weight * image[i, j].astype(float)
    return out


@given(
    st.integers(0, 10**6), st.floats(-3.1, 3.1), st.floats(0.3, 3), st.floats(-6, 12),
    st.floats(-6, 12), st.booleans(),
)  # fmt: skip
@settings(max_examples=60)
def test_warping_is_dense_interpolation(
    seed: int, angle: float, scale: float, x: float, y: float, colour: bool
) -> None:
    shape = (11, 14, 3) if colour else (11, 14)
    image = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    matrix = turned(angle, scale, x, y)
    expected = dense(image, matrix, (9, 12))
    try:
        found = warp(image, matrix, (9, 12))
    except ForgetError:
        assert not expected.any()
        return
    assert found.shape == (9, 12, *shape[2:]) and found.dtype == np.uint8
    # Half a level from rounding; Pillow computes in float32.
    assert np.abs(found - expected).max() <= 0.51


def test_identity_and_whole_shifts_are_exact() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(warp(image, [[1, 0, 0], [0, 1, 0]], (20, 30)), image)
    shifted = warp(image, [[1, 0, 3], [0, 1, -2]], (20, 30))
    np.testing.assert_array_equal(shifted[:18, 3:], image[2:, :-3])
    assert not shifted[18:].any() and not shifted[:, :3].any()
    turned_ = warp(image, [[0, -1, 19], [1, 0, 0]], (30, 20))  # a quarter turn
    np.testing.assert_array_equal(turned_, np.rot90(image, -1))


def blobs(points: np.ndarray, side: int, width: float) -> np.ndarray:
    """A dark image with a light spot around each point."""
    y, x = np.mgrid[:side, :side]
    spots = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * width**2)) for a, b in points]
    return np.rint(255 * np.clip(np.sum(spots, axis=0), 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("angle", [-0.5, 0.0, 1.2])
@pytest.mark.parametrize("scale", [0.7, 1.6])
def test_landmarks_come_to_lie_where_they_should(angle: float, scale: float) -> None:
    matrix = turned(angle, scale, 0, 0)
    matrix[:, 2] = 150 - moved(matrix, TEMPLATE).mean(axis=0)
    points = moved(matrix, TEMPLATE)
    width = 2 * scale  # of a spot in the photograph, pixels
    found = align(blobs(points, 300, width), points)
    expected = blobs(TEMPLATE, 112, 2)
    assert found.shape == (112, 112)
    # Interpolation between pixels errs by an eighth of each of the two second derivatives.
    assert np.abs(found.astype(int) - expected).max() <= 255 / (4 * width**2) + 1
    for x, y in TEMPLATE:
        rows, columns = np.mgrid[int(y) - 5 : int(y) + 7, int(x) - 5 : int(x) + 7]
        weights = found[rows, columns] / found[rows, columns].sum(dtype=float)
        assert abs((weights * columns).sum() - x) < 0.1
        assert abs((weights * rows).sum() - y) < 0.1


def test_an_aligned_face_stays_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    np.testing.assert_array_equal(align(image, TEMPLATE), image)


def test_templates_of_other_sizes() -> None:
    np.testing.assert_allclose(template(224), 2 * TEMPLATE)
    np.testing.assert_allclose(template(128), TEMPLATE + [8, 0])
    np.testing.assert_allclose(template(256), 2 * (TEMPLATE + [8, 0]))
    for size in (0, -112, 100, 112 * 1000):
        with pytest.raises(ForgetError, match="multiple of 112 or 128"):
            template(size)
    assert align(np.full((300, 300), 9, np.uint8), template(256), 224).shape == (224, 224)


def test_five_of_68_points() -> None:
    points = np.random.default_rng(0).normal(size=(68, 2))
    points[[36, 39]] = TEMPLATE[0] + [[-9, 2], [9, -2]]
    points[[42, 45]] = TEMPLATE[1] + [[-8, 0], [8, 0]]
    points[[30, 48, 54]] = TEMPLATE[2:]
    np.testing.assert_allclose(five_points(points), TEMPLATE)
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    np.testing.assert_array_equal(align(image, points), image)
    with pytest.raises(ForgetError, match=r"\(67, 2\)"):
        five_points(points[:67])


def test_the_narrow_crop_is_the_middle() -> None:
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    np.testing.assert_array_equal(crop_96(image), image[:, 8:104])
    with pytest.raises(ForgetError, match="112"):
        crop_96(image[:, 8:104])


IMAGE = np.ones((50, 60, 3), np.uint8)


@pytest.mark.parametrize(
    ("image", "points", "reason"),
    [
        (IMAGE, TEMPLATE[:4], r"\(5, 2\)"),
        (IMAGE, TEMPLATE.T, r"\(2, 5\)"),
        (IMAGE, np.full((5, 2), np.nan), "finite"),
        (IMAGE, np.ones((5, 2)), "different points"),
        (IMAGE, TEMPLATE * 1e9, "different points"),
        (IMAGE, TEMPLATE + 1000, "60 x 50 pixels; got points around"),
        (IMAGE[0, 0], TEMPLATE, "an image"),
        (IMAGE[..., :2], TEMPLATE, "an image"),
        (IMAGE / 2, TEMPLATE, "float64"),
    ],
)
def test_what_cannot_be_aligned_is_told(
    image: np.ndarray, points: np.ndarray, reason: str
) -> None:
    with pytest.raises(ForgetError, match=reason):
        align(image, points)


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.eye(3), np.full((2, 3), np.inf)])
def test_a_matrix_without_inverse_is_told(matrix: np.ndarray) -> None:
    with pytest.raises(ForgetError, match="invertible"):
        warp(IMAGE, matrix)
    with pytest.raises(ForgetError, match="1 to 4096"):
        warp(IMAGE, np.eye(3)[:2], (10**6, 10**6))


def test_without_a_detector_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    with pytest.raises(ForgetError, match="pip install --no-deps facenet-pytorch"):
        installed_detector()


def test_the_largest_face_is_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 220, 3), np.uint8)

    class Mtcnn:
        """Answers as facenet-pytorch does."""

        found: tuple = (None, [None], None)

        def __init__(self, keep_all: bool, device: str) -> None:
            assert keep_all and device == "cpu"

        def detect(self, picture: object, landmarks: bool) -> tuple:
            assert landmarks and picture.size == (220, 200)
            return self.found

    module = ModuleType("facenet_pytorch")
    module.MTCNN = Mtcnn
    monkeypatch.setitem(sys.modules, "facenet_pytorch", module)
    detector = installed_detector()
    with pytest.raises(PhotographError, match="none in 220 x 200 pixels"):
        align_largest(image, detector)
    boxes = np.array([[0, 0, 50, 50], [20, 30, 120, 130], [0, 0, 200, 10]], np.float32)
    points = np.stack([TEMPLATE / 3, TEMPLATE + [20, 30], TEMPLATE / 2])
    monkeypatch.setattr(Mtcnn, "found", (boxes, np.array([0.9, 0.8, 1.0]), points))
    assert isinstance(detector(image), Faces)
    np.testing.assert_array_equal(align_largest(image, detector), image[30:142, 20:132])

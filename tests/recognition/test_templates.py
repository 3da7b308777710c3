"""IJB as a study evaluates it: crops aligned, templates verified and searched for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forget.data.dataset import Images
from forget.data.recognition.align import TEMPLATE, align
from forget.data.recognition.encoded import decode_face
from forget.data.recognition.ijb import read_protocol
from forget.errors import ForgetError
from forget.recognition.templates import evaluate_ijb, ijb_templates

PEOPLE = ("anna", "bert", "cora")
SHIFT = np.array([3.0, -2.0])


def flat(images: Images) -> np.ndarray:
    return images[:, 20:90:7, 20:90:7].reshape(len(images), -1).astype(float)


@pytest.fixture
def release(crops: Path, tmp_path: Path) -> Path:
    """Three people with two templates each of two images, moved by some pixels."""
    (tmp_path / "loose_crop").mkdir()
    (tmp_path / "meta").mkdir()
    media, landmarks = [], []
    points = " ".join(f"{value:.4f}" for value in (TEMPLATE + SHIFT).ravel())
    for number in range(12):
        person = PEOPLE[number // 4]
        name = f"{number}.png"
        data = (crops / person / f"{number % 4}.png").read_bytes()
        (tmp_path / "loose_crop" / name).write_bytes(data)
        media.append(f"{name} {number // 2} {number}")
        landmarks.append(f"{name} {points} 0.9")
    pairs = [f"{a} {b} {int(a // 2 == b // 2)}" for a in range(6) for b in range(a)]
    meta = tmp_path / "meta"
    (meta / "ijbc_face_tid_mid.txt").write_text("\n".join(media))
    (meta / "ijbc_name_5pts_score.txt").write_text("\n".join(landmarks))
    (meta / "ijbc_template_pair_label.txt").write_text("\n".join(pairs))
    return tmp_path


def table(path: Path, rows: list[tuple[int, int]]) -> None:
    lines = ["template_id,subject_id", *(f"{a},{b}" for a, b in rows)]
    path.write_text("\n".join(lines))


def test_templates_are_verified(release: Path) -> None:
    told: list[tuple[int, int]] = []
    report = evaluate_ijb(
        release, "ijbc", flat, [0.5], batch=5, on_step=lambda a, b, note="": told.append((a, b))
    )
    assert report["genuine [pairs]"] == 3
    assert report["impostor [pairs]"] == 12
    assert report["equal error rate [share]"] == 0
    assert report["aggregation"] == ["detector score, without norm"]
    assert told[-1] == (12, 12)
    assert not [key for key in report if key.startswith("rank 1")]


def test_images_are_aligned_before_they_are_embedded(release: Path) -> None:
    seen: list[Images] = []

    def embed(images: Images) -> np.ndarray:
        seen.append(images)
        return flat(images)

    protocol = read_protocol(release, "ijbc")
    ijb_templates(release, protocol, embed, keep_norm=False, batch=12)
    loose = decode_face((release / "loose_crop" / "3.png").read_bytes(), "3")
    assert np.array_equal(seen[0][3], align(loose, protocol.landmarks.points[3]))
    assert np.array_equal(seen[0][3][10:90, 5:90], loose[8:88, 8:93])  # moved back


def test_galleries_are_searched_where_their_tables_lie(release: Path) -> None:
    table(release / "meta" / "ijbc_1N_gallery_G1.csv", [(0, 7), (2, 8)])
    with pytest.raises(ForgetError, match="tables of probes"):
        evaluate_ijb(release, "ijbc", flat, [0.5])
    table(release / "meta" / "ijbc_1N_probe_mixed.csv", [(1, 7), (3, 8)])
    report = evaluate_ijb(release, "ijbc", flat, [0.5])
    assert report["rank 1 in G1 [share]"] == 1.0
    assert np.isnan(report["TPIR at FPIR 0.1 in G1 [share]"])  # without a stranger
    table(release / "meta" / "ijbc_1N_probe_mixed.csv", [(1, 8), (3, 7)])
    assert evaluate_ijb(release, "ijbc", flat, [0.5])["rank 1 in G1 [share]"] == 0.0
    table(release / "meta" / "ijbc_1N_probe_mixed.csv", [(1, 7), (99, 8)])
    with pytest.raises(ForgetError, match="none of 99"):
        evaluate_ijb(release, "ijbc", flat, [0.5])


def without_image(release: Path) -> None:
    (release / "loose_crop" / "5.png").unlink()


def broken_image(release: Path) -> None:
    (release / "loose_crop" / "5.png").write_bytes(b"no image")


@pytest.mark.parametrize("spoil", [without_image, broken_image])
def test_an_image_that_cannot_be_read_is_named(
    release: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(release)
    with pytest.raises(ForgetError, match=r"5\.png"):
        evaluate_ijb(release, "ijbc", flat, [0.5])

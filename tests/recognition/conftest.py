"""What tests of a study share: small crops of a few people, a small random network in a file."""

from pathlib import Path

import numpy as np
import pytest
from models.face_networks import mobile
from PIL import Image

from forget.models.backbone_file import save_backbone
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone

PEOPLE = ("anna", "bert", "cora", "dora", "emil", "fred")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random MobileFaceNet of 8 numbers in a file."""
    path = tmp_path_factory.mktemp("weights") / "mobile.safetensors"
    save_backbone(path, FaceBackbone(mobile(), Convention(width=96), "random"))
    return path


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people in seven noisy crops each, as a folder."""
    folder = tmp_path_factory.mktemp("crops")
    draw = np.random.default_rng(0)
    for person in PEOPLE:
        (folder / person).mkdir()
        small = draw.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        face = np.asarray(Image.fromarray(small).resize((112, 112)), dtype=np.int16)
        for k in range(7):
            noisy = (face + draw.integers(-40, 40, face.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / person / f"{k}.png")
    return folder

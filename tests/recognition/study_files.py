"""What studies of tests read: crops of a few people, and weights of a small random network."""

from pathlib import Path

import numpy as np
from models.face_networks import mobile
from PIL import Image

from forget.models.backbone_file import save_backbone
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone

PEOPLE = ("anna", "bert", "cora", "dora", "emil", "fred")


def save_weights(folder: Path) -> Path:
    """A random MobileFaceNet of 8 numbers in a file."""
    path = folder / "mobile.safetensors"
    save_backbone(path, FaceBackbone(mobile(), Convention(width=96), "random"))
    return path


def save_crops(folder: Path) -> Path:
    """Six people in seven noisy crops each, as a folder."""
    draw = np.random.default_rng(0)
    for person in PEOPLE:
        (folder / person).mkdir()
        small = draw.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        face = np.asarray(Image.fromarray(small).resize((112, 112)), dtype=np.int16)
        for k in range(7):
            noisy = (face + draw.integers(-40, 40, face.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / person / f"{k}.png")
    return folder

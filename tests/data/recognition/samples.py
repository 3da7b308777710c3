"""Small faces and files that the tests of face recognition formats share."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from forget.data.recognition.lists import ImageList, read_image_folder


def pixels(number: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)


def png(number: int, side: int = 8) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels(number, side)).save(out, "PNG")
    return out.getvalue()


def people(root: Path, counts: dict[str, int]) -> ImageList:
    """A folder of people, whose images are numbered on."""
    number = 0
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for k in range(count):
            (root / name / f"{k}.png").write_bytes(png(number))
            number += 1
    return read_image_folder(root)


class Held:
    """Arrays as a source that counts what was decoded."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.asked = images, list[int]()

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return self.images[index]

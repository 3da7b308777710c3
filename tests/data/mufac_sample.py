"""A made-up MUFAC: smooth coloured noise for faces, with twins and people on both sides."""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

STEMS = ("train", "val", "test")
HEADER = "family_id,person_id,age_class,image_path"

Row = tuple[str, str, str, str]


def pixels(seed: int, side: int = 128) -> Image.Image:
    """Returns a random picture whose areas have random colours; each seed another one."""
    rough = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int = 90, kind: str = "JPEG") -> bytes:
    out = BytesIO()
    image.save(out, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return out.getvalue()


@dataclass
class Sample:
    """Holds the rows of the three tables and the files beside them, to be spoilt by tests."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {stem: [] for stem in STEMS})
    files: dict[str, bytes] = field(default_factory=dict)
    columns: str = HEADER

    def add(self, stem: str, family: str, person: str, age: str, data: bytes) -> str:
        """Adds an image and its row; returns its path."""
        name = f"{family}_AGE_{person}_40_{age}{len(self.rows[stem])}.jpg"
        self.rows[stem].append((family, person, age, name))
        self.files[f"{stem}_images/{name}"] = data
        return f"{stem}_images/{name}"

    def table(self, stem: str) -> bytes:
        lines = [self.columns, *(",".join(row) for row in self.rows[stem])]
        return ("\n".join(lines) + "\n").encode()

    def everything(self) -> dict[str, bytes]:
        """Returns all files by path; a table that is among `files` stands for the made one."""
        tables = {f"custom_{stem}_dataset.csv": self.table(stem) for stem in STEMS}
        return tables | self.files

    def folder(self, path: Path) -> Path:
        for name, data in self.everything().items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path

    def zip(self, path: Path, outer: str = "", names: Iterable[str] = ()) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in self.everything().items():
                archive.writestr(outer + name, data)
            for name in names:
                archive.writestr(name, b"more")
        return path


def plain(images: int = 4) -> Sample:
    """Returns 3 families to train on, 1 in val, 1 in test, of 2 people; no picture twice."""
    sample, seed = Sample(), 0
    for stem, families in (("train", "123"), ("val", "8"), ("test", "9")):
        for family in families:
            for person in "DS":
                for k in range(images):
                    seed += 1
                    sample.add(
                        stem, f"F000{family}", person, "abcdefgh"[k % 8], jpeg(pixels(seed))
                    )
    return sample


def with_twins() -> Sample:
    """Returns the plain sample with one fault of each kind.

    The first 8 training images (family 1) are taken for the forget set.

    - family 1 and family 2 share a picture, file for file: forget and retain, two people;
    - family 1 and family 3 share a picture that was saved again: similar, not identical;
    - person D of family 1 has one more image at the end: one id on both sides;
    - families 2 and 3 share a picture under different age classes;
    - val and test each have a picture of the training part; their persons S share another one.
    """
    sample = plain()
    first = sample.files[f"train_images/{sample.rows['train'][4][3]}"]  # F0001/S
    sample.add("train", "F0002", "D", "a", first)
    sample.add("train", "F0003", "S", "c", jpeg(pixels(7), quality=40))  # 7: F0001/S
    sample.add("train", "F0001", "D", "h", jpeg(pixels(500)))
    other = sample.files[f"train_images/{sample.rows['train'][8][3]}"]  # F0002/D
    sample.add("train", "F0003", "D", "g", other)
    sample.add("val", "F0008", "D", "a", other)
    sample.add("test", "F0009", "D", "a", first)
    sample.add("test", "F0009", "S", "b", sample.files[f"val_images/{sample.rows['val'][5][3]}"])
    return sample

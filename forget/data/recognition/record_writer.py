"""Writes a training set as InsightFace lays it out: train.rec, train.idx and property."""

import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from forget.data.recognition.encoded import encoded_size
from forget.data.recognition.image_record import ImageRecord, pack
from forget.data.recognition.labelled_faces import LabelledFaces
from forget.data.recognition.record_images import EXACT
from forget.data.recognition.recordio import frame
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["write_records"]


def write_records(
    faces: LabelledFaces, folder: str | Path, name: str = "train", on_step: OnStep = silent
) -> Path:
    """Writes faces as `<name>.rec`, `<name>.idx` and `property`, each of them whole or not at all.

    Images come person after person, with keys from 1; then one record per person with the range
    of their keys; last record 0, which says where each begins. With 2**24 records or more there
    are images only, since float32 could not keep their keys. Encoded images are kept as they are.

    Arguments:
        faces: For example `ImageList` of a folder of people.
        folder: Where to write; it is made if need be, and files there are replaced.
        name: Of the files.
        on_step: Told of each image.

    Returns:
        The `.rec` file.

    Raises:
        ForgetError: No face, images of several sizes, a damaged one, or class numbers that
            float32 cannot keep.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not len(faces):
        raise ForgetError("at least 1 face", "none", "Choose a folder that holds faces.")
    if np.abs(faces.labels).max() > EXACT:
        got = f"{faces.labels[np.abs(faces.labels).argmax()]}"
        raise ForgetError("class numbers within 2**24", got, "Number the people from 0.")
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as beside:
        made = Path(beside)
        with (made / f"{name}.rec").open("wb") as file:
            writer = _Writer(file)
            size = _write(writer, faces, on_step)
        lines = "".join(f"{key}\t{offset}\n" for key, offset in writer.offsets)
        (made / f"{name}.idx").write_text(lines, encoding="ascii")
        stated = f"{len(faces.people)},{size[0]},{size[1]}\n"
        (made / "property").write_text(stated, encoding="ascii")
        for part in (f"{name}.rec", f"{name}.idx", "property"):
            os.replace(made / part, folder / part)
    return folder / f"{name}.rec"


class _Writer:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.offsets: list[tuple[int, int]] = []  # key, offset

    def add(self, record: ImageRecord) -> None:
        self.offsets.append((record.key, self._file.tell()))
        self._file.write(frame(pack(record)))


def _write(writer: _Writer, faces: LabelledFaces, on_step: OnStep) -> tuple[int, int]:
    order = np.argsort(faces.labels, kind="stable")
    size: tuple[int, int] | None = None
    for done, k in enumerate(order.tolist(), start=1):
        data = faces.encoded(k)
        found = encoded_size(data, f"image {k:,}")
        size = size or found
        if found != size:
            raise ForgetError(
                f"images of one size, {size[1]} x {size[0]} pixels",
                f"{found[1]} x {found[0]} in image {k:,}",
                "Align or resize the images first.",
            )
        writer.add(ImageRecord((float(faces.labels[k]),), data, done))
        on_step(done, len(order), "Writing records")
    starts = [0, *(np.flatnonzero(np.diff(faces.labels[order])) + 1).tolist(), len(order)]
    first = len(order) + 1
    if first + len(starts) < EXACT:
        for key, (a, b) in enumerate(pairwise(starts), start=first):
            writer.add(ImageRecord((a + 1.0, b + 1.0), key=key))
        last = float(first + len(starts) - 1)
        writer.add(ImageRecord((float(first), last), key=0, second=1))
    return size or (0, 0)

"""A training set in MXNet's `.rec` and `.idx`, such as InsightFace gives away: any image at once.

Two layouts are read. InsightFace's has a record 0 without image that says which keys are images
and which describe people; files made by im2rec or shuffled later have images only. Record 0 keeps
the keys as float32, which is exact below 2**24 only: of larger files it is not believed, and a
record counts as an image if it has one.
"""

from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.encoded import decode_face
from forget.data.recognition.image_record import ImageRecord, unpack
from forget.data.recognition.record_heads import Heads, read_heads
from forget.data.recognition.record_index import Index, Property, read_index, read_property
from forget.data.recognition.recordio import read_record, scan
from forget.errors import ForgetError

__all__ = ["EXACT", "RecordImages"]

EXACT = 2**24  # whole numbers up to here are exact as float32
AGAIN = "Copy or download the .rec and .idx files again; both must belong together."


class RecordImages:
    """Maps a `.rec` file into memory and reads single images of it.

    Arguments:
        path: The `.rec` file.
        index: The `.idx` file; by default the one beside it, and if there is none the records
            are found by walking the file.

    Raises:
        ForgetError: No such file, an index that does not fit, or no image.

    References:
        | MXNet, python/mxnet/recordio.py, https://github.com/apache/mxnet
        | InsightFace, https://github.com/deepinsight/insightface
    """

    def __init__(self, path: str | Path, index: str | Path | None = None) -> None:
        self.path = Path(path)
        beside = self.path.with_suffix(".idx")
        self.index_path = Path(index) if index else beside if beside.is_file() else None
        self._data = _mapped(self.path)
        stated = self.path.with_name("property")
        self.property: Property | None = read_property(stated) if stated.is_file() else None
        self._offsets = self._find()
        if not len(self._offsets):
            raise ForgetError("at least 1 image", f"none in {self.path}", AGAIN)

    def __reduce__(self) -> tuple[type["RecordImages"], tuple[Path, Path | None]]:
        # Another process maps the file itself.
        return RecordImages, (self.path, self.index_path)

    def __len__(self) -> int:
        return len(self._offsets)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Class number of each image, (n,), its first label where it has several.

        The first time, the head of each record is read.

        Raises:
            ForgetError: A broken record, or a label that is no whole number within 2**24.
        """
        labels = self._heads(self._offsets).labels
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero((labels != np.rint(labels)) | ~(np.abs(labels) <= EXACT))
        if len(wrong):
            got = f"{labels[wrong[0]]} of image {wrong[0]:,} in {self.path.name}"
            raise ForgetError("class numbers, whole ones within 2**24", got, AGAIN)
        return labels.astype(np.int64)

    @cached_property
    def people(self) -> dict[int, str]:
        """Names of the class numbers that occur, in ascending order: the numbers themselves."""
        return {int(label): str(label) for label in np.unique(self.labels)}

    def record(self, index: int) -> ImageRecord:
        """All that the file holds of one image.

        Arguments:
            index: From 0 to below the number of images.

        Raises:
            IndexError: There is no such image.
            ForgetError: The record is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        return self._record(int(self._offsets[index]))

    def encoded(self, index: int) -> bytes:
        """One image as it is stored, normally a JPEG; see `record` for errors."""
        return self.record(index).image

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image, (height, width, 3), RGB.

        Raises:
            IndexError: There is no such image.
            ForgetError: The record is broken, or what it holds is no image of at most 40
                megapixels.
        """
        return decode_face(self.encoded(index), f"image {index:,} of {self.path.name}")

    def _find(self) -> NDArray[np.int64]:
        """Offsets of the images, in order of their keys or, without index, of the file."""
        if self.index_path is None:
            return self._with_image(np.fromiter(scan(self._data), dtype=np.int64))
        index = read_index(self.index_path, len(self._data))
        if not len(index.keys) or index.keys[0] != 0:
            return index.offsets
        zero = self._record(int(index.offsets[0]))
        if zero.image or len(zero.labels) != 2:
            return index.offsets
        whole = all(1 <= value < EXACT and value == int(value) for value in zero.labels)
        if not whole or len(index.keys) >= EXACT:
            return self._with_image(index.offsets)
        return self._up_to(int(zero.labels[0]), index)

    def _up_to(self, end: int, index: Index) -> NDArray[np.int64]:
        """Offsets of the keys from 1 to below a number, all of which must be there."""
        keys = index.keys[1:end]
        if len(keys) != end - 1 or (keys != np.arange(1, len(keys) + 1)).any():
            expected = f"the keys 1 to {end - 1:,} that record 0 announces"
            raise ForgetError(expected, f"others in {self.index_path}", AGAIN)
        return index.offsets[1:end]

    def _with_image(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        return offsets[self._heads(offsets).sizes > 0]

    def _heads(self, offsets: NDArray[np.int64]) -> Heads:
        return read_heads(self._data, offsets, self._record)

    def _record(self, offset: int) -> ImageRecord:
        payload, _ = read_record(self._data, offset)
        return unpack(payload, f"the record at byte {offset:,} of {self.path.name}")


def _mapped(path: Path) -> mmap:
    if not path.is_file():
        raise ForgetError("a .rec file", f"nothing at {path}", "Check the path.")
    if not path.stat().st_size:
        raise ForgetError("a .rec file with images", f"an empty file at {path}", AGAIN)
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)

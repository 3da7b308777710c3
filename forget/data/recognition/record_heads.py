"""Labels and image sizes of many records at once, without touching the images."""

from collections.abc import Callable
from mmap import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.image_record import HEADER, MAX_LABELS, ImageRecord
from forget.data.recognition.recordio import HEAD, LENGTH_BITS, MAGIC, MAX_RECORD

__all__ = ["Heads", "read_heads"]

CHUNK = 1 << 20  # records at once, which take some tens of MB
START = (HEAD.size + HEADER.size) // 4  # words before the labels of a vector, or the image


class Heads(NamedTuple):
    """What the heads of n records say.

    Arguments:
        labels: First label of each, (n,).
        sizes: Bytes of each image, 0 for a record without one, (n,).
    """

    labels: NDArray[np.float64]
    sizes: NDArray[np.int64]


def read_heads(
    data: bytes | mmap, offsets: NDArray[np.int64], read: Callable[[int], ImageRecord]
) -> Heads:
    """Reads the heads of records.

    Arguments:
        data: The file.
        offsets: Of the records, multiples of 4 inside the file, (n,).
        read: Reads the record at an offset. It is asked for all that are not plain: cut into
            parts because the magic number occurs in them, at the end of the file, or broken.

    Raises:
        ForgetError: From `read`, about a broken record.
    """
    labels = np.empty(len(offsets))
    sizes = np.empty(len(offsets), dtype=np.int64)
    words = np.frombuffer(data, "<u4", len(data) // 4)
    for start in range(0, len(offsets), CHUNK):
        some = slice(start, start + CHUNK)
        labels[some], sizes[some], plain = _plain(words, offsets[some], len(data))
        for k in start + np.flatnonzero(~plain):
            record = read(int(offsets[k]))
            labels[k], sizes[k] = record.labels[0], len(record.image)
    return Heads(labels, sizes)


def _plain(
    words: NDArray[np.uint32], offsets: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Labels and sizes of whole records, and which are such; the others' are meaningless."""
    first = offsets // 4

    def word(k: int) -> NDArray[np.uint32]:
        return words[np.minimum(first + k, len(words) - 1)]

    length, count = word(1).astype(np.int64), word(2).astype(np.int64)
    image = length - HEADER.size - 4 * count  # of kind 0, so the word is the length alone
    plain = (word(0) == MAGIC) & (length < 1 << LENGTH_BITS) & (length <= MAX_RECORD)
    plain &= (count <= MAX_LABELS) & (image >= 0)
    plain &= (offsets + HEAD.size + length <= size) & (first + START < len(words))
    bits = np.where(count > 0, word(START), word(3))
    return bits.view(np.float32), np.where(plain, image, 0), plain

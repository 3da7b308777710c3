"""What one record of an MXNet image file says: labels, two numbers, and an encoded image."""

import struct
from dataclasses import dataclass

import numpy as np

from forget.errors import ForgetError

__all__ = ["MAX_LABELS", "ImageRecord", "pack", "unpack"]

HEADER = struct.Struct("<IfQQ")  # number of labels behind it, or 0; the label if 0; two ids
MAX_LABELS = 64
AGAIN = "Copy or download the .rec and .idx files again; both must belong together."


@dataclass(frozen=True)
class ImageRecord:
    """Holds one image, or only labels.

    Arguments:
        labels: Numbers as float32 stores them; whole ones are exact below 2**24 only.
        image: Encoded, normally JPEG; empty where a record describes others.
        key: First id, normally the key of the record in the index.
        second: Second id.
    """

    labels: tuple[float, ...]
    image: bytes = b""
    key: int = 0
    second: int = 0


def pack(record: ImageRecord) -> bytes:
    """The payload of a record; a single label lies in the header, several behind it.

    Raises:
        ForgetError: No label, or more than 64.
    """
    count = len(record.labels)
    if not 1 <= count <= MAX_LABELS:
        raise ForgetError(f"1 to {MAX_LABELS} labels", f"{count}", "Keep the class number alone.")
    if count == 1:
        return HEADER.pack(0, record.labels[0], record.key, record.second) + record.image
    vector = np.asarray(record.labels, dtype="<f4").tobytes()
    return HEADER.pack(count, 0.0, record.key, record.second) + vector + record.image


def unpack(payload: bytes, name: str) -> ImageRecord:
    """Reads the payload of a record.

    Arguments:
        payload: All of it.
        name: What the message calls the record.

    Raises:
        ForgetError: It is too short for what it announces, or announces more than 64 labels.
    """
    if len(payload) < HEADER.size:
        got = f"{name}: {len(payload)} bytes"
        raise ForgetError(f"at least the {HEADER.size} bytes of an image header", got, AGAIN)
    count, label, key, second = HEADER.unpack_from(payload)
    body = HEADER.size + 4 * count
    if count > MAX_LABELS or body > len(payload):
        got = f"{name}: {count:,} labels in {len(payload):,} bytes"
        raise ForgetError(f"at most {MAX_LABELS} labels inside the record", got, AGAIN)
    labels = np.frombuffer(payload, "<f4", count, HEADER.size).tolist() if count else [label]
    return ImageRecord(tuple(labels), payload[body:], key, second)

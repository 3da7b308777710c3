"""RecordIO, the framing of MXNet: byte strings one after the other, found by their offset.

A record is one part or several. A part is a magic number, a word with its kind (3 bits) and its
length (29 bits), the payload, and zeros up to a multiple of 4 bytes. Where a payload itself holds
the magic number at a multiple of 4 bytes, it is cut there: those 4 bytes are left out of the file
and belong between the parts. So a reader that starts anywhere can find the next record.
"""

import struct
from collections.abc import Iterator
from mmap import mmap

import numpy as np

from forget.errors import ForgetError

__all__ = ["LENGTH_BITS", "MAGIC", "MAX_RECORD", "frame", "read_record", "scan"]

MAGIC = 0xCED7230A
LENGTH_BITS = 29
MAX_RECORD = 64_000_000  # bytes; an encoded face has some thousands
WHOLE, FIRST, MIDDLE, LAST = range(4)
HEAD = struct.Struct("<II")
MAGIC_BYTES = struct.pack("<I", MAGIC)
AGAIN = "Copy or download the .rec and .idx files again; both must belong together."


def frame(payload: bytes) -> bytes:
    """A payload as it stands in a file.

    Raises:
        ForgetError: It has more than 64 MB.

    References:
        | dmlc-core, include/dmlc/recordio.h, https://github.com/dmlc/dmlc-core
    """
    if len(payload) > MAX_RECORD:
        got = f"{len(payload):,} bytes"
        raise ForgetError(f"at most {MAX_RECORD:,} bytes a record", got, "Save it smaller.")
    words = np.frombuffer(payload, "<u4", len(payload) // 4)
    cuts = [4 * int(word) for word in np.flatnonzero(words == MAGIC)]
    starts = [0, *(cut + 4 for cut in cuts)]
    parts = [payload[a:b] for a, b in zip(starts, [*cuts, len(payload)], strict=True)]
    kinds = [FIRST, *[MIDDLE] * (len(parts) - 2), LAST] if cuts else [WHOLE]
    return b"".join(_part(kind, part) for kind, part in zip(kinds, parts, strict=True))


def read_record(data: bytes | mmap, offset: int) -> tuple[bytes, int]:
    """The payload of the record at an offset, and the offset behind it.

    Arguments:
        data: The file.
        offset: Of the magic number, bytes.

    Raises:
        ForgetError: No whole record is there, or one of more than 64 MB.
    """
    payload = bytearray()
    for kind, start, length in _parts(data, offset):
        if kind in (MIDDLE, LAST):
            payload += MAGIC_BYTES
        if len(payload) + length > MAX_RECORD:
            raise _broken(offset, f"more than {MAX_RECORD:,} bytes")
        payload += data[start : start + length]
        end = start + _padded(length)
    return bytes(payload), end


def scan(data: bytes | mmap) -> Iterator[int]:
    """Offsets of all records in order, found by walking the file from its start.

    Raises:
        ForgetError: Something in between is no record.
    """
    offset = 0
    while offset < len(data):
        yield offset
        for _, start, length in _parts(data, offset):
            offset = start + _padded(length)


def _parts(data: bytes | mmap, offset: int) -> Iterator[tuple[int, int, int]]:
    """Kind, start and length of each part of a record, none of them beyond the file."""
    begin, wanted = offset, (WHOLE, FIRST)
    while True:
        if not 0 <= offset <= len(data) - HEAD.size or offset % 4:
            raise _broken(begin, "the end of the file" if offset >= 0 else "no such place")
        magic, word = HEAD.unpack_from(data, offset)
        kind, length = word >> LENGTH_BITS, word & (1 << LENGTH_BITS) - 1
        start = offset + HEAD.size
        if magic != MAGIC:
            raise _broken(begin, f"{magic:#010x} instead of the magic number")
        if kind not in wanted:
            raise _broken(begin, f"a part of kind {kind}")
        if length > len(data) - start:
            raise _broken(begin, f"a length of {length:,} bytes, beyond the end of the file")
        yield kind, start, length
        if kind in (WHOLE, LAST):
            return
        offset, wanted = start + _padded(length), (MIDDLE, LAST)


def _part(kind: int, payload: bytes) -> bytes:
    padding = bytes(_padded(len(payload)) - len(payload))
    return HEAD.pack(MAGIC, kind << LENGTH_BITS | len(payload)) + payload + padding


def _padded(length: int) -> int:
    return -(-length // 4) * 4


def _broken(offset: int, got: str) -> ForgetError:
    return ForgetError(f"a whole RecordIO record at byte {offset:,}", got, AGAIN)

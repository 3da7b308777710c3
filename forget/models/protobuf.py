"""The wire format of protocol buffers: numbered fields, read as data and within bounds.

Files of ONNX use a few fields of a few messages. The `onnx` package would read them too, but it
copies every tensor, follows paths to files beside the model and weighs more than this project.
"""

from collections.abc import Iterator

__all__ = ["Wire", "signed"]

Field = tuple[int, int | memoryview]
MAX_FIELDS = 2_000_000  # of one file; a network of depth 200 has some 30,000
FIXED = {1: 8, 5: 4}  # bytes by wire type


class Wire:
    """Reads messages without copying; all of them together have a bounded number of fields.

    References:
        | https://protobuf.dev/programming-guides/encoding/
    """

    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def fields(self, message: memoryview) -> Iterator[Field]:
        """Numbers and values of the fields: integers (wire type 0), else their bytes.

        Raises:
            ValueError: Cut off, too many fields, or a group, which no ONNX file has.
        """
        place = 0
        while place < len(message):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {MAX_FIELDS:,} fields")
            tag, place = _varint(message, place)
            number, kind = tag >> 3, tag & 7
            if kind == 0:
                value, place = _varint(message, place)
                yield number, value
                continue
            if kind == 2:
                length, place = _varint(message, place)
            elif kind in FIXED:
                length = FIXED[kind]
            else:
                raise ValueError(f"a field of wire type {kind}")
            if length > len(message) - place:
                raise ValueError("a field that is longer than its message")
            yield number, message[place : place + length]
            place += length

    def numbers(self, value: int | memoryview) -> Iterator[int]:
        """The signed integers of a repeated field, which may be packed or single."""
        if isinstance(value, int):
            yield signed(value)
            return
        place = 0
        while place < len(value):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {MAX_FIELDS:,} numbers")
            number, place = _varint(value, place)
            yield signed(number)


def signed(value: int) -> int:
    """An int64 from the unsigned number that was written for it."""
    return value - 2**64 if value >= 2**63 else value


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number in groups of 7 bits, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("a number that is cut off")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, place
    raise ValueError("a number of more than 64 bits")

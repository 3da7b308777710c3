"""Laws of RecordIO and of image records: what is written is read, and nothing else is."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition import recordio
from forget.data.recognition.image_record import MAX_LABELS, ImageRecord, pack, unpack
from forget.data.recognition.recordio import frame, read_record, scan
from forget.errors import ForgetError

SIGN = bytes.fromhex("0a23d7ce")  # as it stands in the files of MXNet

# Pieces of the magic number, whole ones, and lengths that put them at all alignments.
pieces = st.sampled_from([SIGN, SIGN[:2], SIGN[1:], b"\0", b"abcd"]) | st.binary(max_size=9)
payloads = st.lists(pieces, max_size=12).map(b"".join)


@given(st.lists(payloads, max_size=6))
@settings(max_examples=150)
def test_any_payloads_come_back_and_are_found_without_an_index(wanted: list[bytes]) -> None:
    data = b"".join(map(frame, wanted))
    assert len(data) % 4 == 0
    offsets = list(scan(data))
    assert [read_record(data, offset)[0] for offset in offsets] == wanted
    ends = [read_record(data, offset)[1] for offset in offsets]
    assert [0, *ends] == [*offsets, len(data)]


@given(payloads)
def test_the_magic_number_stands_aligned_only_where_a_part_begins(payload: bytes) -> None:
    data = frame(payload)
    words = np.frombuffer(data, "<u4")
    parts, offset = 0, 0
    while offset < len(data):
        _, word = struct.unpack_from("<II", data, offset)
        offset += 8 + (word & 0x1FFFFFFF) + -(word & 0x1FFFFFFF) % 4
        parts += 1
    assert (words == 0xCED7230A).sum() == parts


def test_bytes_are_those_of_dmlc() -> None:
    assert frame(b"") == SIGN + b"\0\0\0\0"
    assert frame(b"abcde") == SIGN + b"\5\0\0\0" + b"abcde\0\0\0"
    assert frame(SIGN) == SIGN + b"\0\0\0\x20" + SIGN + b"\0\0\0\x60"
    middle = SIGN + b"\4\0\0\x20abcd" + SIGN + b"\0\0\0\x40" + SIGN + b"\1\0\0\x60e\0\0\0"
    assert frame(b"abcd" + SIGN + SIGN + b"e") == middle
    assert frame(b"a" + SIGN) == SIGN + b"\5\0\0\0a" + SIGN + b"\0\0\0"


def part(kind: int, payload: bytes, length: int | None = None) -> bytes:
    word = kind << 29 | (len(payload) if length is None else length)
    return SIGN + struct.pack("<I", word) + payload + bytes(-len(payload) % 4)


HOSTILE = {
    "empty": (b"", "end of the file"),
    "cut in the head": (SIGN + b"\1\0\0", "end of the file"),
    "another magic number": (b"\x0a\x23\xd7\x3e\0\0\0\0", "0x3ed7230a instead"),
    "a length beyond the file": (part(0, b"abcd", 5), "5 bytes, beyond"),
    "the greatest length": (part(0, b"abcd", (1 << 29) - 1), "536,870,911 bytes, beyond"),
    "starts in the middle": (part(2, b"abcd"), "kind 2"),
    "starts with the end": (part(3, b"abcd"), "kind 3"),
    "an unknown kind": (part(7, b"abcd"), "kind 7"),
    "no end": (part(1, b"abcd"), "end of the file"),
    "twice the start": (part(1, b"") + part(1, b""), "kind 1"),
    "a whole one inside": (part(1, b"") + part(0, b""), "kind 0"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_broken_record_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(ForgetError, match=reason):
        read_record(data, 0)


@pytest.mark.parametrize("offset", [-4, 2, 8, 1 << 62])
def test_an_offset_without_a_record_is_told(offset: int) -> None:
    with pytest.raises(ForgetError, match="end of the file|no such place"):
        read_record(frame(b""), offset)


def test_a_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = frame(b"abcd" + SIGN + b"efgh")
    monkeypatch.setattr(recordio, "MAX_RECORD", 12)
    assert read_record(data, 0)[0] == b"abcd" + SIGN + b"efgh"
    monkeypatch.setattr(recordio, "MAX_RECORD", 11)
    with pytest.raises(ForgetError, match="more than 11 bytes"):
        read_record(data, 0)
    with pytest.raises(ForgetError, match="at most 11 bytes"):
        frame(bytes(12))


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_give_a_record_or_an_error(data: bytes, offset: int) -> None:
    for bytes_ in (data, SIGN + data):
        try:
            assert len(read_record(bytes_, offset)[0]) <= len(bytes_)
            list(scan(bytes_))
        except ForgetError:
            pass


labels = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=MAX_LABELS)
ids = st.integers(0, 2**64 - 1)


@given(labels.map(tuple), payloads, ids, ids)
def test_image_records_come_back(
    values: tuple[float, ...], image: bytes, key: int, second: int
) -> None:
    record = ImageRecord(values, image, key, second)
    assert unpack(pack(record), "it") == record


def test_headers_are_those_of_mxnet() -> None:
    head = struct.pack("<IfQQ", 0, 7.0, 3, 0)
    assert pack(ImageRecord((7.0,), b"x", 3)) == head + b"x"
    vector = struct.pack("<IfQQ2f", 2, 0.0, 0, 1, 10.0, 20.0)
    assert pack(ImageRecord((10.0, 20.0), b"", 0, 1)) == vector
    one = struct.pack("<IfQQf", 1, 0.0, 0, 0, 5.0)  # a vector of length 1
    assert unpack(one + b"x", "it") == ImageRecord((5.0,), b"x")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "0 bytes"),
        (bytes(23), "23 bytes"),
        (struct.pack("<IfQQ", 1, 0, 0, 0), "1 labels in 24 bytes"),
        (struct.pack("<IfQQ", 2**32 - 1, 0, 0, 0) + bytes(100), "4,294,967,295 labels"),
        (struct.pack("<IfQQ", MAX_LABELS + 1, 0, 0, 0) + bytes(1000), "65 labels"),
    ],
)
def test_a_broken_header_is_told(payload: bytes, reason: str) -> None:
    with pytest.raises(ForgetError, match=f"it: {reason}"):
        unpack(payload, "it")


@pytest.mark.parametrize("count", [0, MAX_LABELS + 1])
def test_labels_are_bounded(count: int) -> None:
    with pytest.raises(ForgetError, match=f"got {count}"):
        pack(ImageRecord((0.0,) * count))

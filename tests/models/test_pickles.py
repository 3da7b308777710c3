"""A pickle is read as data: whatever it would do, nothing happens."""

import collections
import pickle
import pickletools
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.models import pickles
from forget.models.pickles import Made, Named, Stored, Table, read_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)  # fmt: skip


def as_data(value: object) -> object:
    """What is read of a plain value: dictionaries are tables, bytes may be calls."""
    if isinstance(value, dict):
        return "table", [(key, as_data(one)) for key, one in value.items()]
    if isinstance(value, Table):
        return "table", [(key, as_data(one)) for key, one in value.pairs]
    if isinstance(value, Made):  # bytes, by protocols that have none
        return value.arguments[0].encode("latin1") if value.arguments else b""
    if isinstance(value, list | tuple):
        return type(value)(map(as_data, value))
    return value


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
@settings(max_examples=100)
def test_plain_values_are_read_as_they_are(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    found = read_pickle(data + b"more")
    assert as_data(found.value) == as_data(value) and found.length == len(data)


def test_calls_and_states_are_written_down() -> None:
    data = pickle.dumps(collections.OrderedDict(a=[1]), 2)
    made = read_pickle(data).value
    assert isinstance(made, Made) and isinstance(made.of, Named) and made.pairs == [("a", [1])]
    assert (made.of.module, made.of.name, made.arguments) == ("collections", "OrderedDict", ())
    state = read_pickle(pickle.dumps(SimpleNamespace(a=1), 4)).value.state
    assert isinstance(state, Table) and state.pairs == [("a", 1)]


def test_references_outside_are_listed() -> None:
    found = read_pickle(b"\x80\x02X\x01\x00\x00\x00aQ.")
    assert isinstance(found.value, Stored) and found.stored == [found.value]
    assert found.value.key == "a" and read_pickle(b"Pb\n.").value.key == "b"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b".", b"\x80\x02", b"N", b"NN.", b"(.", b"0.", b"(a.", b"Na.", b"N(e.", b"Nu."),
        *(b"NNs.", b"}Ns.", b"}(Nu.", b"NNb.", b"](b.", b"(p0\n.", b"Np-1\n.", b"g0\n."),
        *(b"NN\x93.", b"(R.", b"t.", b"\x87.", b"(o.", b"(N\x85.", b"\x82\x01.", b"\x97."),
        *(b"h\x00.", b"I1", b"Ix\n.", b"Np99999999999\n."),
        *(b"I" + b"9" * 5000 + b"\n.", b"\x8b\xff\xff\xff\x7f."),
        *(b"\x8e" + b"\xff" * 8 + b".", b"X\xff\xff\xff\xff.", b"cos\n", b"\xff."),
    ],
)  # fmt: skip
def test_a_broken_pickle_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        read_pickle(data)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(list(range(10)))
    monkeypatch.setattr(pickles, "MAX_STEPS", len(list(pickletools.genops(data))) - 1)
    with pytest.raises(ValueError, match="steps"):
        read_pickle(data)
    monkeypatch.undo()
    monkeypatch.setattr(pickles, "MAX_BYTES", len(data) - 1)
    with pytest.raises(ValueError, match="end|exhausted|not enough"):
        read_pickle(data)
    monkeypatch.setattr(pickles, "MAX_BYTES", len(data))
    assert read_pickle(data).value == list(range(10))


CODES = [opcode.code.encode("latin1") for opcode in pickletools.opcodes]


@given(st.lists(st.sampled_from(CODES) | st.binary(max_size=3), max_size=30))
@settings(max_examples=120)
def test_any_bytes_give_a_value_or_an_ordinary_error(parts: list[bytes]) -> None:
    try:
        read_pickle(b"(K\x01" * 3 + b"".join(parts) + b".")
    except MemoryError:
        raise
    except Exception as error:
        assert not isinstance(error, ImportError)

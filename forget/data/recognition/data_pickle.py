"""A pickle of lists, bytes, truth values and arrays, read as data: nothing is imported or called.

A pickle is a program. Verification files need a few of its operations only, and three calls: the
one that makes an array, the one that makes a NumPy number, and the one that turns text into bytes.
What these would make is made here; any other call is refused, whatever it would do.
"""

import codecs
import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forget.data.pickle_stack import MARK, OPERATIONS, PickleStack

__all__ = ["MAX_STEPS", "Array", "read_data_pickle"]

MAX_STEPS = 5_000_000  # 14,000 images as arrays take 240,000
KINDS = {"u1": 1, "b1": 1, "i4": 4, "i8": 8}  # of the numbers in arrays: bytes of each
MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
BUFFERS = ("numpy.core.numeric", "numpy._core.numeric")
READERS = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}


@dataclass(eq=False, slots=True)
class Array:
    """An array of one or two axes, as its bytes.

    Arguments:
        kind: "u1", "b1", "i4" or "i8"; nothing before the array has its content.
        data: Its numbers, little-endian, as they lie in the file.
        shape: Lengths of its axes.
    """

    kind: str = ""
    data: bytes = b""
    shape: tuple[int, ...] = (0,)

    def numbers(self) -> NDArray[Any]:
        """The numbers in a row, read-only."""
        return np.frombuffer(self.data, f"<{self.kind or 'u1'}")


@dataclass(frozen=True, slots=True)
class _Named:
    path: str  # module and name


@dataclass(eq=False, slots=True)
class _Kind:
    name: str


def read_data_pickle(data: bytes | mmap) -> object:
    """Reads the pickle at the start of some bytes.

    Returns:
        None, truth values, whole numbers, bytes, text, lists, tuples and `Array`. Strings of
        Python 2 are bytes.

    Raises:
        ValueError: Not a pickle, a broken one, one with other operations or calls, or one of more
            than 5 million steps.
        Exception: Others are possible on hostile bytes, but never the effect of a call.
    """
    file: Any = BytesIO(data) if isinstance(data, bytes) else data  # a map bounds what is read
    file.seek(0)
    machine = _Machine(len(data))
    for _ in range(MAX_STEPS):
        opcode = READERS.get(file.read(1))
        if opcode is None:
            raise ValueError("bytes that are no pickle, or one without an end")
        if opcode.name == "STOP":
            return machine.result()
        # pickletools takes what Python 2 wrote between quotes for ASCII, which images are not.
        text = opcode.name == "STRING"
        reader = _quoted if text else opcode.arg.reader if opcode.arg else None
        machine.step(opcode.name, reader(file) if reader else None)
    raise ValueError(f"more than {MAX_STEPS:,} steps")


class _Machine(PickleStack):
    """A stack with the arrays and numbers of verification files."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.left = size  # bytes that may still be made of text

    def build(self) -> None:
        target, state = self.popped(2)
        if isinstance(target, _Kind):
            if not isinstance(state, tuple) or any(one is not None for one in state[2:5]):
                raise ValueError("an array of structures")
            if _text(state[1]) not in ("|", "<", "="):
                raise ValueError("numbers in big-endian order")
        elif isinstance(target, Array):
            _, shape, kind, _, data = state
            _fill(target, shape, kind, data)
        else:
            raise ValueError("a state for what was not made")
        self.stack.append(target)

    def reduce(self) -> None:
        named, arguments = self.popped(2)
        if not isinstance(named, _Named) or not isinstance(arguments, tuple):
            raise ValueError("a call of what has no name")
        if named.path == "_codecs.encode":
            self.stack.append(self.encode(*arguments))
        elif named.path in _CALLS:
            self.stack.append(_CALLS[named.path](*arguments))
        else:
            raise ValueError(f"a call of {named.path[:100]}")

    def encode(self, text: object, encoding: object) -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise ValueError("bytes in another code than Latin-1")
        self.left -= len(text)  # the same text may come again and again, and take no room
        if self.left < 0:
            raise ValueError("more bytes than the file has")
        return text.encode("latin1")

    def name(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        self.stack.append(_Named(f"{module}.{name}"))


def _fill(array: Array, shape: object, kind: object, data: object) -> None:
    if not isinstance(kind, _Kind) or not isinstance(data, bytes):
        raise ValueError("an array of objects")
    if not isinstance(shape, tuple) or not 1 <= len(shape) <= 2:
        raise ValueError("an array of neither one nor two axes")
    if any(not isinstance(length, int) or length < 0 for length in shape):
        raise ValueError("an array with an axis of no length")
    if math.prod(shape) * KINDS[kind.name] != len(data):
        raise ValueError(f"an array of {math.prod(shape)} numbers in {len(data)} bytes")
    array.kind, array.data, array.shape = kind.name, data, shape


def _kind(name: object, *_: object) -> _Kind:
    text = _text(name).lstrip("|<=")
    if text not in KINDS:
        raise ValueError(f"an array of the kind {text[:20]!r}")
    return _Kind(text)


def _empty(made: object, *_: object) -> Array:
    if made != _Named("numpy.ndarray"):
        raise ValueError("an array of a class of its own")
    return Array()


def _from_buffer(data: object, kind: object, shape: object, *_: object) -> Array:
    array = Array()
    _fill(array, shape, kind, data)
    return array


def _scalar(kind: object, data: object) -> int | bool:
    array = _from_buffer(data, kind, (1,))
    return array.numbers()[0].item()


def _quoted(file: Any) -> bytes:  # noqa: ANN401 - a file in memory, or a map of one
    line = file.readline().rstrip(b"\r\n")
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        raise ValueError("a string without quotes")
    return codecs.escape_decode(line[1:-1])[0]


def _text(value: object) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)[:100]


_CALLS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _kind,
    **{f"{module}._reconstruct": _empty for module in MODULES},
    **{f"{module}.scalar": _scalar for module in MODULES},
    **{f"{module}._frombuffer": _from_buffer for module in BUFFERS},
}
_Machine.constants = {
    **{"NONE": None, "NEWTRUE": True, "NEWFALSE": False},
    **{"MARK": MARK, "EMPTY_TUPLE": ()},
}
_Machine.literals = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "STRING", "UNICODE", "BINUNICODE"),
        *("SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    }
)
_Machine.operations = {
    **OPERATIONS,
    # Strings of Python 2 are bytes that pickletools shows as text, one letter for each.
    "BINSTRING": lambda machine, text: machine.stack.append(text.encode("latin1")),
    "SHORT_BINSTRING": lambda machine, text: machine.stack.append(text.encode("latin1")),
    "BYTEARRAY8": lambda machine, data: machine.stack.append(bytes(data)),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "GLOBAL": lambda machine, names: machine.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.popped(2)),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}

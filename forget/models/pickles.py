"""Reads a pickle as plain data: nothing that it names is imported, and nothing is called.

A pickle is a program. The usual reader runs it with real classes and functions; this one carries
out its stack operations only, and writes down what a class or function would have been asked for.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

__all__ = ["Made", "Named", "Pickle", "Stored", "Table", "read_pickle"]

MAX_BYTES = 4_000_000  # of one pickle; the weights lie elsewhere
MAX_STEPS = 200_000


@dataclass(eq=False, slots=True)
class Named:
    """A class or function, by its name."""

    module: str
    name: str


@dataclass(eq=False, slots=True)
class Stored:
    """What lies outside the pickle, by what the pickle calls it."""

    key: Any


@dataclass(eq=False, slots=True)
class Table:
    """Keys and values in order: a dictionary that hashes nothing, so no key can be hostile."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Made:
    """What a call of something named would have made, were it called."""

    of: Any
    arguments: Any
    state: Any = None
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    listed: list[Any] = field(default_factory=list)


class Pickle(NamedTuple):
    """One pickle, read as data.

    Arguments:
        value: Plain Python values and the classes of this module.
        length: Bytes of the pickle.
        stored: All that it refers to outside.
    """

    value: Any
    length: int
    stored: list[Stored]


MARK = object()


def read_pickle(data: bytes | memoryview) -> Pickle:
    """Reads the pickle at the start of some bytes.

    Raises:
        ValueError: Not a pickle, a broken one, one with operations that data do not need, or one
            of more than 4 MB or 200,000 steps.
        Exception: Others are possible on hostile bytes, but never the effect of a call.
    """
    file = BytesIO(data[:MAX_BYTES])
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count >= MAX_STEPS:
            raise ValueError(f"more than {MAX_STEPS:,} steps")
        if opcode.name == "STOP":
            value = machine.pop()
            if machine.stack:
                raise ValueError("a pickle of several values")
            return Pickle(value, file.tell(), machine.stored)
        machine.step(opcode.name, argument)
    raise ValueError("a pickle without an end")


class _Machine:
    """The stack and the memo of a pickle, and what each operation does to them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.stored: list[Stored] = []

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - whatever a pickle holds
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _FRESH:
            self.stack.append(_FRESH[name]())
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the operation {name}")

    def pop(self) -> Any:  # noqa: ANN401
        value = self.stack.pop()
        if value is MARK:
            raise ValueError("a mark where a value should be")
        return value

    def popped(self, count: int) -> list[Any]:
        values = [self.pop() for _ in range(count)]
        return values[::-1]

    def since_mark(self) -> list[Any]:
        values = []
        while (value := self.stack.pop()) is not MARK:
            values.append(value)
        return values[::-1]

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list | Made):
            raise ValueError("items for what is no list")
        (target if isinstance(target, list) else target.listed).extend(values)

    def set(self, flat: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, Table | Made):
            raise ValueError("entries for what is no dictionary")
        target.pairs.extend(_paired(flat))

    def make(self, of: Any, arguments: Any) -> None:  # noqa: ANN401
        self.stack.append(Made(of, arguments))

    def refer(self, key: Any) -> None:  # noqa: ANN401
        self.stored.append(Stored(key))
        self.stack.append(self.stored[-1])

    def build(self) -> None:
        state, target = self.pop(), self.stack[-1]
        if not isinstance(target, Made):
            raise ValueError("a state for what was not made")
        target.state = state

    def put(self, index: int) -> None:
        if not 0 <= index < 2**32 or self.stack[-1] is MARK:
            raise ValueError("a bad place in the memo")
        self.memo[index] = self.stack[-1]


def _paired(flat: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _named(machine: _Machine, argument: str) -> Named:
    module, _, name = argument.partition(" ")
    return Named(module, name)


def _stack_global(machine: _Machine, _: Any) -> None:  # noqa: ANN401
    module, name = machine.popped(2)
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError("a name that is no text")
    machine.stack.append(Named(module, name))


def _instance(machine: _Machine, argument: str) -> None:
    machine.make(_named(machine, argument), tuple(machine.since_mark()))


def _object(machine: _Machine, _: Any) -> None:  # noqa: ANN401
    of, *arguments = machine.since_mark()
    machine.make(of, tuple(arguments))


def _tuple(count: int) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(tuple(machine.popped(count)))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_FRESH: dict[str, Callable[[], Any]] = {
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,
    "EMPTY_DICT": Table,
}
_OPERATIONS: dict[str, Callable[[_Machine, Any], object]] = {
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.since_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "PUT": lambda machine, index: machine.put(index),
    "BINPUT": lambda machine, index: machine.put(index),
    "LONG_BINPUT": lambda machine, index: machine.put(index),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "LONG_BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "FROZENSET": lambda machine, _: machine.stack.append(machine.since_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.append(machine.since_mark()),
    "DICT": lambda machine, _: machine.stack.append(Table(_paired(machine.since_mark()))),
    "SETITEM": lambda machine, _: machine.set(machine.popped(2)),
    "SETITEMS": lambda machine, _: machine.set(machine.since_mark()),
    "GLOBAL": lambda machine, name: machine.stack.append(_named(machine, name)),
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    "REDUCE": lambda machine, _: machine.make(*machine.popped(2)),
    "NEWOBJ": lambda machine, _: machine.make(*machine.popped(2)),
    "NEWOBJ_EX": lambda machine, _: machine.make(*machine.popped(3)[:2]),
    "BUILD": lambda machine, _: machine.build(),
    "PERSID": lambda machine, key: machine.refer(key),
    "BINPERSID": lambda machine, _: machine.refer(machine.pop()),
}

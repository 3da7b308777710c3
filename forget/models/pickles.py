"""Reads a pickle as plain data: nothing that it names is imported, and nothing is called.

A pickle is a program. The usual reader runs it with real classes and functions; this one carries
out its stack operations only, and writes down what a class or function would have been asked for.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

from forget.data.pickle_stack import MARK, OPERATIONS, Operation, PickleStack

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
            return Pickle(machine.result(), file.tell(), machine.stored)
        machine.step(opcode.name, argument)
    raise ValueError("a pickle without an end")


class _Machine(PickleStack):
    """A stack with dictionaries, and with what calls would have made."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Stored] = []

    def items(self) -> list[Any]:
        target = self.stack[-1]
        return target.listed if isinstance(target, Made) else super().items()

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


def _fresh(kind: Callable[[], Any]) -> Operation:
    return lambda machine, _: machine.stack.append(kind())


_Machine.constants = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK}
_Machine.literals = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE"),
        *("SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        "BYTEARRAY8",
    }
)
_Machine.operations = {
    **OPERATIONS,
    "EMPTY_TUPLE": _fresh(tuple),
    "EMPTY_LIST": _fresh(list),
    "EMPTY_SET": _fresh(list),
    "EMPTY_DICT": _fresh(Table),
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.since_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "FROZENSET": OPERATIONS["LIST"],
    "ADDITEMS": OPERATIONS["APPENDS"],
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

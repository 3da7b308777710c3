"""What every reader of pickles as data needs: the stack, the memo, tuples and lists.

A pickle is a program. A reader carries out those of its operations that it names, on a stack of
plain values; nothing is imported or called.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

__all__ = ["MARK", "OPERATIONS", "Operation", "PickleStack"]

MARK = object()
Operation = Callable[[Any, Any], object]  # of a stack, with the argument from the file


class PickleStack:
    """The stack and the memo of a pickle.

    A kind of pickle names what it allows in three tables, by the names of `pickletools`:
    `constants` are pushed, `literals` push their argument, and of `operations` each does what it
    does. All others are refused.
    """

    constants: ClassVar[Mapping[str, Any]]
    literals: ClassVar[frozenset[str]]
    operations: ClassVar[Mapping[str, Operation]]

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - whatever a pickle holds
        """Carries out an operation.

        Raises:
            ValueError: One that is not allowed, or not there.
        """
        if name in self.constants:
            self.stack.append(self.constants[name])
        elif name in self.literals:
            self.stack.append(argument)
        elif name in self.operations:
            self.operations[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the operation {name}")

    def result(self) -> Any:  # noqa: ANN401
        """The one value that a whole pickle leaves."""
        value = self.pop()
        if self.stack:
            raise ValueError("a pickle of several values")
        return value

    def pop(self) -> Any:  # noqa: ANN401
        """Takes a value off."""
        value = self.stack.pop()
        if value is MARK:
            raise ValueError("a mark where a value should be")
        return value

    def popped(self, count: int) -> list[Any]:
        """Takes some values off, in the order they came."""
        values = [self.pop() for _ in range(count)]
        return values[::-1]

    def since_mark(self) -> list[Any]:
        """Takes off all values since the last mark, and the mark."""
        values = []
        while (value := self.stack.pop()) is not MARK:
            values.append(value)
        return values[::-1]

    def items(self) -> list[Any]:
        """The list that lies on top."""
        if not isinstance(self.stack[-1], list):
            raise ValueError("items for what is no list")
        return self.stack[-1]

    def put(self, index: int) -> None:
        """Notes the value on top."""
        if not 0 <= index < 2**32 or self.stack[-1] is MARK:
            raise ValueError("a bad place in the memo")
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        """Pushes a noted value."""
        self.stack.append(self.memo[index])


def _extend(machine: PickleStack, values: list[Any]) -> None:
    machine.items().extend(values)


def _tuple(count: int) -> Operation:
    return lambda machine, _: machine.stack.append(tuple(machine.popped(count)))


OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), PickleStack.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), PickleStack.get),
    **{f"TUPLE{count}": _tuple(count) for count in (1, 2, 3)},
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "APPEND": lambda machine, _: _extend(machine, [machine.pop()]),
    "APPENDS": lambda machine, _: _extend(machine, machine.since_mark()),
}

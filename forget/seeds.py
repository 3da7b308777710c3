"""Seeds as a user writes them."""

from forget.errors import ForgetError

__all__ = ["read_seeds"]


def read_seeds(text: str) -> tuple[int, ...]:
    """The seeds of a text such as "0,1,2", each once, in its order.

    Raises:
        ForgetError: A part is no whole number from 0 to 2**32 - 1.
    """
    return tuple(dict.fromkeys(_whole(part) for part in text.split(",")))


def _whole(text: str) -> int:
    number = int(text) if text.strip().isdecimal() else -1
    if not 0 <= number < 2**32:
        raise ForgetError("seeds as whole numbers from 0", repr(text), "Write them as 0,1,2.")
    return number

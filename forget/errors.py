"""Errors a caller can act on: what was expected, what came, what to do."""

__all__ = [
    "CheckpointError",
    "FlowError",
    "ForgetError",
    "IdentityError",
    "PhotographError",
    "StatisticsError",
]


class ForgetError(ValueError):
    """Says what was expected, what came and how to go on.

    Arguments:
        expected: What would have been accepted.
        got: What came instead.
        remedy: One sentence on what to do.

    Example:
        >>> print(ForgetError("at least 1 person", "0", "Choose somebody."))
        Expected at least 1 person; got 0. Choose somebody.
    """

    def __init__(self, expected: str, got: str, remedy: str) -> None:
        super().__init__(expected, got, remedy)
        self.expected = expected
        self.got = got
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Expected {self.expected}; got {self.got}. {self.remedy}"


class IdentityError(ForgetError):
    """A person who is not there, or a request that leaves nobody."""


class PhotographError(ForgetError):
    """A file that cannot be used as a photograph, or a set of photographs that cannot."""


class StatisticsError(ForgetError):
    """Sums that must not be added, subtracted or compared."""


class CheckpointError(ForgetError):
    """A file that does not hold the weights or the model it should hold."""


class FlowError(ForgetError):
    """A map that cannot be built, or that cannot take what it was given."""

"""How commands end: errors in one line, and a status."""

import sys
from collections.abc import Callable

from forget.errors import ForgetError

__all__ = ["GOES_ON", "ended"]

GOES_ON = "Interrupted; the same command goes on."


def ended(work: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """The status of some work: its own, 2 after an error told in one line, 130 if interrupted.

    Arguments:
        work: Returns its status.
        interrupted: What is said after Ctrl-C, such as how to go on.
    """
    try:
        return work()
    except ForgetError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or error}{where}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{interrupted}\n")
        return 130

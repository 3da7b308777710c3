"""How the scripts of a study end: errors in one line, and a status."""

import sys
from collections.abc import Callable

from forget.errors import ForgetError


def run(main: Callable[[], int]) -> int:
    """Runs a script's work: errors become one line and status 2, an interruption 130."""
    try:
        return main()
    except ForgetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130

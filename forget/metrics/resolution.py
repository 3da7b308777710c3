"""Which error rates a number of comparisons can tell, and which it cannot."""

from collections.abc import Sequence

import numpy as np

from forget.errors import ForgetError
from forget.metrics.verification import Curve, point_at

__all__ = ["ENOUGH", "comparisons_needed", "few_errors", "warnings"]

ENOUGH = 30  # errors


def comparisons_needed(rate: float, errors: int = ENOUGH) -> int:
    """How many comparisons make so many errors of an error rate.

    With 30 errors, the true rate lies within 30 % of the observed one with 90 % confidence, if
    comparisons are independent. Pairs that share people are not, so it takes more of them.

    References:
        | The NIST speaker recognition evaluation: overview, methodology, systems, results,
        | perspective (Doddington et al., 2000), "rule of 30"

    Arguments:
        rate: In (0, 1].
        errors: At least 1.

    Raises:
        ForgetError: A rate or a number out of range.

    Example:
        >>> comparisons_needed(1e-4), comparisons_needed(1e-6)
        (300000, 30000000)
    """
    if not 0 < rate <= 1 or errors < 1:
        raise ForgetError(
            "a rate above 0 and up to 1, and at least 1 error",
            f"{rate} and {errors}",
            "Ask for a rate that errors can have.",
        )
    return int(np.ceil(errors / rate * (1 - 1e-12)))


def few_errors(what: str, errors: int, comparisons: int) -> str | None:
    """Says that too few errors were seen for a rate, and how many comparisons it takes.

    Arguments:
        what: The rate, in words.
        errors: Seen.
        comparisons: Made, at least 1.

    Returns:
        A sentence; None where there are at least 30 errors. Where there is none at all, the rate
        is below 3 / n with 95 % confidence (the rule of three), hence ten times n at least.

    Raises:
        ForgetError: More errors than comparisons, or no comparison.

    Example:
        >>> few_errors("FNMR", 3, 3000)
        'FNMR rests on 3 errors in 3,000 pairs: 30 errors take about 30,000 pairs.'
    """
    if not 0 <= errors <= comparisons or comparisons < 1:
        raise ForgetError(
            "at least 1 comparison, and no more errors than comparisons",
            f"{errors} errors in {comparisons}",
            "Count again.",
        )
    if errors >= ENOUGH:
        return None
    took = f"{what} rests on {errors} error{'s' * (errors != 1)} in {comparisons:,} pairs"
    if not errors:
        return f"{took}: {ENOUGH} errors take more than {10 * comparisons:,} pairs."
    return (
        f"{took}: {ENOUGH} errors take about {comparisons_needed(errors / comparisons):,} pairs."
    )


def warnings(curve: Curve, rates: Sequence[float]) -> tuple[str, ...]:
    """What must not be believed of a curve: a sentence for each rate that too few errors make.

    Arguments:
        curve: Of a model.
        rates: False match rates that are reported, each in (0, 1).
    """
    found = []
    for rate in rates:
        there, allowed = point_at(curve, rate), rate * curve.impostor
        if allowed < ENOUGH * (1 - 1e-12):
            word = "cannot be told" if allowed < 1 - 1e-9 else "is not to be trusted"
            found.append(
                f"FMR {rate:g} {word} with {curve.impostor:,} impostor pairs: it takes "
                f"{comparisons_needed(rate):,}."
            )
        missed = round(there.fnmr * curve.genuine)
        found.append(few_errors(f"FNMR at FMR {rate:g}", missed, curve.genuine))
    return tuple(one for one in found if one is not None)

"""All rules of readouts by name, and how a file tells which one it holds."""

from dataclasses import asdict

from forget.errors import StatisticsError
from forget.linear.heads import ClassMean, HeadRule, Ridge, Wccn
from forget.linear.linearizer.operator_ridge import OperatorRidge
from forget.linear.linearizer.sandwich import Sandwich

__all__ = ["HEADS", "make_rule", "rule_settings"]

HEADS: dict[str, type] = {
    "wccn": Wccn,
    "ridge": Ridge,
    "class mean": ClassMean,
    "sandwich": Sandwich,
    "operator ridge": OperatorRidge,
}


def make_rule(settings: dict[str, object]) -> HeadRule:
    """The rule that `rule_settings` described.

    Raises:
        StatisticsError: No such head, or settings that it does not take.
    """
    arguments = dict(settings)
    name = arguments.pop("head", None)
    try:
        return HEADS[name](**arguments)  # type: ignore[index]
    except (KeyError, TypeError) as error:
        known = ", ".join(HEADS)
        raise StatisticsError(
            f"one of the heads {known} with its settings", f"{settings}", "Correct the settings."
        ) from error


def rule_settings(rule: HeadRule) -> dict[str, object]:
    """Name and settings of a rule as plain values, for a file."""
    (name,) = (name for name, kind in HEADS.items() if type(rule) is kind)
    return {"head": name, **asdict(rule)}  # type: ignore[call-overload]

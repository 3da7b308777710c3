"""Run folders of the earlier project, which hold settings and curves but no table."""

import math
from collections.abc import Mapping
from typing import Any

from forget.errors import ForgetError
from forget.runs.table import Row

__all__ = ["METHOD", "completed", "is_complete", "rows_of_curves"]

METHOD = "unlearned"  # what the one method of such a folder is called
SETS = {"forget": "forget", "retain": "retain", "val": "test"}  # their names to ours

CLASSES: dict[str, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "cifar10": (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    "mufac": tuple(
        f"{ages} years old"
        for ages in ("0-6", "7-12", "13-19", "20-30", "31-45", "46-55", "56-66", "67-80")
    ),
}


def completed(params: Mapping[str, Any], curves: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the keys that today's have: classes and what was forgotten, by name.

    Raises:
        ForgetError: Settings or curves of another form.
    """
    try:
        count = len(curves["val_acc"][0]) if curves.get("val_acc") else 0
        classes = list(CLASSES.get(params["dataset"], ()))
        classes += [f"class {index}" for index in range(len(classes), count)]
        given = params.get("forget_class")
        given = [] if given is None else [given] if isinstance(given, str | int) else list(given)
        gone = [classes[one] if isinstance(one, int) else str(one) for one in given]
    except (TypeError, KeyError, IndexError) as error:
        raise _foreign(error) from error
    return {
        "forget_step": True,
        "retain_step": True,
        **params,
        "what": f"class{'es' if len(gone) > 1 else ''} {' and '.join(gone)}" if gone else "",
        "classes": classes,
        "forget_class": gone,
        "methods": [METHOD],
        "seeds": [0],
        "chance": 1 / len(classes) if classes else None,
    }


def is_complete(params: Mapping[str, Any], curves: Mapping[str, Any]) -> bool:
    """Whether the curves reach the last epoch of unlearning that the settings name."""
    try:
        return len(curves.get("val_loss") or ()) > int(params.get("unlearn_epochs") or 0)
    except (TypeError, ValueError) as error:
        raise _foreign(error) from error


def rows_of_curves(params: Mapping[str, Any], curves: Mapping[str, Any]) -> list[Row]:
    """The curves as rows of seed 0 and method "unlearned".

    The accuracy of a set is the mean over its classes, for the number of images in each is not
    known. A class is left out where it has no image, that is no accuracy, or, where classes were
    forgotten, where it belongs to the other set.

    Arguments:
        params: Settings as `completed` returns them.
        curves: The content of metrics.json.

    Raises:
        ForgetError: Curves of another form, or accuracies beyond [0, 1].
    """
    try:
        return [
            row
            for theirs, split in SETS.items()
            for row in _rows_of_set(params, curves, theirs, split)
        ]
    except (TypeError, ValueError, AttributeError) as error:
        raise _foreign(error) from error


def _foreign(error: Exception) -> ForgetError:
    return ForgetError(
        "settings, and curves over epochs: losses, and accuracies in [0, 1] of each class",
        f"something else ({error})",
        "Put back params.json and metrics.json as they were written, or leave this folder out.",
    )


def _rows_of_set(
    params: Mapping[str, Any], curves: Mapping[str, Any], theirs: str, split: str
) -> list[Row]:
    gone = set(params["forget_class"])
    rows = []
    for epoch, loss in enumerate(curves.get(f"{theirs}_loss") or ()):
        value = math.nan if loss is None else float(loss)
        rows.append(Row(0, METHOD, epoch, split, "loss", value))
    for epoch, accuracies in enumerate(curves.get(f"{theirs}_acc") or ()):
        of_class = {
            name: float(value)
            for name, value in zip(params["classes"], accuracies, strict=True)
            if value is not None and not math.isnan(value)
            if not gone or split == "test" or (split == "forget") == (name in gone)
        }
        if of_class and not 0 <= min(of_class.values()) <= max(of_class.values()) <= 1:
            raise ValueError(f"an accuracy of {max(of_class.values(), key=abs)}")
        mean = sum(of_class.values()) / len(of_class) if of_class else math.nan
        rows.append(Row(0, METHOD, epoch, split, "accuracy", mean))
        rows += [
            Row(0, METHOD, epoch, split, f"accuracy: {name}", value)
            for name, value in of_class.items()
        ]
    return rows

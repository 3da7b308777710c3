"""What a terminal shows: progress bars with the time left, and the table of a finished run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from tqdm import tqdm

__all__ = ["COLUMNS", "ProgressBars", "summary"]

# What a finished run is told by: heading, and the set and metric behind it.
COLUMNS = {
    "forget": ("forget", "accuracy"),
    "retain": ("retain", "accuracy"),
    "test": ("test", "accuracy"),
    "unseen": ("unseen", "accuracy"),
    "MIA": ("", "mia"),
    "NoMUS": ("", "nomus"),
    "seconds": ("", "seconds"),
}


class ProgressBars:
    """Takes progress as `OnStep`; every stage gets a bar of its own.

    The stage is the note up to a comma; what follows stands behind the bar.

    Arguments:
        settings: For tqdm, such as the unit.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - tqdm's own
        self.settings = settings
        self.bar: tqdm | None = None
        self.stage: tuple[str, int] | None = None

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Moves the bar; another stage begins another one."""
        stage, _, rest = note.partition(", ")
        if self.bar is None or (stage, total) != self.stage:
            self.__exit__()
            self.stage = (stage, total)
            # What an earlier attempt had done does not count as speed.
            self.bar = tqdm(desc=stage, total=total or None, initial=done, **self.settings)
        self.bar.set_postfix_str(rest, refresh=False)
        self.bar.update(done - self.bar.n)


def summary(table: pd.DataFrame, params: Mapping[str, Any]) -> str:
    """What came out of a run, one line a method, means over the seeds.

    Arguments:
        table: Of a run: columns seed, method, epoch, split, metric, value.
        params: Its settings.
    """
    lines = [f"{'accuracy on':<14}" + "".join(f"{head:>9}" for head in COLUMNS)]
    for method in ["original", "retrain", *params["methods"]]:
        mine = table[table["method"] == method]
        last = mine[mine["epoch"] == mine["epoch"].max()]
        cells = [_cell(last, split, metric) for split, metric in COLUMNS.values()]
        shown = "reference" if method == "retrain" else method
        lines.append(f"{shown:<14}" + "".join(f"{cell:>9}" for cell in cells))
    seeds = len(params["seeds"])
    lines += [
        "",
        f"Forgotten: {params['what']}. " + (f"Means over {seeds} seeds. " if seeds > 1 else "")
        + "Read every line against the reference,",
        "which was trained without it; MIA is the accuracy of the attack, 0.5 is guessing.",
    ]  # fmt: skip
    return "\n".join(lines)


def _cell(last: pd.DataFrame, split: str, metric: str) -> str:
    values = last[(last["split"] == split) & (last["metric"] == metric)]["value"].dropna()
    if not len(values):
        return "-"
    return f"{values.mean():.1f}" if metric == "seconds" else f"{values.mean():.4f}"

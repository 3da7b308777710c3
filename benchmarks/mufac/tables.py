"""The README's tables of MUFAC, made from benchmarks/mufac.csv."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.mufac.standard import STAGE, TRIALS
from forget.linearizations import LINEARIZATIONS

__all__ = ["CORES", "tables", "values_of"]

CORES = ("30", "50", "70", "85")  # per cent of the people
HALF = "core 50%"


def tables(table: pd.DataFrame, side: int) -> str:
    """All tables that a size has rows for, in Markdown, each under its title."""
    mine = table[table["side"] == side]
    found = [f"**{title}**\n\n{text}" for title, part in PARTS.items() if (text := part(mine))]
    if not found:
        return f"Nothing was measured at {side} pixels yet."
    seeds = ", ".join(map(str, sorted(mine["seed"].unique())))
    machines = "; ".join(mine["machine"].unique())
    return "\n\n".join([f"{side} pixels; seeds {seeds}; {machines}.", *found])


def _price(table: pd.DataFrame) -> str:
    """Accuracy on test and unseen images over the share of the core."""
    first = table[table["seed"] == table["seed"].min()]
    columns = [f"core {share}%" for share in CORES]
    lines = []
    for title, stage, model in (
        ("network alone", "network, {}", "network"),
        *(
            (f"`{kind}`, learned {learned}", kind + ", {}", f"{kind}, {learned}")
            for kind in LINEARIZATIONS
            for learned in ("added", "everybody")
        ),
    ):
        cells = [_mean(first, stage.format(core), model, "test and unseen") for core in columns]
        whole = "everybody" if model == "network" else ""
        last = _mean(first, f"network, {whole}", model, "test and unseen") if whole else ""
        if any(cells):
            lines.append([title, *cells, last])
    heads = ["test and unseen accuracy", *(f"core {share} %" for share in CORES), "everybody"]
    return _markdown(heads, lines)


def _ready(table: pd.DataFrame) -> str:
    """Networks and linearizations before and after the benchmark's 1,500 are forgotten."""
    names = ("forget", "retain", "test", "unseen", "mia", "nomus")
    lines = [
        [title, *(_interval(table, stage, "network", "benchmark", name) for name in names), "", ""]
        for title, stage in (
            ("network on everybody", "network, everybody"),
            ("**trained again without**: the reference", "network, reference"),
            ("network on half of the people", f"network, {HALF}"),
        )
    ]
    for kind in LINEARIZATIONS:
        stage = f"{kind}, {HALF}"
        for learned in ("added", "everybody"):
            model = f"{kind}, {learned}"
            for when, forget in (("before", "nobody"), ("after", "benchmark")):
                cells = [_interval(table, stage, model, forget, name) for name in names]
                extra = ["", ""]
                if when == "after":
                    gap = values_of(table, stage, model, forget, "gap to the refit")
                    seconds = values_of(table, stage, model, forget, "seconds")
                    extra[0] = f"{max(gap):g}" if len(gap) else ""
                    extra[1] = f"{np.mean(seconds):.2g} s" if len(seconds) else ""
                lines.append([f"`{kind}`, learned {learned}, {when}", *cells, *extra])
    heads = ["", "forget", "retain", "test", "unseen", "MIA", "NoMUS", "gap to refit", "time"]
    return _markdown(heads, [line for line in lines if any(line[1:])])


def _deletions(table: pd.DataFrame) -> str:
    """Every forget set, out of each linearization: what is left, and what it took."""
    names = ("forget", "test and unseen", "gap to the refit")
    times = ("seconds", "seconds of the refit")
    lines = []
    for kind in LINEARIZATIONS:
        stage = f"{kind}, {HALF}"
        sets = table.loc[table["stage"] == stage, "forget"].dropna().unique()
        for what, learned in product(sets, ("added", "everybody")):
            find = partial(values_of, table, stage, f"{kind}, {learned}", what)
            if not len(find("images")):
                continue
            model = f"{kind}, {learned}"
            cells = [f"{find('images').mean():,.5g}"]
            cells += [_interval(table, stage, model, what, name) for name in names]
            cells += [f"{find(name).mean():.2g}" if len(find(name)) else "" for name in times]
            lines.append([f"`{kind}`, learned {learned}, less {what}", *cells])
    heads = [
        "",
        "images",
        "right on them",
        "test and unseen",
        "gap to refit",
        "s",
        "s of the refit",
    ]
    return _markdown(heads, lines)


def _standard(table: pd.DataFrame) -> str:
    """Approximate steps: how near to the reference, for which share of its cost."""
    names = ("gap", "forget", "test", "unseen", "mia", "agreement on forget")
    lines = []
    for model in ("before", "reference", *TRIALS):
        stage = STAGE.format(model)
        share = values_of(table, stage, model, "benchmark", "share of retraining")
        cells = [_interval(table, stage, model, "benchmark", name) for name in names]
        if any(cells):
            lines.append([model, f"{np.mean(share):.1%}" if len(share) else "", *cells])
    heads = ["", "cost", "gap", "forget", "test", "unseen", "MIA", "agreement on forget"]
    return _markdown(heads, lines)


def _people(table: pd.DataFrame) -> str:
    """Whom linearizations recognise, and what forgetting people costs."""
    lines = []
    rows: list[tuple[str, Callable[[str], str]]] = [
        (f"{what}, {who}", lambda kind, m=f"{what} {who}": _people_cell(table, kind, "nobody", m))
        for what in ("identified", "recognised")
        for who in ("added", "core")
    ]
    rows.append(
        ("strangers named", lambda kind: _people_cell(table, kind, "nobody", "strangers named"))
    )
    for when in ("before", "after"):
        forget = "10 people, one by one"
        rows.append(
            (
                f"named {when} they are forgotten, one by one",
                lambda kind, m=f"named {when}", f=forget: _people_cell(table, kind, f, m),
            )
        )
    for count in (1, 10, 50, 100):
        for what in ("seconds", "seconds of the refit", "gap to the refit"):
            said = f"forgetting {count}, {what}"
            rows.append(
                (said, lambda kind, f=f"{count} people", m=what: _people_cell(table, kind, f, m))
            )
    for title, cell in rows:
        cells = [cell(kind) for kind in ("network", *LINEARIZATIONS)]
        if any(cells):
            lines.append([title, *cells])
    return _markdown(["people", "network", *(f"`{kind}`" for kind in LINEARIZATIONS)], lines)


def _people_cell(table: pd.DataFrame, kind: str, forget: str, metric: str) -> str:
    model = "network, class means" if kind == "network" else kind
    return _interval(table, f"people, {kind}", model, forget, metric)


def values_of(table: pd.DataFrame, stage: str, model: str, forget: str, metric: str) -> np.ndarray:
    """One value a seed, (seeds,), of a model in a stage, after somebody was forgotten."""
    same = (table["stage"] == stage) & (table["model"] == model) & (table["metric"] == metric)
    same &= table["forget"].fillna("") == forget
    return table.loc[same, "value"].to_numpy()


def _mean(table: pd.DataFrame, stage: str, model: str, metric: str) -> str:
    forget = "benchmark" if model == "network" else "nobody"
    return _interval(table, stage, model, forget, metric)


def _interval(table: pd.DataFrame, stage: str, model: str, forget: str, metric: str) -> str:
    """The mean over the seeds, with half the width of its 95 % interval where there are some."""
    values = values_of(table, stage, model, forget, metric)
    if not len(values):
        return ""
    if len(values) == 1 or np.ptp(values) == 0:
        return f"{values[0]:.3g}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{values.mean():.3f} ± {half:.3f}"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


PARTS: dict[str, Callable[[pd.DataFrame], str]] = {
    "The price: accuracy over the share of the people who train the network": _price,
    "Forget-ready: before and after the benchmark's 1,500 are forgotten": _ready,
    "Forget-ready: other forget sets, all outside the core": _deletions,
    "The standard setting: approximate steps on the network of everybody": _standard,
    "People: whom linearizations recognise, and what forgetting them costs": _people,
}

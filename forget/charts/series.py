"""What a run says in numbers and words: values over epochs, over seeds, and how far it is."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forget.errors import ForgetError

__all__ = [
    *("DATASETS", "METHOD_TITLES", "TRAINED", "Series", "context", "last"),
    *("method_title", "percent", "series", "set_titles", "unfinished", "unseen_title"),
    "values_or_error",
]

TRAINED = ("original", "retrain")  # what is trained, not unlearned
DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR-10", "mufac": "MUFAC", "digits": "Digits"}
METHOD_TITLES = {
    "original": "trained on everything",
    "retrain": "retrained without it",
    "kl_uniform": "KL to uniform",
    "finetune": "fine-tuning",
    "subtract": "subtraction",
    "unlearned": "unlearned",
    "subtract_forget_ready": "subtraction, forget-ready",
    "negative_gradient_plus": "negative gradient +",
    "cf_k": "last stages fine-tuned",
    "eu_k": "last stages trained again",
    "l1_sparse": "L1-sparse fine-tuning",
    "scrub": "SCRUB",
    "unsir": "UNSIR",
    "ssd": "SSD",
    "lfssd": "loss-free SSD",
    "salun": "SalUn",
    "fisher": "Fisher noise",
    "influence": "influence function",
    "sfr_on": "SFR-on",
    "newton_cg": "Newton steps, all layers",
    "tangent_step": "Newton steps, last layers",
    "certified": "certified Newton step",
    "kodge": "activation projection",
}


def set_titles(classes: Sequence[str]) -> dict[str, str]:
    """What to call the sets of images.

    Arguments:
        classes: Those that are forgotten whole; empty where images or people are forgotten.
    """
    return {
        "forget": "to forget",
        "retain": "to keep",
        "test": "held out",
        "unseen": unseen_title(classes),
        "train": "training",
    }


def unseen_title(classes: Sequence[str]) -> str:
    """What to call the set "unseen", which is none to a network that knows its classes.

    Arguments:
        classes: Those that are forgotten whole, whose held-out images it holds; empty where
            images or people are forgotten, and it holds ones that nobody trained on.
    """
    return "to forget, held out" if classes else "never seen"


class Series(NamedTuple):
    """One value over epochs.

    Arguments:
        epoch: Increasing, (n,).
        mean: Over the seeds that have the epoch, (n,).
        low: The lowest of them, (n,).
        high: The highest of them, (n,).
        seeds: How many seeds there are.
    """

    epoch: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    seeds: int


def percent(share: float) -> str:
    """A share in words, such as "12.5 %"."""
    return f"{100 * share:.3g} %" if abs(share) < 0.9995 else f"{100 * share:.0f} %"


def method_title(method: str) -> str:
    """What to call a method."""
    return METHOD_TITLES.get(method) or method.replace("_", " ")


def series(
    table: pd.DataFrame, method: str, split: str, metric: str, seed: int | None = None
) -> Series | None:
    """One value of a method over epochs, of one seed or of all; None where there is none."""
    mine = table[
        (table["method"] == method) & (table["split"] == split) & (table["metric"] == metric)
    ]
    mine = (mine if seed is None else mine[mine["seed"] == seed]).dropna(subset="value")
    if mine.empty:
        return None
    of_epoch = mine.groupby("epoch")["value"].agg(["mean", "min", "max"]).sort_index()
    mean, low, high = of_epoch.to_numpy().T
    return Series(of_epoch.index.to_numpy(), mean, low, high, mine["seed"].nunique())


def last(
    table: pd.DataFrame, method: str, split: str, metric: str, seed: int | None = None
) -> NDArray[np.float64]:
    """The value at the last epoch of each seed, (seeds,); of length 0 where there is none."""
    mine = table[
        (table["method"] == method) & (table["split"] == split) & (table["metric"] == metric)
    ]
    mine = mine if seed is None else mine[mine["seed"] == seed]
    return mine.sort_values("epoch").groupby("seed")["value"].last().dropna().to_numpy()


def unfinished(table: pd.DataFrame, params: Mapping[str, Any], method: str) -> str:
    """How far a method is that is not at its end, in words; "" where it is."""
    mine = table[table["method"] == method]
    trained = method in TRAINED
    epochs = int(params["train_epochs" if trained else "unlearn_epochs"])
    for seed in params["seeds"]:
        of_seed = mine[mine["seed"] == seed]
        done = int(of_seed["epoch"].max()) if len(of_seed) else None
        if (of_seed["split"] == "").any() or (done is not None and done >= epochs):
            continue
        of = f"seed {seed} " if len(params["seeds"]) > 1 else ""
        return f"unfinished: {of}" + (
            "not begun" if done is None else f"at epoch {done} of {epochs}"
        )
    return ""


def context(
    table: pd.DataFrame, params: Mapping[str, Any], method: str | None, seed: int | None
) -> str:
    """Whose numbers these are: data set, what was forgotten, method, seeds, and how far."""
    dataset = DATASETS.get(params["dataset"], params["dataset"])
    what = f", forgetting {params['what']}" if params.get("what") else ""
    mine = table if method is None else table[table["method"] == method]
    seeds = sorted(mine["seed"].unique().tolist()) if seed is None else [seed]
    many = ", ".join(map(str, seeds))
    words = [f"{dataset}{what}", *([] if method is None else [method_title(method)])]
    words.append(f"seed {many}" if len(seeds) < 2 else f"mean and range of seeds {many}")
    methods = [method] if method is not None else [*TRAINED, *params["methods"]]
    if params["methods"] == ["unlearned"]:
        methods = ["unlearned"]
    words += [state for one in methods if (state := unfinished(table, params, one))][:1]
    return " · ".join(words)


def values_or_error(found: bool, table: pd.DataFrame, what: str) -> None:
    """Raises unless there is something to draw.

    Raises:
        ForgetError: There is nothing; it says which methods there are.
    """
    if not found:
        known = ", ".join(table["method"].unique())
        raise ForgetError(
            f"{what} in the table of the run",
            f"a table of {known} without them" if known else "an empty table",
            "Choose a method that has them, or wait until they were measured.",
        )

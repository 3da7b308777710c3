"""Small but realistic run folders, for the tests of everything that reads them."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from forget.runs import earlier
from forget.runs.run import Row, Run

__all__ = ["CLASSES", "State", "write_sample"]

State = Literal["finished", "training", "unlearning", "earlier"]

CLASSES = {**earlier.CLASSES, "digits": tuple("0123456789")}
FORGOTTEN = {"mnist": ["5", "7"], "cifar10": ["airplane", "ship"], "digits": ["3"], "mufac": []}
WHAT = {"mufac": "14 people of family F0001"}
METHODS = ("kl_uniform", "finetune")
TRAIN_EPOCHS = 3
IMAGES = {"forget": 60, "retain": 200, "test": 100, "unseen": 60}


def write_sample(
    root: Path,
    dataset: str,
    state: State = "finished",
    seeds: tuple[int, ...] = (0,),
    epochs: int = 4,
) -> Run:
    """A run of two methods that took out the forgotten classes, or people of MUFAC."""
    if state == "earlier":
        return _earlier(root, dataset, epochs)
    run = Run.start(root, _params(dataset, list(seeds), epochs))
    stop = len(seeds) - 1 if state != "finished" else len(seeds)  # the last seed is under way
    for seed in seeds[: stop + 1]:
        partly = seed == seeds[-1] and state != "finished"
        methods = ("original",) if partly else ("original", "retrain", *METHODS)
        if partly and state == "unlearning":
            methods = ("original", "retrain", METHODS[0])
        for method in methods:
            _model(run, seed, method, epochs, partly and method == methods[-1])
    if state == "finished":
        run.write_curves(_curves(run))
        run.finish()
    return run


def _params(dataset: str, seeds: list[int], epochs: int) -> dict[str, object]:
    gone = FORGOTTEN[dataset]
    return {
        "dataset": dataset,
        "what": WHAT.get(dataset) or f"class{'es' * (len(gone) > 1)} {' and '.join(gone)}",
        "classes": list(CLASSES[dataset]),
        "forget_class": gone,
        "methods": list(METHODS),
        "seeds": seeds,
        "batch_size": 64,
        "train_epochs": TRAIN_EPOCHS,
        "unlearn_epochs": epochs,
        "learning_rate": 1e-3,
        "unlearning_rate": 1e-3,
        "retain_rate": 1e-3,
        "forget_step": True,
        "retain_step": True,
        "chance": 1 / len(CLASSES[dataset]),
    }


def _model(run: Run, seed: int, method: str, epochs: int, partly: bool) -> None:
    """Everything that one model of the run leaves; without an end where it is under way."""
    random = np.random.default_rng([seed, len(method)])
    params = run.params
    trained = method in ("original", "retrain")
    rows: list[Row] = []
    if trained:
        for epoch in range(1, TRAIN_EPOCHS + 1 - partly):
            good = 1 - 0.6 * 0.4**epoch + random.normal(0, 0.004)
            for split, less in (("train", 0.0), ("test", 0.03)):
                rows.append(Row(seed, method, epoch, split, "accuracy", good - less))
                rows.append(Row(seed, method, epoch, split, "loss", 1.2 - good + less))
        evaluated = [] if partly else [TRAIN_EPOCHS]
    else:
        evaluated = list(range((epochs + 1) // 2 if partly else epochs + 1))
    for epoch in evaluated:
        gone = {"original": 0.0, "retrain": 1.0}.get(method, 1 - 0.25**epoch)
        gone *= 0.4 if method == "finetune" else 1.0
        for split in IMAGES:
            rows += _evaluation(random, seed, method, epoch, split, params, gone)
    if not partly:
        rows += _summary(random, seed, method, evaluated[-1])
        run.took(f"{method} seed {seed}", 12.5 if trained else 1.25)
        kind = {"kl_uniform": "none", "finetune": "approximate"}.get(method, "exact")
        promise = {"kind": kind, "scope": "model", "reason": f"This is {kind}.", "caveat": ""}
        run.promise(method, seed, promise)
        run.save_predictions(method, seed, _predictions(random, method, len(params["classes"])))
    run.record(rows)


def _evaluation(
    random: np.random.Generator,
    seed: int,
    method: str,
    epoch: int,
    split: str,
    params: dict[str, list[str]],
    gone: float,
) -> list[Row]:
    classes, forgotten = params["classes"], params["forget_class"]
    if forgotten and split in ("forget", "retain"):
        present = [name for name in classes if (name in forgotten) == (split == "forget")]
    else:
        present = list(classes)
    rows, values = [], []
    for place, name in enumerate(present):
        value = (0.99 if split in ("forget", "retain") else 0.94) - 0.012 * place
        if name in forgotten or (not forgotten and split == "forget"):
            value *= 1 - gone * (0.98 if forgotten else 0.3)
        value = float(np.clip(value + random.normal(0, 0.008), 0, 1))
        values.append(value)
        rows.append(Row(seed, method, epoch, split, f"accuracy: {name}", value))
    mean = float(np.mean(values))
    rows.append(Row(seed, method, epoch, split, "accuracy", mean))
    rows.append(Row(seed, method, epoch, split, "loss", 2.4 * (1 - mean) + 0.05))
    return rows


def _summary(random: np.random.Generator, seed: int, method: str, epoch: int) -> list[Row]:
    attack = {"original": 0.62, "retrain": 0.51}.get(method, 0.55) + random.normal(0, 0.01)
    values = {"mia": attack, "mia gap": abs(attack - 0.5), "nomus": 0.9 - abs(attack - 0.5)}
    values["seconds"] = 12.5 if method in ("original", "retrain") else 1.25
    return [Row(seed, method, epoch, "", name, value) for name, value in values.items()]


def _predictions(random: np.random.Generator, method: str, classes: int) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for place, (split, n) in enumerate(IMAGES.items()):
        scale = 0.1 if split in ("forget", "retain") and method == "original" else 0.5
        loss = random.exponential(scale, n).astype(np.float32) + 1e-3
        label = random.integers(0, classes, n)
        probability = np.tile(((1 - np.exp(-loss)) / (classes - 1))[:, None], (1, classes))
        probability[np.arange(n), label] = np.exp(-loss)
        arrays[split] = 1000 * place + np.arange(n, dtype=np.int64)
        arrays[f"{split}_label"] = label.astype(np.int64)
        arrays[f"{split}_loss"] = loss
        arrays[f"{split}_probability"] = probability.astype(np.float16)
    return arrays


def _curves(run: Run) -> dict[str, list]:
    """The curves of the first seed and method, as the earlier project wrote them."""
    table = run.table()
    table = table[(table["seed"] == table["seed"].min()) & (table["method"] == METHODS[0])]
    curves: dict[str, list] = {}
    for name, split in (("forget", "forget"), ("retain", "retain"), ("val", "test")):
        mine = table[table["split"] == split].pivot(
            index="epoch", columns="metric", values="value"
        )
        curves[f"{name}_loss"] = mine["loss"].tolist()
        names = [f"accuracy: {one}" for one in run.params["classes"]]
        curves[f"{name}_acc"] = mine.reindex(columns=names).to_numpy().tolist()
    return curves


def _earlier(root: Path, dataset: str, epochs: int) -> Run:
    """A folder as the earlier project left it: settings, curves, and no more."""
    with TemporaryDirectory() as elsewhere:
        ours = write_sample(Path(elsewhere), dataset, "finished", epochs=epochs)
        settings, curves = ours.params, (ours.folder / "metrics.json").read_bytes()
    folder = root / dataset / "2024-11-30-12-00-00"
    folder.mkdir(parents=True)
    keep = (
        *("dataset", "forget_class", "batch_size", "train_epochs", "unlearn_epochs"),
        *("learning_rate", "unlearning_rate", "retain_rate", "forget_step", "retain_step"),
    )
    params = {key: value for key, value in settings.items() if key in keep}
    if dataset == "mnist":  # whose classes it wrote as numbers
        params["forget_class"] = [int(name) for name in params["forget_class"]]
    (folder / "params.json").write_text(json.dumps(params))
    (folder / "metrics.json").write_bytes(curves)
    return Run.open(folder)

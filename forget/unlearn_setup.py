"""From the options of a script to the experiment that they describe."""

import argparse
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.data.partition import Partition, by_class, by_index, by_person
from forget.errors import ForgetError
from forget.seeds import read_seeds
from forget.terminal import ProgressBars
from forget.unlearn_options import METHODS, Defaults

if TYPE_CHECKING:  # they load torch, and --help should not wait for it
    from torch import Tensor

    from forget.experiment import Experiment
    from forget.recipe import Recipe
    from forget.runs.run import Run

__all__ = ["bars", "experiment_of"]


def bars() -> ProgressBars:
    """Progress in the terminal, of the first of several processes only."""
    quiet = os.environ.get("LOCAL_RANK", "0") != "0"
    return ProgressBars(mininterval=0.5, dynamic_ncols=True, disable=quiet)


def experiment_of(
    d: Defaults, options: argparse.Namespace, run: "Run | None", root: Path | None = None
) -> "Experiment":
    """The experiment of some options, with its data and networks loaded.

    Arguments:
        d: What the script does where nothing is said.
        options: What was said.
        run: One to go on with; None begins another.
        root: Folder that a new run gets its own in.

    Raises:
        ForgetError: Options that exclude each other or name nothing, data or weights that are not
            there or do not fit, or a run that began with other images.
    """
    from forget.experiment import Experiment
    from forget.methods.registry import NETWORK_METHODS
    from forget.recipe import Recipe
    from forget.runs.run import Run
    from forget.training import accelerate, describe

    dataset = d.offline if getattr(options, "offline", False) else d.dataset
    if options.weights and options.train:
        raise ForgetError("--train or --weights", "both", "Leave one of them out.")
    if dataset == d.offline and options.data:
        raise ForgetError("--offline or --data", "both", "Leave one of them out.")
    seeds = read_seeds(options.seeds)
    methods = _methods(options, d, NETWORK_METHODS)
    settings = {**d.recipe, "epochs": options.train_epochs, "rate": options.learning_rate}
    recipe = Recipe(**{**settings, "batch": options.batch_size})
    fabric = accelerate(options.device, options.devices)
    with bars() as bar:
        data = load_images(dataset, options.data, bar)
    for note in data.notes:
        print(f"note: {note}")
    split = _split(data, options, d)
    config, weights = _weights(options.weights, d.config(data), d.foreign)
    device = describe(fabric)
    if run is not None:
        recipe, config = _saved(run, split)
        if fabric.is_global_zero:
            for name, (before, now) in run.resumed(device).items():
                print(f"note: {name} was {before}, is {now}: last digits may differ")
    else:
        params = _params(dataset, split, options, recipe, list(methods), seeds, config)
        folder = None
        if fabric.is_global_zero:
            folder = Run.start(root, params, device).folder
        run = Run(fabric.broadcast(folder))
    return Experiment(run, split, config, recipe, methods, seeds, fabric, weights)


def _saved(run: "Run", split: Partition) -> "tuple[Recipe, dict[str, Any]]":
    """Recipe and network of a run, which count even if the defaults of the script have changed."""
    from forget.augment import Augment
    from forget.recipe import Recipe

    params = run.params
    sizes = {name: len(indices) for name, indices in split.sets.items()}
    if params["sizes"] != sizes or params["data"] != _stamp(split.data):
        raise ForgetError(
            f"the images that the run began with, {params['sizes']}",
            f"others, {sizes}",
            "Put the same data back, or start a new run.",
        )
    plain = dict(params["recipe"])
    plain["augment"] = Augment(**plain["augment"]) if plain["augment"] else None
    return Recipe(**{**plain, "sides": tuple(plain["sides"])}), params["network"]


def _methods(options: argparse.Namespace, d: Defaults, known: Mapping[str, Any]) -> dict[str, Any]:
    wanted = [name.strip() for name in options.methods.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in METHODS]:
        remedy = f"The methods are {', '.join(METHODS)}; retrain always runs, as the reference."
        raise ForgetError("methods", ", ".join(unknown), remedy)
    epochs = {"epochs": options.unlearn_epochs}
    newton = {"smoothing": d.recipe.get("smoothing", 0.0)}  # the loss that the network minimises
    own = {
        "finetune": {**epochs, "rate": options.retain_rate},
        "tangent_step": newton,
        "newton_cg": newton,
        "kl_uniform": {
            **epochs,
            "forget_rate": options.unlearning_rate,
            "rate": options.retain_rate,
            "forget_step": not options.no_forget_step,
            "retain_step": not options.no_retain_step,
        },
    }
    only = {"no_forget_step": False, "no_retain_step": False, "unlearning_rate": d.rates[0]}
    if idle := [n for n, usual in only.items() if getattr(options, n) != usual]:
        if "kl_uniform" not in wanted:
            raise ForgetError(
                "options of kl_uniform only where it is among the methods",
                f"--{idle[0].replace('_', '-')} with --methods {options.methods}",
                "Leave the option out, or add kl_uniform.",
            )
    made: dict[str, Any] = {}
    for name in dict.fromkeys(wanted):
        method = known.get(name)  # none of that name: the subtraction, which has no settings
        batch = {"batch": options.batch_size} if hasattr(method, "batch") else {}
        made[name] = method and replace(method, **batch, **own.get(name, {}))
    return made


def _split(data: ImageDataset, options: argparse.Namespace, d: Defaults) -> Partition:
    asked = {
        "people": options.forget_people,
        "classes": options.forget_classes,
        "first": options.forget_first,
    }
    given = [(kind, value) for kind, value in asked.items() if value is not None]
    ((kind, value),) = given or [d.forget]
    if kind == "people":
        split = by_person(data, [one.strip() for one in value.split(",")])
    elif kind == "classes":
        split = by_class(data, value.split(","))
    else:
        first = max(int(value), 0)
        split = by_index(data, data.train[:first], f"the first {first:,} training images")
    if options.clean:
        from forget.data.twins.cleaning import clean

        # A class cuts through people by design; images and people do not.
        whole = "pictures" if kind == "classes" else "people"
        with bars() as bar:
            cleaned = clean(split, whole=whole, on_step=bar)
        for did in cleaned.did:
            print(f"clean: {did}")
        split = cleaned.partition
    if not len(split.test):
        raise ForgetError("at least one held-out image", "none", "Leave out --clean.")
    return split


def _weights(
    path: Path | None, config: dict[str, Any], foreign: Mapping[str, Any]
) -> "tuple[dict[str, Any], dict[str, Tensor] | None]":
    """The settings of the network that fit some weights, and the weights."""
    if path is None:
        return config, None
    import torch

    from forget.models.classifier import build
    from forget.models.foreign import read_foreign, resnet18_state

    found = read_foreign(path)
    if config["architecture"] == "resnet18":
        first = found.get("conv1.weight")
        stem = "small" if first is not None and first.shape[-1] == 3 else "large"
        config = {**config, **(foreign if stem != config["stem"] else {}), "stem": stem}
        if stem == "large":
            return config, resnet18_state(path, config["classes"])
    state = {name: torch.from_numpy(tensor.copy()) for name, tensor in found.items()}
    build(config, state)  # raises, and says what does not fit
    return config, state


def _stamp(data: ImageDataset) -> str:
    """Stands for all images and their classes, so that a run goes on with the very same."""
    digest = hashlib.sha256(data.labels.tobytes())
    for one in data.hashes_of(range(len(data.images))):
        digest.update(one.encode())
    return digest.hexdigest()


def _params(
    dataset: str,
    split: Partition,
    options: argparse.Namespace,
    recipe: "Recipe",
    methods: list[str],
    seeds: tuple[int, ...],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    plain = {k: str(v.resolve()) if isinstance(v, Path) else v for k, v in vars(options).items()}
    classes = split.data.classes
    kept = {classes[i] for i in split.data.labels[split.retain]}
    return {
        "dataset": dataset,
        "what": split.what,
        "classes": list(classes),
        "forget_class": [name for name in classes if name not in kept],
        "methods": methods,
        "seeds": list(seeds),
        "batch_size": options.batch_size,
        "train_epochs": options.train_epochs,
        "unlearn_epochs": options.unlearn_epochs,
        "learning_rate": options.learning_rate,
        "unlearning_rate": options.unlearning_rate,
        "retain_rate": options.retain_rate,
        "forget_step": not options.no_forget_step,
        "retain_step": not options.no_retain_step,
        "chance": 1 / len(classes),
        "sizes": {name: len(indices) for name, indices in split.sets.items()},
        "data": _stamp(split.data),
        "network": dict(config),
        "recipe": asdict(recipe),
        "options": {k: v for k, v in plain.items() if k not in ("resume", "log_dir")},
    }
